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

CLASSES = {
    ipaddress.ip_network("192.0.0.0/29"): "RFC 6333",  # DS-Lite
    ipaddress.ip_network("100.64.0.0/10"): "RFC 6598",  # shared by a provider's customers
    ipaddress.ip_network("10.0.0.0/8"): "RFC 1918",
    ipaddress.ip_network("172.16.0.0/12"): "RFC 1918",
    ipaddress.ip_network("192.168.0.0/16"): "RFC 1918",
}
"""Prefix of an outer address that is nobody's on the Internet -> the document that says so."""


def jobs(device: Device, seen: Seen, _: Situation) -> Iterator[Job]:
    """GetExternalIPAddress of every WAN connection."""
    for address, service in services(device, seen, *CONNECTION_SERVICES):
        yield from read(address, service, "GetExternalIPAddress")


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """The class of the outer address, never the address itself."""
    if not situation.is_gateway(device) and not is_router(device, seen):
        return
    addresses = list(_outer(device, seen))
    inner = [prefix for address in addresses for prefix in CLASSES if address in prefix]
    if inner:
        evidence = {"prefix": f"{inner[0]} ({CLASSES[inner[0]]})"}
        yield Observation("c2.2b.double_router", evidence, "upnp igd, nat-pmp")
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
