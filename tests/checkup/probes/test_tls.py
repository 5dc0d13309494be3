"""TLS as devices have it: self-signed, expired, for another name; the key is what counts."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from sekisho.checkup.jobs import Job
from sekisho.checkup.probes import http
from sekisho.checkup.probes.http import HttpAnswer

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.checkup.gate import Gate

HOST = "127.0.0.20"


@pytest.fixture
def server(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A context with an expired self-signed certificate, and the fingerprint of its key."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Synology Inc.")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2010, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2011, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return context, hashlib.sha256(public).hexdigest()


def test_the_key_of_a_certificate_that_nobody_would_trust_is_read(
    gate: Gate, server: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subject, day of expiry and the key's fingerprint, in the same connection as the page."""
    context, fingerprint = server

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def use() -> HttpAnswer:
        listening = await asyncio.start_server(handler, HOST, 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]
        monkeypatch.setattr(http, "TLS_PORTS", {port})
        answer = await http.run(Job("http", HOST, port, "/"), gate)
        listening.close()
        return answer

    answer = asyncio.run(use())
    assert answer.body == b"hi"
    assert answer.tls is not None
    assert (answer.tls.key_fingerprint, answer.tls.not_after) == (fingerprint, "2011-01-01")
    assert "Synology" in answer.tls.subject
