"""NetFlow version 9 (RFC 3954)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sekisho.simulate.export.message import (
    INTERFACE_NAMES,
    MAX_PAYLOAD,
    Body,
    Export,
    Family,
    Field,
    encode,
    fields,
    is_v4,
    octets_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_HEADER, _SET_HEADER = 20, 4
_TEMPLATE_SET, _OPTIONS_TEMPLATE_SET = 0, 1
_V4_TEMPLATE, _V6_TEMPLATE, _SAMPLER_TEMPLATE, _INTERFACE_TEMPLATE = 256, 257, 258, 259

_COMMON = (
    Field(7, ">u2", "src_port"),
    Field(11, ">u2", "dst_port"),
    Field(4, "u1", "protocol"),
    Field(6, "u1", "tcp_flags"),
    Field(61, "u1", "direction"),
    Field(48, "u1", "sampler"),
    Field(10, ">u4", "ingress_if"),
    Field(14, ">u4", "egress_if"),
    Field(2, ">u4", "packets"),
    Field(1, ">u4", "octets"),
    Field(88, ">u2", "fragment_offset"),
    Field(22, ">u4", "first_uptime"),
    Field(21, ">u4", "last_uptime"),
)
"""Type and code of ICMP stand in the destination port, as Cisco's routers have it; there is no field for them."""

LAYOUTS = {
    _V4_TEMPLATE: (Field(8, ">u4", "src_v4"), Field(12, ">u4", "dst_v4"), *_COMMON),
    _V6_TEMPLATE: (Field(27, "V16", "src_v6"), Field(28, "V16", "dst_v6"), *_COMMON),
}
_SCOPE_SYSTEM, _SCOPE_INTERFACE = 1, 2
_SAMPLER_ID, _SAMPLER_MODE, _SAMPLER_INTERVAL, _IF_NAME = 48, 49, 50, 82
_RANDOM_SAMPLING = 2
_IF_NAME_OCTETS = 32


class V9Export(Export):
    """Times are 32-bit milliseconds of uptime, the header's clock has whole seconds, a sequence counts datagrams."""

    _sequence = 0

    def room(self) -> int:
        """Octets left for records in a datagram (with up to three of padding)."""
        return MAX_PAYLOAD - _HEADER - _SET_HEADER - 3

    def preambles(self) -> list[Body]:
        """Templates; sampler table; interface table."""
        templates = b"".join(_template(template, layout) for template, layout in LAYOUTS.items())
        return [
            Body(_TEMPLATE_SET, len(LAYOUTS), templates),
            Body(_OPTIONS_TEMPLATE_SET, 2, _options_templates()),
            Body(_SAMPLER_TEMPLATE, 1, struct.pack("!4sBBI", b"", 1, _RANDOM_SAMPLING, self.announced_interval)),
            Body(_INTERFACE_TEMPLATE, len(INTERFACE_NAMES), _interfaces()),
        ]

    def families(self, rows: NDArray[np.int64]) -> Sequence[Family]:
        """IPv4 records, then IPv6 records."""
        v4 = is_v4(rows)
        chosen = ((t, rows[v4 if t == _V4_TEMPLATE else ~v4]) for t in LAYOUTS)
        return [Family(template, metered, self._encode(template, metered)) for template, metered in chosen]

    def message(self, body: Body, at_ms: int) -> bytes:
        """Header, one set, padding to four octets."""
        padding = -len(body.octets) % 4
        uptime = (at_ms - self.boot_ms) & 0xFFFF_FFFF
        clock_ms = at_ms + self.part.clock_skew_ms
        header = struct.pack("!HHIIII", 9, body.records, uptime, clock_ms // 1000, self._sequence, self.domain_id)
        self._sequence = (self._sequence + 1) & 0xFFFF_FFFF
        length = _SET_HEADER + len(body.octets) + padding
        return b"".join((header, struct.pack("!HH", body.set_id, length), body.octets, bytes(padding)))

    def _encode(self, template: int, rows: NDArray[np.int64]) -> NDArray[np.void]:
        values = fields(rows) | self.interfaces(rows)
        values["first_uptime"] = (values["first_ms"] - self.boot_ms) & 0xFFFF_FFFF
        values["last_uptime"] = (values["last_ms"] - self.boot_ms) & 0xFFFF_FFFF
        return encode(LAYOUTS[template], rows, values)


def _template(template: int, layout: Sequence[Field]) -> bytes:
    specifiers = b"".join(struct.pack("!HH", field.element, octets_of(field)) for field in layout)
    return struct.pack("!HH", template, len(layout)) + specifiers


def _options_templates() -> bytes:
    """RFC 3954, section 6.1: the lengths of scope and option fields are octets of their specifiers."""
    sampler = struct.pack("!HHH", _SAMPLER_TEMPLATE, 4, 12)
    sampler += struct.pack("!8H", _SCOPE_SYSTEM, 4, _SAMPLER_ID, 1, _SAMPLER_MODE, 1, _SAMPLER_INTERVAL, 4)
    interface = struct.pack("!HHH", _INTERFACE_TEMPLATE, 4, 4)
    interface += struct.pack("!4H", _SCOPE_INTERFACE, 4, _IF_NAME, _IF_NAME_OCTETS)
    return sampler + interface


def _interfaces() -> bytes:
    rows = (struct.pack(f"!I{_IF_NAME_OCTETS}s", index, name.encode()) for index, name in INTERFACE_NAMES.items())
    return b"".join(rows)
