"""NetFlow version 5 (Cisco's header and record tables): IPv4 only, fixed records, the sampling rate in the header."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sekisho.simulate.export.message import Body, Export, Family, Field, encode, fields, is_v4

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

MAX_RECORDS = 30
_NO_SET = 0
_RANDOM_SAMPLING = 2 << 14

LAYOUT = (
    Field(0, ">u4", "src_v4"),
    Field(0, ">u4", "dst_v4"),
    Field(0, ">u4", "next_hop"),
    Field(0, ">u2", "ingress_if"),
    Field(0, ">u2", "egress_if"),
    Field(0, ">u4", "packets"),
    Field(0, ">u4", "octets"),
    Field(0, ">u4", "first_uptime"),
    Field(0, ">u4", "last_uptime"),
    Field(0, ">u2", "src_port"),
    Field(0, ">u2", "dst_port"),
    Field(0, "u1", "padding"),
    Field(0, "u1", "tcp_flags"),
    Field(0, "u1", "protocol"),
    Field(0, "u1", "tos"),
    Field(0, ">u2", "src_as"),
    Field(0, ">u2", "dst_as"),
    Field(0, "u1", "src_mask"),
    Field(0, "u1", "dst_mask"),
    Field(0, ">u2", "padding_2"),
)
"""Every field in order; those that the simulator does not know stay 0."""

_UNKNOWN = ("next_hop", "padding", "tos", "src_as", "dst_as", "src_mask", "dst_mask", "padding_2")


class V5Export(Export):
    """The sequence counts flows; records of IPv6 have no place in the format and are left out, as routers do."""

    _sequence = 0

    def room(self) -> int:
        """Thirty records of 48 octets."""
        return MAX_RECORDS * 48

    def preambles(self) -> list[Body]:
        """There are no templates."""
        return []

    def families(self, rows: NDArray[np.int64]) -> Sequence[Family]:
        """The IPv4 records."""
        chosen = rows[is_v4(rows)]
        values = fields(chosen) | self.interfaces(chosen)
        values |= dict.fromkeys(_UNKNOWN, values["direction"])
        values["first_uptime"] = (values["first_ms"] - self.boot_ms) & 0xFFFF_FFFF
        values["last_uptime"] = (values["last_ms"] - self.boot_ms) & 0xFFFF_FFFF
        return [Family(_NO_SET, chosen, encode(LAYOUT, chosen, values))]

    def message(self, body: Body, at_ms: int) -> bytes:
        """Header of 24 octets and the records; here the clock has nanoseconds."""
        uptime = (at_ms - self.boot_ms) & 0xFFFF_FFFF
        seconds, milliseconds = divmod(at_ms + self.part.clock_skew_ms, 1000)
        clock = (uptime, seconds, milliseconds * 1_000_000)
        sampling = _RANDOM_SAMPLING | self.announced_interval
        engine = (0, self.domain_id & 0xFF)
        header = struct.pack("!HHIIIIBBH", 5, body.records, *clock, self._sequence, *engine, sampling)
        self._sequence = (self._sequence + body.records) & 0xFFFF_FFFF
        return header + body.octets
