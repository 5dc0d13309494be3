"""Which measures the evidence points at first, and which devices are likely, per kind of detection.

The rows are the operator's starting point, not proof: a notice names likely devices as a likelihood.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from sekisho.measures.model import MeasureId, Text, load_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class DeviceKind(StrEnum):
    """Kinds of device that a text or a report can name."""

    ROUTER = "router"
    CAMERA = "camera"
    RECORDER = "recorder"
    TV_BOX = "tv_box"
    NAS = "nas"
    PRINTER = "printer"
    PC_OR_MAIL = "pc_or_mail"
    OTHER = "other"


SUBSCRIBER_ORDER = (
    MeasureId.REBOOT,
    MeasureId.CREDENTIALS,
    MeasureId.CONNECTIONS,
    MeasureId.VULNERABILITIES,
    MeasureId.SETTINGS,
    MeasureId.MAKER,
)
"""A restart stops what lives in memory; the others keep it from coming back, and are done at once after it."""

_FLOOD = (MeasureId.REBOOT,)
POINTS_AT: Mapping[str, tuple[MeasureId, ...]] = {
    "udp_flood": _FLOOD,
    "tcp_syn_flood": _FLOOD,
    "tcp_flood": _FLOOD,
    "icmp_flood": _FLOOD,
    "gre_flood": _FLOOD,
    "fragment_flood": _FLOOD,
    "http_flood": _FLOOD,
    "dns_flood": _FLOOD,
    "volume_anomaly": _FLOOD,
    "reflection": (MeasureId.CONNECTIONS,),
    "scan": (MeasureId.REBOOT,),
    "brute_force": (MeasureId.CREDENTIALS,),
    "spam": (MeasureId.CREDENTIALS,),
    "c2_contact": _FLOOD,
}
"""Kind of detection -> measures that the evidence points at first; a kind not listed gives the general order."""

LOGIN_PORTS = frozenset({22, 23, 2323, 2222, 23231})
"""Scanned by bots that spread by guessing logins: the device that scans was most likely entered the same way."""

EXPLOIT_PORTS = frozenset({81, 5555, 7547, 8080, 8291, 9530, 34567, 37215, 49152, 52869, 60001})
"""Scanned by bots that spread through holes of routers, recorders and boxes with an open debug port."""

AMPLIFIERS: Mapping[int, str] = {
    17: "QOTD (17)",
    19: "chargen (19)",
    53: "DNS (53)",
    69: "TFTP (69)",
    111: "portmap (111)",
    123: "NTP (123)",
    137: "NetBIOS (137)",
    161: "SNMP (161)",
    389: "CLDAP (389)",
    427: "SLP (427)",
    520: "RIP (520)",
    1434: "SQL Server (1434)",
    1900: "SSDP (1900)",
    3283: "ARMS (3283)",
    3389: "RDP (3389)",
    3702: "WS-Discovery (3702)",
    5093: "Sentinel (5093)",
    5353: "mDNS (5353)",
    5683: "CoAP (5683)",
    10001: "Ubiquiti discovery (10001)",
    11211: "memcached (11211)",
    32414: "Plex (32414)",
    37810: "DVR discovery (37810)",
}
"""UDP source port -> the open service that answers forged requests, as texts name it."""

_ANY_DEVICE = (DeviceKind.CAMERA, DeviceKind.RECORDER, DeviceKind.ROUTER, DeviceKind.TV_BOX)
_LIKELY: Mapping[str, tuple[DeviceKind, ...]] = {
    "spam": (DeviceKind.PC_OR_MAIL,),
    "reflection": (DeviceKind.ROUTER, DeviceKind.NAS, DeviceKind.CAMERA, DeviceKind.RECORDER),
}


def order_of_measures(kind: str, *, ports: Iterable[int] = ()) -> tuple[MeasureId, ...]:
    """All six in the order that the evidence suggests.

    Args:
        kind: kind of detection; operators' own kinds give the general order.
        ports: destination ports that a scan went for.
    """
    return order_for_case([(kind, ports)])


def order_for_case(evidence: Iterable[tuple[str, Iterable[int]]]) -> tuple[MeasureId, ...]:
    """All six for a line on which several things were seen: what the gravest points at first, then the next.

    Args:
        evidence: (kind, destination ports), the gravest first.
    """
    first = [measure for kind, ports in evidence for measure in _pointed_at(kind, ports)]
    return tuple(dict.fromkeys([*first, *SUBSCRIBER_ORDER]))


def likely_devices(kind: str) -> tuple[DeviceKind, ...]:
    """Devices to name first for a kind, most likely first."""
    return _LIKELY.get(kind, _ANY_DEVICE)


@cache
def device_names() -> Mapping[DeviceKind, Text]:
    """What each kind of device is called."""
    tables = load_texts("devices")
    return {kind: Text.of(tables[kind]) for kind in DeviceKind}


def _pointed_at(kind: str, ports: Iterable[int]) -> tuple[MeasureId, ...]:
    return POINTS_AT.get(kind, ()) + (_after_scan(frozenset(ports)) if kind == "scan" else ())


def _after_scan(ports: frozenset[int]) -> tuple[MeasureId, ...]:
    if ports & LOGIN_PORTS:
        return (MeasureId.CREDENTIALS, MeasureId.CONNECTIONS)
    if ports & EXPLOIT_PORTS:
        return (MeasureId.VULNERABILITIES, MeasureId.CONNECTIONS)
    return ()
