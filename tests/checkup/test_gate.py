"""The gate: bounded in time and octets whatever a device does, and nothing leaves against the scope."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup.consent import OutOfScope
from sekisho.checkup.gate import Gate, _echo_request
from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes import http

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.20"


async def read_all(gate: Gate, port: int) -> bytes:
    async with gate.connect(HOST, port) as stream:
        stream.write(b"hello\n")
        return await stream.read_all()


def test_an_answer_without_end_is_cut_at_the_limit(gate: Gate, serve: Callable[..., Any]) -> None:
    """A device that would send a gigabyte is read for 64 KiB and left."""

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    got = serve(endless, lambda port: read_all(gate, port))
    assert len(got) == gate.limits.answer_octets


def test_a_device_that_drips_is_left_at_the_deadline(gate: Gate, serve: Callable[..., Any]) -> None:
    """The whole life of a connection is bounded, not the wait for the next octet."""
    drops = 0

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal drops
        for drops in range(1, 1000):  # noqa: B007 # counted for the assertion
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    got = serve(drip, lambda port: read_all(gate, port))
    assert 1 <= len(got) < 100
    assert drops < 100


def test_a_device_that_hangs_gives_nothing(gate: Gate, serve: Callable[..., Any]) -> None:
    """Silence after connecting ends at the deadline with what came: nothing."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    assert serve(hang, lambda port: read_all(gate, port)) == b""


def test_a_closed_port_is_closed(gate: Gate) -> None:
    """Refused is another answer than silent."""

    async def use() -> None:
        async with gate.connect(HOST, 1):
            pass

    with pytest.raises(NoAnswer) as raised:
        asyncio.run(use())
    assert raised.value.status is Status.CLOSED


def test_nothing_is_sent_off_the_link(gate: Gate) -> None:
    """Refused before a socket exists, and not counted as sent."""

    async def use() -> None:
        async with gate.connect("192.0.2.1", 80):
            pass

    with pytest.raises(OutOfScope):
        asyncio.run(use())
    with pytest.raises(OutOfScope):
        asyncio.run(gate.ask("192.0.2.1", 53, b"x"))
    assert gate.sent.total() == 0


def test_the_gate_asks_whether_it_is_still_here_before_each_packet(gate: Gate) -> None:
    """Once the network is another one, nothing more leaves."""

    def moved() -> None:
        raise OutOfScope("another network")

    gate.still_here = moved
    for send in (gate.ask(HOST, 53, b"x"), gate.ask_group("239.255.255.250", 1900, b"x", wait_s=0)):
        with pytest.raises(OutOfScope):
            asyncio.run(send)
    assert gate.sent.total() == 0


def test_no_octet_goes_to_a_printer_port(gate: Gate) -> None:
    """A connection to 9100 is allowed, writing to it is an error of the caller that sends nothing."""
    got: list[bytes] = []

    async def use() -> None:
        left = asyncio.Event()

        async def printer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.read())
            writer.close()
            left.set()

        server = await asyncio.start_server(printer, HOST, 9100)
        with pytest.raises(OutOfScope):
            async with gate.connect(HOST, 9100) as stream:
                stream.write(b"hello")
        await left.wait()
        server.close()

    asyncio.run(use())
    assert got == [b""]


def test_a_web_server_without_tls_where_tls_is_asked_for_is_garbled(
    gate: Gate, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed handshake is an answer of its own, not a crash."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.0 400 no\r\n\r\n")
        await writer.drain()

    async def use(port: int) -> None:
        monkeypatch.setattr(http, "TLS_PORTS", {port})
        await http.run(Job("http", HOST, port, "/"), gate)

    with pytest.raises(NoAnswer) as raised:
        serve(plain, use)
    assert raised.value.status is Status.GARBLED


def test_echo_requests_have_a_right_checksum() -> None:
    """RFC 792: the one's complement sum over the message with its checksum is all ones."""
    for sequence in (0, 1, 253, 65_535):
        octets = _echo_request(sequence)
        total = sum(int.from_bytes(octets[i : i + 2], "big") for i in range(0, 8, 2))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


def test_sent_packets_are_counted_by_kind(gate: Gate, serve: Callable[..., Any]) -> None:
    """The run can say what it sent."""

    async def closed(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    serve(closed, lambda port: read_all(gate, port))
    assert dict(gate.sent) == {"tcp connection": 1}


def test_limits_of_the_gate_are_values(gate: Gate) -> None:
    """A gate cannot be loosened after it was made."""
    with pytest.raises(AttributeError):
        gate.limits.connections_per_s = 1e9  # type: ignore[misc]
    assert replace(gate.limits) == gate.limits
