"""c2.2b: does another router or a tunnel stand in front. In Japan a home gateway of the line provider often does."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from sekisho.checkup.checks.igd import CONNECTION_SERVICES, answers, is_router, read, services
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.natpmp import NatPmpAnswer
from sekisho.core.address import SPECIAL_USE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

CLASSES = (
    (ipaddress.ip_network("192.0.0.0/29"), "192.0.0.0/29 (DS-Lite, RFC 6333)"),
    (ipaddress.ip_network("100.64.0.0/10"), "100.64.0.0/10 (shared, RFC 6598)"),
    (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8 (private, RFC 1918)"),
    (ipaddress.ip_network("172.16.0.0/12"), "172.16.0.0/12 (private, RFC 1918)"),
    (ipaddress.ip_network("192.168.0.0/16"), "192.168.0.0/16 (private, RFC 1918)"),
)
"""Prefix of an outer address that is nobody's on the Internet -> how the report names it."""


def jobs(device: Device, seen: Seen, _: Situation) -> Iterator[Job]:
    """GetExternalIPAddress of every WAN connection."""
    for address, service in services(device, seen, *CONNECTION_SERVICES):
        yield from read(address, service, "GetExternalIPAddress")


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """The class of the outer address, never the address itself."""
    if not situation.is_gateway(device) and not is_router(device, seen):
        return
    addresses = list(_outer(device, seen))
    kinds = [name for address in addresses for prefix, name in CLASSES if address in prefix]
    if kinds:
        yield Observation("c2.2b.double_router", {"kind": kinds[0]}, "upnp igd, nat-pmp")
    elif any(not any(address in prefix for prefix in SPECIAL_USE) for address in addresses):
        yield Observation("c2.2b.direct", {}, "upnp igd, nat-pmp")
    else:
        yield Observation("c2.2b.unknown", {}, "upnp igd, nat-pmp")


def _outer(device: Device, seen: Seen) -> Iterator[ipaddress.IPv4Address]:
    texts = [answer.fields.get("NewExternalIPAddress", "") for answer in answers(device, seen, "GetExternalIPAddress")]
    texts += [answer.external_address for _, answer in seen.answers(device.targets, NatPmpAnswer)]
    for text in texts:
        try:
            yield ipaddress.IPv4Address(text)
        except ValueError:
            continue
