"""TLS as old devices speak it: any version, any certificate; we want to see the key, not to trust it."""

from __future__ import annotations

import hashlib
import ssl
import warnings
from dataclasses import dataclass
from functools import cache

TLS_PORTS = frozenset({443, 4443, 8443, 8883, 9443})


@dataclass(frozen=True, slots=True)
class TlsPeer:
    """The certificate that a device showed.

    Attributes:
        subject: RFC 4514 text.
        key_fingerprint: SHA-256 of the public key (SubjectPublicKeyInfo), hexadecimal; stays over renewals.
    """

    subject: str
    key_fingerprint: str
    not_after: str
    version: str


@cache
def any_peer() -> ssl.SSLContext:
    """A client context that accepts what household devices offer, TLS 1.0 and small keys included."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old devices speak nothing newer
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def peer_of(session: ssl.SSLObject | None) -> TlsPeer | None:
    """The peer of a session; None on a plain connection or where the certificate does not parse."""
    der = session.getpeercert(binary_form=True) if session is not None else None
    if session is None or not der:
        return None
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        subject = certificate.subject.rfc4514_string()
    except Exception:  # noqa: BLE001 # any certificate a device made up; cryptography raises many types
        return TlsPeer("", hashlib.sha256(der).hexdigest(), "", session.version() or "")
    not_after = certificate.not_valid_after_utc.date().isoformat()
    return TlsPeer(subject, hashlib.sha256(key).hexdigest(), not_after, session.version() or "")
