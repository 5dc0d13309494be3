"""IPFIX (RFC 7011, RFC 7012, RFC 5477)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from sekisho.simulate.export.message import (
    INTERFACE_NAMES,
    MAX_PAYLOAD,
    Body,
    Export,
    Family,
    Field,
    encode,
    fields,
    is_icmp,
    is_v4,
    octets_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HEADER, _SET_HEADER = 16, 4
_TEMPLATE_SET, _OPTIONS_TEMPLATE_SET = 2, 3
_V4_TEMPLATE, _V6_TEMPLATE, _SELECTOR_TEMPLATE, _INTERFACE_TEMPLATE = 300, 301, 302, 303

_COMMON = (
    Field(7, ">u2", "src_port"),
    Field(11, ">u2", "dst_port"),
    Field(4, "u1", "protocol"),
    Field(6, ">u2", "tcp_flags"),
    Field(61, "u1", "direction"),
    Field(302, ">u8", "sampler"),
    Field(10, ">u4", "ingress_if"),
    Field(14, ">u4", "egress_if"),
    Field(2, ">u8", "packets"),
    Field(1, ">u8", "octets"),
    Field(152, ">u8", "first_ms"),
    Field(153, ">u8", "last_ms"),
    Field(88, ">u2", "fragment_offset"),
)
LAYOUTS = {
    _V4_TEMPLATE: (Field(8, ">u4", "src_v4"), Field(12, ">u4", "dst_v4"), *_COMMON, Field(32, ">u2", "icmp_type_code")),
    _V6_TEMPLATE: (
        Field(27, "V16", "src_v6"),
        Field(28, "V16", "dst_v6"),
        *_COMMON,
        Field(139, ">u2", "icmp_type_code"),
    ),
}
_SELECTOR_ID, _PACKET_INTERVAL, _PACKET_SPACE = 302, 305, 306
_IF_INDEX, _IF_NAME, _VARIABLE = 10, 82, 65_535


class IpfixExport(Export):
    """Times are absolute milliseconds; the sequence counts data records, options among them."""

    _sequence = 0

    def room(self) -> int:
        """Octets left for records in a message; no padding."""
        return MAX_PAYLOAD - _HEADER - _SET_HEADER

    def preambles(self) -> list[Body]:
        """Templates; selector table; interface table (names of variable length)."""
        templates = b"".join(_template(template, layout) for template, layout in LAYOUTS.items())
        selector = struct.pack("!QII", 1, 1, self.announced_interval - 1)
        return [
            Body(_TEMPLATE_SET, 0, templates),
            Body(_OPTIONS_TEMPLATE_SET, 0, _options_templates()),
            Body(_SELECTOR_TEMPLATE, 1, selector),
            Body(_INTERFACE_TEMPLATE, len(INTERFACE_NAMES), _interfaces()),
        ]

    def families(self, rows: NDArray[np.int64]) -> Sequence[Family]:
        """IPv4 records, then IPv6 records."""
        v4 = is_v4(rows)
        chosen = ((t, rows[v4 if t == _V4_TEMPLATE else ~v4]) for t in LAYOUTS)
        return [Family(template, metered, self._encode(template, metered)) for template, metered in chosen]

    def message(self, body: Body, at_ms: int) -> bytes:
        """Header and one set."""
        length = _SET_HEADER + len(body.octets)
        clock_ms = at_ms + self.part.clock_skew_ms
        header = struct.pack("!HHIII", 10, _HEADER + length, clock_ms // 1000, self._sequence, self.domain_id)
        self._sequence = (self._sequence + body.records) & 0xFFFF_FFFF
        return b"".join((header, struct.pack("!HH", body.set_id, length), body.octets))

    def _encode(self, template: int, rows: NDArray[np.int64]) -> NDArray[np.void]:
        values = fields(rows) | self.interfaces(rows)
        for name in ("first_ms", "last_ms"):
            values[name] = values[name] + self.part.clock_skew_ms
        values["dst_port"] = np.where(is_icmp(rows), 0, values["dst_port"])
        return encode(LAYOUTS[template], rows, values)


def _template(template: int, layout: Sequence[Field]) -> bytes:
    specifiers = b"".join(struct.pack("!HH", field.element, octets_of(field)) for field in layout)
    return struct.pack("!HH", template, len(layout)) + specifiers


def _options_templates() -> bytes:
    """RFC 7011, section 3.4.2.2: the counts are fields; the scope stands first."""
    selector = struct.pack("!HHH", _SELECTOR_TEMPLATE, 3, 1)
    selector += struct.pack("!6H", _SELECTOR_ID, 8, _PACKET_INTERVAL, 4, _PACKET_SPACE, 4)
    interface = struct.pack("!HHH", _INTERFACE_TEMPLATE, 2, 1) + struct.pack("!4H", _IF_INDEX, 4, _IF_NAME, _VARIABLE)
    return selector + interface


def _interfaces() -> bytes:
    names = ((index, name.encode()) for index, name in INTERFACE_NAMES.items())
    return b"".join(struct.pack("!IB", index, len(name)) + name for index, name in names)
