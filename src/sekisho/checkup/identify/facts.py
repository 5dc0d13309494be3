"""What the answers of a device say about it: facts for the matchers, and traits that recognise it again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sekisho.checkup.device import RawFact, Sighting, Trait, TraitKind
from sekisho.checkup.discover import mdns_sighting, ssdp_sighting, wsd_sighting
from sekisho.checkup.jobs import NoAnswer
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.mdns import MdnsAnswer
from sekisho.checkup.probes.rtsp import RtspAnswer
from sekisho.checkup.probes.snmp import SnmpEngine
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

_ONVIF_FIELDS = ("Manufacturer", "Model", "FirmwareVersion", "HardwareId")


def description(job: Job, answer: HttpAnswer) -> UpnpDescription | None:
    """The UPnP description in an answer, None where it holds another document."""
    if b"urn:schemas-upnp-org:device" not in answer.body[:8192]:
        return None
    with suppress(NoAnswer):
        return decode(answer.body, f"http://{job.address}:{job.port}{job.argument}")
    return None


def sightings(addresses: Iterable[str], seen: Seen) -> list[Sighting]:
    """One sighting per answer that says anything."""
    found = (_sighting(attempt.job, attempt.answer) for attempt in seen.of(addresses))
    return [sighting for sighting in found if sighting is not None]


def _sighting(job: Job, answer: object) -> Sighting | None:  # noqa: PLR0911 # one line per answer type
    match answer:
        case SsdpAnswer():
            return ssdp_sighting(job.address, answer)
        case WsdAnswer():
            return wsd_sighting(job.address, answer)
        case MdnsAnswer():
            return mdns_sighting(job.address, answer)
        case HttpAnswer():
            return _http(job, answer)
        case SshAnswer():
            return _of(job, "ssh", [("banner", answer.banner)], (TraitKind.SSH_KEY, answer.key_fingerprint))
        case RtspAnswer():
            return _of(job, "rtsp", [("server", answer.server), ("realm", answer.realm)])
        case Open():
            return _of(job, "banner", [(str(job.port), answer.banner)])
        case SoapAnswer(action="GetDeviceInformation"):
            return _onvif(job, answer)
        case SnmpEngine():
            return _of(job, "snmp", [("engine_id", answer.engine_id)])
        case _:
            return None


def _http(job: Job, answer: HttpAnswer) -> Sighting:
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
    serial = f"{described.manufacturer}/{described.serial_number}" if len(described.serial_number) > 5 else ""
    return _of(job, "upnp", rows, (TraitKind.UDN, described.udn.lower()), (TraitKind.SERIAL, serial))


def _onvif(job: Job, answer: SoapAnswer) -> Sighting:
    serial = answer.fields.get("SerialNumber", "")
    named = f"{answer.fields.get('Manufacturer', '')}/{serial}" if len(serial) > 5 else ""
    return _of(job, "onvif", [(n, answer.fields.get(n, "")) for n in _ONVIF_FIELDS], (TraitKind.SERIAL, named))


def _of(job: Job, source: str, rows: list[tuple[str, str]], *traits: tuple[TraitKind, str]) -> Sighting:
    return Sighting(
        job.address,
        frozenset(Trait(kind, value) for kind, value in traits if value),
        tuple(RawFact(source, name, value) for name, value in rows if value),
    )
