"""UPnP device descriptions: who made it, which services it has, where they are controlled (UDA 2.0, section 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

from sekisho.checkup.probes.xml import each, first_text, parse

_SERVICES = 64


@dataclass(frozen=True, slots=True)
class UpnpService:
    """Type and control path of one service; the path is relative to the same device."""

    type: str
    control_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpnpDescription:
    """The root device, and the services of it and of every device embedded in it."""

    udn: str
    device_type: str
    friendly_name: str
    manufacturer: str
    model_name: str
    model_number: str
    serial_number: str
    services: tuple[UpnpService, ...]


def decode(octets: bytes, location: str) -> UpnpDescription:
    """A description fetched from ``location``.

    Raises:
        NoAnswer: not well-formed.
    """
    root = parse(octets)
    base = first_text(root, "URLBase") or location
    return UpnpDescription(
        udn=first_text(root, "UDN"),
        device_type=first_text(root, "deviceType"),
        friendly_name=first_text(root, "friendlyName"),
        manufacturer=first_text(root, "manufacturer"),
        model_name=first_text(root, "modelName"),
        model_number=first_text(root, "modelNumber"),
        serial_number=first_text(root, "serialNumber"),
        services=tuple(
            UpnpService(first_text(element, "serviceType"), urljoin(base, first_text(element, "controlURL", 500)))
            for element in list(each(root, "service"))[:_SERVICES]
        ),
    )
