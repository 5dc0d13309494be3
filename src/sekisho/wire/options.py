"""Options and NAT event records, read in Python: rare, and read for what they say about the flow records.

Sampling is keyed by source and sampler, selector or interface: one exporter samples at several rates at once.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.wire.layout import Namespace
from sekisho.wire.names import ADDRESSES, MACS, STRINGS, element_name
from sekisho.wire.programs import VARIABLE
from sekisho.wire.templates import SCOPE_PEN, Field, Template

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCOPE_INTERFACE = (SCOPE_PEN, 2)
_INTERFACES = ((0, 10), (0, 14), _SCOPE_INTERFACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An options or NAT event record.

    Attributes:
        kind: options | nat_event.
        row: how many flow rows the decode call had given when it came.
        exporter: code of the exporter.
        received_at: milliseconds UTC.
        fields: by element name; a repeated element is a list in its order.
    """

    kind: str
    row: int
    exporter: int
    observation_domain_id: int
    received_at: int
    fields: dict[str, Any]


class Value(NamedTuple):
    """One field of a record and its octets."""

    field: Field
    octets: bytes


class Record(tuple[Value, ...]):
    """The values of one record in order."""

    __slots__ = ()

    def number(self, *elements: tuple[int, int]) -> int | None:
        """The first value of the first of the (enterprise, element) pairs that is there, as an integer."""
        for wanted in elements:
            for field, octets in self:
                if (field.enterprise, field.element) == wanted:
                    return int.from_bytes(octets, "big")
        return None

    def text(self, *elements: int) -> str:
        """The first of the elements that is there and not empty, as text."""
        for element in elements:
            for field, octets in self:
                if field.enterprise == 0 and field.element == element and (text := _text(octets)):
                    return text
        return ""

    def as_dict(self) -> dict[str, Any]:
        """Names to values; a repeated element becomes a list in its order."""
        fields: dict[str, Any] = {}
        for field, octets in self:
            name, value = element_name(field.enterprise, field.element), _value(field, octets)
            if name not in fields:
                fields[name] = value
            elif isinstance(fields[name], list):
                fields[name].append(value)
            else:
                fields[name] = [fields[name], value]
        return fields


def read_records(content: bytes, template: Template) -> Iterator[Record]:
    """The records of one set without its header; what is shorter than a record at its end is padding."""
    shortest = sum(1 if field.length == VARIABLE else field.length for field in template.fields)
    at = 0
    while len(content) - at >= shortest:
        values = []
        for field in template.fields:
            start, length = _extent(content, at, field.length)
            at = start + length
            if at > len(content):
                return
            values.append(Value(field, content[start:at]))
        yield Record(values)


def _extent(content: bytes, at: int, length: int) -> tuple[int, int]:
    """Where a value starts and its length (RFC 7011, 7)."""
    if length != VARIABLE:
        return at, length
    short = content[at] if at < len(content) else 0
    if short < 255:
        return at + 1, short
    return at + 3, int.from_bytes(content[at + 1 : at + 3], "big")


class Sampler(NamedTuple):
    """What a rate holds for; no namespace = the whole source."""

    namespace: Namespace | None
    identifier: int


_IGNORED_PACKETS, _NOT_SENT_PACKETS = (0, 164), (0, 167)


def not_metered_packets_of(record: Record) -> int | None:
    """Running total of packets that an exporter ignored (IE 164) or dropped with their flows (IE 167); None = no word.

    Source: RFC 7011, 4.2 and 4.3 (the metering and the exporting process reliability statistics).
    """
    told = [n for n in (record.number(_IGNORED_PACKETS), record.number(_NOT_SENT_PACKETS)) if n is not None]
    return sum(told) if told else None


def samplers_of(record: Record) -> list[Sampler]:
    """What the sampling interval of an options record holds for."""
    found = [
        Sampler(namespace, identifier)
        for namespace, elements in (
            (Namespace.SAMPLER, ((0, 48), (0, 302))),
            (Namespace.SELECTION_SEQUENCE, ((0, 301),)),
        )
        if (identifier := record.number(*elements)) is not None
    ]
    if not found and (interface := _scope_interface(record)) is not None:
        found = [Sampler(Namespace.INTERFACE, interface)]
    return found or [Sampler(None, 0)]


def interval_of(record: Record) -> float:
    """1 in how many packets an options record says is sampled; 0 = it does not say.

    Sources: RFC 3954 section 8 (34, 50), RFC 5477 section 8.2 (305 to 311).
    """
    for element in (34, 50):
        if interval := record.number((0, element)):
            return float(interval)
    for taken, left in ((305, 306), (307, 308)):
        if sampled := record.number((0, taken)):
            return (sampled + (record.number((0, left)) or 0)) / sampled
    if size := record.number((0, 309)):
        return (record.number((0, 310)) or 0) / size
    return _from_probability(record.number((0, 311)))


def interface_name_of(record: Record) -> tuple[int, str] | None:
    """IfIndex and name, where an options record names an interface (IE 82, else 83)."""
    index, name = record.number(*_INTERFACES), record.text(82, 83)
    return (index, name) if index is not None and name else None


def _scope_interface(record: Record) -> int | None:
    return record.number(_SCOPE_INTERFACE, (0, 10))


def _from_probability(bits: int | None) -> float:
    if bits is None:
        return 0.0
    probability = struct.unpack(">d", bits.to_bytes(8, "big"))[0] if bits < 1 << 64 else 0.0
    return 1 / probability if 1e-12 < probability <= 1 else 0.0


def _value(field: Field, octets: bytes) -> Any:
    element = field.element if field.enterprise == 0 else 0
    if element in ADDRESSES and len(octets) in {4, 16}:
        return str(ip_address(octets))
    if element in STRINGS:
        return _text(octets)
    if element in MACS and len(octets) == 6:
        return octets.hex(":")
    return int.from_bytes(octets, "big") if len(octets) <= 8 else octets.hex()


def _text(octets: bytes) -> str:
    """Fixed-length names are filled up with NUL, and some exporters write what is no UTF-8."""
    return octets.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
