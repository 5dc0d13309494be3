"""TLS as devices have it: self-signed, expired, for another name; the key is what counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sekisho.checkup.jobs import Job
from sekisho.checkup.probes import http
from sekisho.checkup.probes.http import HttpAnswer

if TYPE_CHECKING:
    import ssl

    from sekisho.checkup.gate import Gate

HOST = "127.0.0.20"


def test_the_key_of_a_certificate_that_nobody_would_trust_is_read(
    gate: Gate, tls_server: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subject, day of expiry and the key's fingerprint, in the same connection as the page."""
    context, fingerprint = tls_server

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
