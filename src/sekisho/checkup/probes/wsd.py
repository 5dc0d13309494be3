"""WS-Discovery (OASIS, version 1.1, and the 2005/04 draft that cameras speak): Probe and ProbeMatch.

ONVIF cameras put hardware and name into the scopes of the ProbeMatch, readable without a login.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.probes.text import printable
from sekisho.checkup.probes.xml import each, first_text, parse

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.jobs import Job

GROUP, PORT = "239.255.255.250", 3702
_NAMESPACE = uuid.UUID("6f5a0e0e-5d0c-4b0a-9a55-5e1530000001")
_SCOPES = 64


@dataclass(frozen=True, slots=True)
class WsdAnswer:
    """A ProbeMatch.

    Attributes:
        endpoint: the device's own URN, which stays over address changes.
        instance_id: AppSequence InstanceId, which rises with every start of the service (-1 where it sends none).
        scopes: (category, value) of ``onvif://www.onvif.org/category/value``.
    """

    endpoint: str
    types: str
    x_addrs: tuple[str, ...]
    scopes: tuple[tuple[str, str], ...]
    metadata_version: int = -1
    instance_id: int = -1

    def scope(self, category: str) -> str:
        """First value of a category, "" without one."""
        return next((value for name, value in self.scopes if name == category), "")


def question(name: str = "probe") -> bytes:
    """A Probe for any device; its message id is derived from a name, so that a run can be repeated octet for octet."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header>'
        f"<w:MessageID>uuid:{uuid.uuid5(_NAMESPACE, name)}</w:MessageID>"
        "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
        "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action>"
        "</e:Header><e:Body><d:Probe/></e:Body></e:Envelope>"
    ).encode()


def decode(octets: bytes) -> WsdAnswer:
    """A ProbeMatch.

    Raises:
        NoAnswer: not well-formed.
    """
    root = parse(octets)
    sequence = next(each(root, "AppSequence"), None)
    return WsdAnswer(
        endpoint=first_text(root, "Address"),
        types=first_text(root, "Types"),
        x_addrs=tuple(first_text(root, "XAddrs", 500).split()),
        scopes=tuple(_scope(text) for text in _scope_words(octets)),
        metadata_version=_number(first_text(root, "MetadataVersion")),
        instance_id=_number(sequence.get("InstanceId", "")) if sequence is not None else -1,
    )


async def run(job: Job, gate: Gate) -> WsdAnswer:
    """A Probe sent to one device."""
    return decode(await gate.ask(job.address, job.port, question(job.address), check_class=CheckClass.DISCOVER))


def _scope_words(octets: bytes) -> list[str]:
    element = next(each(parse(octets), "Scopes"), None)
    return (element.text or "").split()[:_SCOPES] if element is not None else []


def _scope(text: str) -> tuple[str, str]:
    category, _, value = text.rpartition("onvif.org/")[2].partition("/")
    return printable(category, 50), printable(unquote(value))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else -1
