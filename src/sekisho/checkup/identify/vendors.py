"""Vendor of a MAC, as the IEEE registered it: who made the network part, where the MAC tells that at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.device import TraitKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.checkup.device import Device

IANA_OUI = "00:00:5e:"
"""The IANA's own block: documentation (RFC 9542), VRRP and other protocols. It names no maker."""


async def vendors_of(devices: Iterable[Device]) -> dict[str, str]:
    """Vendor by burnt-in MAC; a MAC that a device made up for itself has none."""
    import aiooui

    await aiooui.async_load()
    macs = {t.value for device in devices for t in device.traits if t.kind is TraitKind.MAC}
    told = {mac for mac in macs if not mac.startswith(IANA_OUI)}
    return {mac: vendor for mac in told if (vendor := aiooui.get_vendor(mac))}
