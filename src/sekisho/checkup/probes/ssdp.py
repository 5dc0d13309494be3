"""SSDP (UPnP Device Architecture 2.0, section 1.3): who answers a search, and where its description is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.probes.http import decode as decode_http
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.jobs import Job

GROUP, PORT = "239.255.255.250", 1900


@dataclass(frozen=True, slots=True)
class SsdpAnswer:
    """One answer to a search.

    Attributes:
        boot_id: BOOTID.UPNP.ORG, which rises with every start of the device (-1 where it sends none).
    """

    location: str
    server: str
    usn: str
    target: str
    boot_id: int = -1
    config_id: int = -1


def search(target: str = "ssdp:all", *, host: str = f"{GROUP}:{PORT}") -> bytes:
    """An M-SEARCH; MX 2 spreads the answers of a full LAN over two seconds."""
    return f'M-SEARCH * HTTP/1.1\r\nHOST: {host}\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: {target}\r\n\r\n'.encode()


def decode(octets: bytes) -> SsdpAnswer:
    """One answer.

    Raises:
        NoAnswer: not an answer.
    """
    headers = decode_http(octets).headers
    return SsdpAnswer(
        location=printable(headers.get("location", ""), 500),
        server=printable(headers.get("server", "")),
        usn=printable(headers.get("usn", "")),
        target=printable(headers.get("st", "")),
        boot_id=_number(headers.get("bootid.upnp.org", "")),
        config_id=_number(headers.get("configid.upnp.org", "")),
    )


async def run(job: Job, gate: Gate) -> SsdpAnswer:
    """A search sent to one device."""
    question = search("upnp:rootdevice", host=f"{job.address}:{job.port}")
    return decode(await gate.ask(job.address, job.port, question, check_class=CheckClass.DISCOVER))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 12 else -1
