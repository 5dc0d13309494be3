"""What the answers of a device say about it: facts for the matchers, and traits that recognise it again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from sekisho.checkup.device import RawFact, Sighting, Trait, TraitKind
from sekisho.checkup.discover import mdns_sighting, ssdp_sighting, wsd_sighting
from sekisho.checkup.jobs import NoAnswer
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.icon import IconAnswer
from sekisho.checkup.probes.mdns import MdnsAnswer
from sekisho.checkup.probes.owned import OwnedAnswer
from sekisho.checkup.probes.rtsp import RtspAnswer
from sekisho.checkup.probes.snmp import SnmpEngine
from sekisho.checkup.probes.snmp_read import SnmpSystem
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.ssdp import SsdpAnswer
from sekisho.checkup.probes.ssh import SshAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.text import printable
from sekisho.checkup.probes.upnp import UpnpDescription, decode
from sekisho.checkup.probes.wsd import WsdAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.checkup.jobs import Job, Seen

_DESCRIBED = (b"urn:schemas-upnp-org:device", b"urn:dslforum-org:device")
"""Name spaces of a UPnP description, and of a TR-064 one, which has the same shape."""
_TR064_FIELDS = ("NewManufacturerName", "NewModelName", "NewSoftwareVersion", "NewHardwareVersion")
_SHORT_SERIAL = 5
_ONVIF_FIELDS = ("Manufacturer", "Model", "FirmwareVersion", "HardwareId")


def description(job: Job, answer: HttpAnswer) -> UpnpDescription | None:
    """The UPnP or TR-064 description in an answer, None where it holds another document."""
    if not any(name in answer.body[:8192] for name in _DESCRIBED):
        return None
    with suppress(NoAnswer):
        return decode(answer.body, f"http://{job.address}:{job.port}{job.argument}")
    return None


def sightings(addresses: Iterable[str], seen: Seen) -> list[Sighting]:
    """One sighting per answer that says anything."""
    found = (_sighting(attempt.job, attempt.answer) for attempt in seen.of(addresses))
    return [sighting for sighting in found if sighting is not None]


def _sighting(job: Job, answer: object) -> Sighting | None:  # noqa: PLR0911 # one line per kind of answer
    match answer:
        case SsdpAnswer() | WsdAnswer() | MdnsAnswer():
            return _announced(job, answer)
        case HttpAnswer() | IconAnswer():
            return _web(job, answer)
        case SoapAnswer() | OwnedAnswer():
            return _told(job, answer)
        case SshAnswer():
            return _of(job, "ssh", [("banner", answer.banner)], (TraitKind.SSH_KEY, answer.key_fingerprint))
        case RtspAnswer():
            return _of(job, "rtsp", [("server", answer.server), ("realm", answer.realm)])
        case Open():
            return _of(job, "banner", [(str(job.port), answer.banner)])
        case SnmpEngine():
            return _of(job, "snmp", [("engine_id", answer.engine_id)])
        case SnmpSystem():
            return _of(job, "snmp", [("sysDescr", answer.description)])
        case _:
            return None


def _announced(job: Job, answer: SsdpAnswer | WsdAnswer | MdnsAnswer) -> Sighting:
    match answer:
        case SsdpAnswer():
            return ssdp_sighting(job.address, answer)
        case WsdAnswer():
            return wsd_sighting(job.address, answer)
        case MdnsAnswer():
            return mdns_sighting(job.address, answer)
        case _:
            assert_never(answer)


def _web(job: Job, answer: HttpAnswer | IconAnswer) -> Sighting:
    if isinstance(answer, IconAnswer):
        return _of(job, "http", [("favicon", str(answer.number))])
    described = description(job, answer)
    if described is not None:
        return _described(job, described)
    rows = [
        ("server", printable(answer.headers.get("server", ""))),
        ("realm", printable(answer.headers.get("www-authenticate", ""))),
        ("title", printable(answer.title)),
        ("subject", printable(answer.tls.subject) if answer.tls else ""),
    ]
    return _of(job, "http", rows, (TraitKind.TLS_KEY, answer.tls.key_fingerprint if answer.tls else ""))


def _described(job: Job, described: UpnpDescription) -> Sighting:
    rows = [
        ("manufacturer", described.manufacturer),
        ("modelName", described.model_name),
        ("modelNumber", described.model_number),
        ("deviceType", described.device_type),
        ("friendlyName", described.friendly_name),
    ]
    serial = _serial(described.manufacturer, described.serial_number)
    return _of(job, "upnp", rows, (TraitKind.UDN, described.udn.lower()), serial)


def _told(job: Job, answer: SoapAnswer | OwnedAnswer) -> Sighting | None:
    """What a camera tells anybody (ONVIF), or a router its owner (TR-064)."""
    fields = answer.fields
    match answer.action:
        case "GetDeviceInformation":
            serial = _serial(fields.get("Manufacturer", ""), fields.get("SerialNumber", ""))
            return _of(job, "onvif", [(name, fields.get(name, "")) for name in _ONVIF_FIELDS], serial)
        case "GetInfo":
            serial = _serial(fields.get("NewManufacturerName", ""), fields.get("NewSerialNumber", ""))
            return _of(job, "tr064", [(name, fields.get(name, "")) for name in _TR064_FIELDS], serial)
        case _:
            return None


def _serial(maker: str, number: str) -> tuple[TraitKind, str]:
    """A serial is unique within its maker; a short one is often the same on every unit."""
    return TraitKind.SERIAL, f"{maker}/{number}" if len(number) > _SHORT_SERIAL else ""


def _of(job: Job, source: str, rows: list[tuple[str, str]], *traits: tuple[TraitKind, str]) -> Sighting:
    return Sighting(
        job.address,
        frozenset(Trait(kind, value) for kind, value in traits if value),
        tuple(RawFact(source, name, value) for name, value in rows if value),
    )
