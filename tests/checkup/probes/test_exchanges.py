"""The exchanges over a socket: what leaves, and what devices that lie make of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup.consent import OutOfScope
from sekisho.checkup.jobs import Job, NoAnswer
from sekisho.checkup.probes import probe, soap
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.mqtt import MqttAnswer
from sekisho.checkup.probes.rtsp import RtspAnswer
from sekisho.checkup.probes.ssh import SshAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.telnet import TelnetAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.checkup.gate import Gate

HOST = "127.0.0.20"


def asked(gate: Gate, serve: Callable[..., Any], name: str, argument: str, *answers: bytes) -> tuple[Any, bytes]:
    """Runs one probe against a server that sends each answer after something arrived; gives what it received."""
    got: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            if name not in ("telnet", "tcp"):
                got.append(await reader.read(4096))
            writer.write(answer)
            await writer.drain()
        got.append(await reader.read(4096))

    async def use(port: int) -> Any:
        return await probe(name)(Job(name, HOST, port, argument), gate)

    return serve(handler, use), b"".join(got)


def test_http_asks_without_credentials(gate: Gate, serve: Callable[..., Any]) -> None:
    """One GET, no cookie, no login."""
    answer, sent = asked(gate, serve, "http", "/a?b", b"HTTP/1.0 302 go\r\nLocation: http://192.0.2.9/\r\n\r\n")
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 302
    assert sent.startswith(b"GET /a?b HTTP/1.1\r\n")
    assert b"Authorization" not in sent


def test_http_refuses_a_path_that_would_break_the_request(gate: Gate, serve: Callable[..., Any]) -> None:
    """A device cannot make us send a header of its choice."""
    with pytest.raises(NoAnswer):
        asked(gate, serve, "http", "/a\r\nX: 1", b"")


@pytest.mark.parametrize("status", [200, 401, 404])
def test_rtsp_describes_and_never_plays(gate: Gate, serve: Callable[..., Any], status: int) -> None:
    """OPTIONS, DESCRIBE, and nothing else."""
    options = b"RTSP/1.0 200 OK\r\nServer: cam\r\n\r\n"
    describe = b"RTSP/1.0 %d X\r\nContent-Length: 0\r\n\r\n" % status
    answer, sent = asked(gate, serve, "rtsp", "", options, describe)
    assert answer == RtspAnswer(200, status, "cam", "")
    assert [line.split()[0] for line in sent.split(b"\r\n\r\n") if line] == [b"OPTIONS", b"DESCRIBE"]


def test_mqtt_leaves_after_connack(gate: Gate, serve: Callable[..., Any]) -> None:
    """CONNECT, CONNACK, DISCONNECT."""
    answer, sent = asked(gate, serve, "mqtt", "", b"\x20\x02\x00\x05")
    assert answer == MqttAnswer(5)
    assert sent.endswith(b"\xe0\x00")


def test_mqtt_port_that_speaks_something_else_is_no_broker(gate: Gate, serve: Callable[..., Any]) -> None:
    """An open 1883 is no proof of MQTT."""
    with pytest.raises(NoAnswer):
        asked(gate, serve, "mqtt", "", b"HTTP/1.0 400\r\n")


def test_telnet_reads_the_prompt_and_types_nothing(gate: Gate, serve: Callable[..., Any]) -> None:
    """Only refusals leave."""
    answer, sent = asked(gate, serve, "telnet", "", b"\xff\xfb\x01", b"cam login: ")
    assert answer == TelnetAnswer("cam login:", login=True, shell=False)
    assert sent == b"\xff\xfe\x01"


def test_ssh_without_a_key_exchange_keeps_the_banner(gate: Gate, serve: Callable[..., Any]) -> None:
    """A server that stops after its identification is still named."""
    answer, _ = asked(gate, serve, "ssh", "", b"SSH-2.0-old\r\n")
    assert answer == SshAnswer("SSH-2.0-old", "")


def test_tcp_writes_nothing(gate: Gate, serve: Callable[..., Any]) -> None:
    """A connect is a connect."""
    answer, sent = asked(gate, serve, "tcp", "", b"220 hello\r\n")
    assert answer == Open("")
    assert sent == b""


@pytest.mark.parametrize("action", ["AddPortMapping", "DeletePortMapping", "SystemReboot", "SetUser", ""])
def test_a_call_that_changes_something_is_refused_before_anything_is_sent(gate: Gate, action: str) -> None:
    """The list of actions is closed."""
    job = Job("soap", HOST, 80, soap.call("/ctl", "urn:x:1", action))
    with pytest.raises(OutOfScope):
        asyncio.run(probe("soap")(job, gate))
    assert gate.sent.total() == 0


def test_soap_arguments_are_numbers() -> None:
    """An argument cannot carry markup."""
    job = soap.igd_job(HOST, 80, "/ctl", "urn:x:1", "GetGenericPortMappingEntry", ("NewPortMappingIndex", "<x/>"))
    with pytest.raises(ValueError, match="invalid literal"):
        soap.request(job, "/ctl", "urn:x:1", "GetGenericPortMappingEntry", ["NewPortMappingIndex=<x/>"])
