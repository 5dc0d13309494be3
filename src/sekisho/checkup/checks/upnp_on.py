"""c2.4: UPnP at the router is on, so any program inside can open a port; some games and calls need that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.checks.igd import is_router
from sekisho.checkup.jobs import Job
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.http import local_path
from sekisho.checkup.probes.soap import ONVIF_DEVICE, call
from sekisho.checkup.probes.ssdp import SsdpAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Seen
    from sekisho.checkup.situation import Situation

_DESCRIPTIONS = 8
"""A router with all its services on describes them in half a dozen documents."""


def jobs(device: Device, seen: Seen, _: Situation) -> Iterator[Job]:
    """Descriptions that the device points at on itself: UPnP documents, and ONVIF's details."""
    locations = [fact.value for fact in device.facts if (fact.source, fact.name) == ("ssdp", "location")]
    locations += [answer.location for _, answer in seen.answers(device.targets, SsdpAnswer)]
    for address in device.targets:
        for url in sorted(set(locations))[:_DESCRIPTIONS]:
            if found := local_path(url, address):
                yield Job("http", address, *found)
        for fact in device.facts:
            if (fact.source, fact.name) == ("wsd", "x_addr") and (found := local_path(fact.value, address)):
                yield Job("soap", address, found[0], call(found[1], ONVIF_DEVICE, "GetDeviceInformation"))


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """A question, unless the owner said that it is needed."""
    if not is_router(device, seen):
        return
    needed = situation.answers.network.get("upnp_needed", False)
    evidence = {name: device.fact("ssdp", name) for name in ("server", "usn")}
    source = "stated by the owner" if needed else "ssdp"
    yield Observation("c2.4.needed" if needed else "c2.4.upnp_on", evidence, source)
