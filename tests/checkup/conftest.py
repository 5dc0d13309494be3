"""What the check-up's tests share: a network that is the loopback, a consent for it, a gate, a situation."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from sekisho.checkup.consent import CheckClass, Consent, Scope
from sekisho.checkup.data.knowledge import Knowledge
from sekisho.checkup.device import Device
from sekisho.checkup.gate import Gate
from sekisho.checkup.limits import Limits
from sekisho.checkup.network import LocalNetwork
from sekisho.checkup.situation import OwnerAnswers, Situation

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
GATEWAY = "127.0.0.1"


@pytest.fixture
def network() -> LocalNetwork:
    return LocalNetwork(
        interface="lo",
        index=1,
        address=ip_address("127.0.0.9"),  # type: ignore[arg-type]
        prefixes=(ip_network("127.0.0.0/24"), ip_network("2001:db8::/64")),
        gateway=ip_address(GATEWAY),
        gateway_mac="00:00:5e:00:53:01",
    )


@pytest.fixture
def consent(network: LocalNetwork) -> Consent:
    return Consent(
        person="tester",
        network=network.identity,
        classes=frozenset(CheckClass),
        given_at_ms=NOW_MS,
        expires_at_ms=NOW_MS + DAY_MS,
    )


@pytest.fixture
def fast_limits() -> Limits:
    """The pace of a LAN of sockets on this computer; the pace itself is tested elsewhere."""
    limits = Limits(connections_per_s=10_000, connections_per_device_per_s=10_000)
    return limits.tightened(connect_timeout_s=0.5, exchange_timeout_s=0.5)


@pytest.fixture
def gate(network: LocalNetwork, consent: Consent, fast_limits: Limits) -> Gate:
    return Gate(Scope(network, consent), fast_limits, still_here=lambda: None)


@pytest.fixture
def situation(network: LocalNetwork) -> Callable[..., Situation]:
    def make(*devices: Device, answers: dict[str, Any] | None = None, **more: Any) -> Situation:
        more.setdefault("knowledge", Knowledge())
        told = OwnerAnswers(devices={"127.0.0.20": answers or {}})
        return Situation(network=network, now_ms=NOW_MS, answers=told, devices=devices, **more)

    return make


@pytest.fixture
def serve() -> Callable[..., Any]:
    """Run a coroutine function against a server on the loopback; gives what it returns."""

    def run(handler: Callable[..., Awaitable[None]], use: Callable[[int], Awaitable[Any]]) -> Any:
        async def both() -> Any:
            async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await handler(reader, writer)
                except (ConnectionError, asyncio.IncompleteReadError):
                    pass
                finally:
                    writer.transport.abort()

            server = await asyncio.start_server(quietly, "127.0.0.20", 0)
            try:
                return await use(server.sockets[0].getsockname()[1])
            finally:
                server.close()

        return asyncio.run(both())

    return run


@pytest.fixture
def device() -> Device:
    return Device(id="d1", addresses=("127.0.0.20",))


@pytest.fixture
def tls_server(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
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
