"""c2.1: which services are open. What is not open cannot be attacked from the network.

Known look-alikes: a port may be open to the LAN and closed to the Internet; the router's openings (c2.2) say more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, Status
from sekisho.checkup.limits import NEVER_WRITE_PORTS
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.mqtt import MqttAnswer
from sekisho.checkup.probes.rtsp import RtspAnswer
from sekisho.checkup.probes.ssh import SshAnswer
from sekisho.checkup.probes.telnet import TelnetAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Attempt, Seen
    from sekisho.checkup.situation import Situation

TCP_PORTS = (
    *(21, 22, 23, 80, 81, 139, 443, 445, 554, 1883, 2323, 5000, 5555, 7547, 8000, 8080, 8443, 8554, 8883),
    *(9100, 9530, 34567, 37215, 37777, 49152),
)
UDP_PROBES = {"snmp": (161, "SNMP"), "ssdp": (1900, "SSDP"), "wsd": (3702, "WS-Discovery"), "mdns": (5353, "mDNS")}
"""Probe of a UDP service -> its port, and what the report calls it. An answer is the proof: UDP has no other."""
ROUTER_UDP_PROBES = {"natpmp": (5351, "NAT-PMP"), "pcp": (5351, "PCP")}
_UDP_PROBES = UDP_PROBES | ROUTER_UDP_PROBES | {"snmp_read": (161, "SNMP")}

TELNET_PORTS = frozenset({23, 2323})
DEBUG_PORT, MANAGEMENT_PORT = 5555, 7547
_SPEAKS = {HttpAnswer: "HTTP", RtspAnswer: "RTSP", MqttAnswer: "MQTT", SshAnswer: "SSH", TelnetAnswer: "telnet"}


def jobs(device: Device, seen: Seen, situation: Situation) -> Iterator[Job]:
    """A connect to each listed port, and one valid question to each listed UDP service."""
    for address in device.targets:
        yield from (Job("tcp", address, port) for port in TCP_PORTS)
        yield from (Job(probe, address, port) for probe, (port, _) in UDP_PROBES.items())
        if situation.is_gateway(device):
            yield from (Job(probe, address, port) for probe, (port, _) in ROUTER_UDP_PROBES.items())
        if address in situation.community_at:
            yield Job("snmp_read", address, 161)
    yield from _protocol_jobs(device, seen)


def fold(device: Device, seen: Seen, _: Situation) -> Iterator[Observation]:
    """Ports that should never be open are actions, the others a question."""
    tried = [a for a in seen.of(device.targets) if a.job.probe == "tcp" or a.job.probe in _UDP_PROBES]
    ports = sorted({a.job.port for a in tried if a.job.probe == "tcp" and a.status is Status.ANSWERED})
    named = {port: _named(device, seen, port) for port in ports}
    for port in ports:
        if outcome := _never_open(port):
            yield Observation(outcome, {"port": str(port), "service": named[port]}, "tcp connect")
    others = [named[port] for port in ports if _never_open(port) is None] + _answered_udp(tried)
    if others:
        yield Observation("c2.1.other", {"ports": ", ".join(others)}, "tcp connect, udp answers")
    elif tried and not ports:
        refused = any(attempt.status is Status.CLOSED for attempt in tried)
        outcome = "c2.1.none" if refused else "c2.1.silent"
        yield Observation(outcome, {"count": str(len(tried))}, "tcp connect, udp answers")


def _answered_udp(tried: Iterable[Attempt]) -> list[str]:
    """UDP services that answered, those of one port together."""
    names: dict[int, set[str]] = {}
    for attempt in tried:
        if attempt.status is Status.ANSWERED and attempt.job.probe in _UDP_PROBES:
            port, name = _UDP_PROBES[attempt.job.probe]
            names.setdefault(port, set()).add(name)
    return [f"{port}/udp ({', '.join(sorted(names[port]))})" for port in sorted(names)]


def _never_open(port: int) -> str | None:
    if port in TELNET_PORTS:
        return "c2.1.telnet"
    return {DEBUG_PORT: "c2.1.debug", MANAGEMENT_PORT: "c2.1.management"}.get(port)


def _named(device: Device, seen: Seen, port: int) -> str:
    """The port, and the protocol where it was proven by an answer."""
    for attempt in seen.of(device.targets):
        if attempt.job.port == port and type(attempt.answer) in _SPEAKS:
            return f"{port} ({_SPEAKS[type(attempt.answer)]})"
    return f"{port} (printing)" if port in NEVER_WRITE_PORTS else str(port)


def _protocol_jobs(device: Device, seen: Seen) -> Iterator[Job]:
    for attempt in seen.of(device.targets):
        if attempt.job.probe == "tcp" and attempt.status is Status.ANSWERED and attempt.job.port == 22:
            yield Job("ssh", attempt.job.address, 22)
