"""What is likely to keep mail from arriving: an unusable key, and, when asked, what the DNS says about the sender."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from sekisho.core.config_delivery import Mail

    Lookup = Callable[[str], list[str]]

MIN_KEY_BITS = 1024
"""RFC 8301, 3.2: signers use at least 1024 bits, and should use at least 2048."""

GOOD_KEY_BITS = 2048


def key_warnings(mail: Mail) -> list[str]:
    """Sentences about the signing key; none where nothing is signed.

    Raises:
        InputError: it is no key that mail can be signed with.
    """
    if mail.dkim_key_file is None:
        return []
    bits = _private_key(mail).key_size
    if bits < MIN_KEY_BITS:
        raise InputError(mail.dkim_key_file, f"expected an RSA key of at least {MIN_KEY_BITS} bits, found {bits}")
    warnings = []
    if bits < GOOD_KEY_BITS:
        warnings.append(f"mail.dkim_key_file has {bits} bits: receivers expect {GOOD_KEY_BITS}")
    if mail.dkim_key_file.stat().st_mode & 0o077:
        warnings.append("mail.dkim_key_file can be read by others: whoever has it writes mail in your name")
    return warnings


def dns_warnings(mail: Mail, lookup: Lookup) -> list[str]:
    """Sentences about DKIM, SPF and DMARC records of the sender.

    Args:
        mail: with a ``from_address``.
        lookup: the TXT records of a name, empty where there are none.

    Raises:
        Unavailable: the DNS does not answer.
    """
    if mail.from_address is None:
        return []
    return [*_dkim(mail, lookup), *_spf(mail, lookup), *_dmarc(mail.from_address.rpartition("@")[2], lookup)]


def txt_records(name: str) -> list[str]:
    """The TXT records of a name, from the resolver of this machine.

    Raises:
        Unavailable: the DNS does not answer.
    """
    import dns.exception
    import dns.resolver

    from sekisho.core.errors import Unavailable

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=5.0)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise Unavailable(f"DNS: no answer about {name} ({type(error).__name__})") from None
    return [b"".join(record.strings).decode("ascii", "replace") for record in answer]


def _dkim(mail: Mail, lookup: Lookup) -> Iterator[str]:
    """RFC 6376, 3.6.2.1: the public key stands at ``SELECTOR._domainkey.DOMAIN``."""
    if not mail.signs:
        return
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    name = f"{mail.dkim_selector}._domainkey.{mail.dkim_domain}"
    public = _private_key(mail).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = [re.sub(r"\s", "", record) for record in lookup(name)]
    if not found:
        yield f"{name} has no TXT record: nobody can verify the signature"
    elif not any(f"p={base64.b64encode(public).decode()}" in record.split(";") for record in found):
        yield f"{name} holds another key than mail.dkim_key_file: every signature fails"


def _spf(mail: Mail, lookup: Lookup) -> Iterator[str]:
    """RFC 7208, 4.5: exactly one record, at the domain of the envelope sender."""
    domain = (mail.envelope_from or "").rpartition("@")[2]
    count = sum(record.split(" ")[0].lower() == "v=spf1" for record in lookup(domain))
    if count != 1:
        yield f"{domain} has {count or 'no'} SPF record{'s' if count > 1 else ''}: expected exactly one"


def _dmarc(domain: str, lookup: Lookup) -> Iterator[str]:
    """RFC 7489, 6.6.3: at the domain itself, else at the organizational one above it."""
    labels = domain.split(".")
    names = [f"_dmarc.{'.'.join(labels[start:])}" for start in range(max(1, len(labels) - 1))]
    if not any(record.lower().startswith("v=dmarc1") for name in names for record in lookup(name)):
        yield f"{names[0]} has no DMARC record: forged mail in your name looks like yours"


def _private_key(mail: Mail) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    assert mail.dkim_key_file is not None
    try:
        key = load_pem_private_key(mail.dkim_key_file.read_bytes(), password=None)
    except OSError as error:
        raise InputError(mail.dkim_key_file, f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(mail.dkim_key_file, "expected a private key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise InputError(mail.dkim_key_file, "expected an RSA key, found one of another kind")
    return key
