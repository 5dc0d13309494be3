"""The server: over a real socket, with TLS, behind a proxy, ending in time."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from sekisho.core.config_web import Portal
from sekisho.core.errors import InputError
from sekisho.web.base.server import WebServer

ANY_PORT = "127.0.0.1:0"


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def who(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"client": request.client.host, "scheme": request.url.scheme}

    return app


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


def served(**given) -> WebServer:
    server = WebServer(application(), Portal.model_validate({"listen": ANY_PORT} | given))
    server.start()
    return server


def test_it_answers_and_ends() -> None:
    """A connection that is kept open does not hold it up."""
    server = served()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        answer = client.get("/")
        assert answer.json() == {"client": "127.0.0.1", "scheme": "http"}
        assert "server" not in answer.headers
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 5
    assert server.failed is None


def test_a_page_is_sent_without_delay() -> None:
    """Only where a socket names its protocol does asyncio turn Nagle off; with it a page took 40 ms more."""
    server = served()
    assert server._socket is not None
    assert server._socket.proto == socket.IPPROTO_TCP
    server.close()


@pytest.mark.parametrize(
    ("proxies", "client", "scheme"), [([], "127.0.0.1", "http"), (["127.0.0.0/8"], "192.0.2.9", "https")]
)
def test_only_a_named_proxy_is_believed(proxies: list[str], client: str, scheme: str) -> None:
    """Else anybody could claim any address; what a client put in front counts nothing."""
    server = served(proxies=proxies)
    headers = {"X-Forwarded-For": "198.51.100.1, 192.0.2.9", "X-Forwarded-Proto": "https"}
    answer = httpx.get(f"http://127.0.0.1:{server.port}/", headers=headers)
    server.close()
    assert answer.json() == {"client": client, "scheme": scheme}


def test_tls_by_itself(tmp_path: Path) -> None:
    """With the operator's certificate."""
    chain, private = certificate(tmp_path)
    server = served(certificate=chain, key_file=private)
    answer = httpx.get(f"https://localhost:{server.port}/", verify=ssl.create_default_context(cafile=str(chain)))
    server.close()
    assert answer.json()["scheme"] == "https"


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    """An address in use; a key that is none."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="cannot be listened at"):
        served(listen=f"127.0.0.1:{taken.getsockname()[1]}")
    chain, private = certificate(tmp_path)
    private.write_text("no key")
    with pytest.raises(InputError, match="cannot be used"):
        served(certificate=chain, key_file=private)
