"""c2.3: is the router's IPv6 firewall on. Over IPv6 every device has its own address, and only this is before it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from sekisho.checkup.checks.igd import FIREWALL_SERVICE, answers, is_router, read, services
from sekisho.checkup.outcomes import Observation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

_TRUE = ("1", "true", "yes")


def jobs(device: Device, seen: Seen, _: Situation) -> Iterator[Job]:
    """GetFirewallStatus (WANIPv6FirewallControl:1, 2.5.1)."""
    for address, service in services(device, seen, FIREWALL_SERVICE):
        yield from read(address, service, "GetFirewallStatus")


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """No answer is CANNOT-TELL, however new the router looks."""
    if not situation.is_gateway(device) and not is_router(device, seen):
        return
    flags = next((a.fields for a in answers(device, seen, "GetFirewallStatus") if a.fields), None)
    if flags is None or "FirewallEnabled" not in flags:
        yield Observation("c2.3.unknown", {}, "upnp igd")
        return
    evidence = {
        "FirewallEnabled": flags["FirewallEnabled"],
        "InboundPinholeAllowed": flags.get("InboundPinholeAllowed", "-"),
        "devices": str(sum(map(_on_the_internet, situation.devices))),
    }
    if flags["FirewallEnabled"].lower() not in _TRUE:
        yield Observation("c2.3.firewall_off", evidence, "upnp igd")
    elif flags.get("InboundPinholeAllowed", "").lower() in _TRUE:
        yield Observation("c2.3.pinholes", evidence, "upnp igd")
    else:
        yield Observation("c2.3.firewall_on", evidence, "upnp igd")


def _on_the_internet(device: Device) -> bool:
    """Whether the device holds a global IPv6 address, which only the firewall stands before."""
    return any(address.version == 6 and address.is_global for address in map(ip_address, device.addresses))
