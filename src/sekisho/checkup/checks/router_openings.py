"""c2.2: which ports the router passes on to devices inside, joined with the devices that they lead to.

Reads GetGenericPortMappingEntry by index until error 713 (SpecifiedArrayIndexInvalid, WANIPConnection:1, 2.4.14).
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from sekisho.checkup.checks.igd import CONNECTION_SERVICES, answers, is_router, read, services, tr064_jobs
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.text import printable
from sekisho.measures.order import DeviceKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.probes.upnp import UpnpService
    from sekisho.checkup.situation import Situation

MAPPINGS_LIMIT = 64
"""Mappings read from one service; a household has a handful, a router that grows them for ever is stopped here."""


def jobs(device: Device, seen: Seen, situation: Situation) -> Iterator[Job]:
    """The state of each WAN connection, the mapping after the last one that was answered; TR-064 where asked for."""
    yield from tr064_jobs(device, seen, situation)
    for address, service in services(device, seen, *CONNECTION_SERVICES):
        yield from read(address, service, "GetStatusInfo")
        entries = (_entry(address, service, index) for index in range(MAPPINGS_LIMIT))
        known = list(takewhile(bool, (seen.get(job, SoapAnswer) for job in entries if job)))
        if not known or (known[-1] and known[-1].fields):
            yield from filter(None, [_entry(address, service, len(known))])


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """One finding per mapping; that there is none is OK only where the list ended as it should."""
    if not situation.is_gateway(device) and not is_router(device, seen):
        return
    read_entries = list(answers(device, seen, "GetGenericPortMappingEntry"))
    mappings = [answer.fields for answer in read_entries if answer.fields]
    yield from (_observation(mapping, situation) for mapping in mappings)
    if mappings:
        return
    ended = any(answer.error_code in (713, 714) for answer in read_entries)
    yield Observation("c2.2.none" if ended else "c2.2.no_answer", {}, "upnp igd")


def _entry(address: str, service: UpnpService, index: int) -> Job | None:
    arguments = ("NewPortMappingIndex", str(index))
    return next(read(address, service, "GetGenericPortMappingEntry", arguments), None)


def _observation(mapping: Mapping[str, str], situation: Situation) -> Observation:
    client = mapping.get("NewInternalClient", "")
    target = situation.device_at(client)
    evidence = {
        "opening": opening(mapping),
        "target": situation.name_of(target) if target else client,
        "description": printable(mapping.get("NewPortMappingDescription", ""), 60),
        "lease_s": mapping.get("NewLeaseDuration", ""),
    }
    return Observation(_outcome(client, target, situation), evidence, "upnp igd")


def _outcome(client: str, target: Device | None, situation: Situation) -> str:
    """A camera or recorder behind an opening, or a device that nobody knows, asks for action; others for a look."""
    if client == str(situation.network.address):
        return "c2.2.opening"
    if target is None:
        return "c2.2.opening_unknown"
    kind = situation.kind(target)
    if kind in (DeviceKind.CAMERA, DeviceKind.RECORDER):
        return "c2.2.opening_device"
    unidentified = kind is DeviceKind.OTHER and "model" not in situation.identities.get(target.id, {})
    return "c2.2.opening_device" if unidentified else "c2.2.opening"


def opening(mapping: Mapping[str, str]) -> str:
    """External and internal port of a mapping."""
    outside = f"{mapping.get('NewProtocol', '')} {mapping.get('NewExternalPort', '')}"
    return f"{outside} → {mapping.get('NewInternalClient', '')}:{mapping.get('NewInternalPort', '')}"
