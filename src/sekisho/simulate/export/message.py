"""What the exporting processes share: layouts of records, packing into datagrams, their times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.core.address import V4_MAPPED
from sekisho.simulate import flow_cache as fc
from sekisho.simulate.flows import ICMP, ICMPV6

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sekisho.simulate.scenario import ExporterPart

MAX_PAYLOAD = 1400
"""Octets of a datagram: below any MTU on the way, with room for the headers of a tunnel."""

SUBSCRIBER_IF, CORE_IF, BORDER_IF = 10, 1, 20
INTERFACE_NAMES = {SUBSCRIBER_IF: "subscribers", CORE_IF: "core", BORDER_IF: "transit"}

_SIDES = {"access": (SUBSCRIBER_IF, CORE_IF), "border": (CORE_IF, BORDER_IF)}
"""Interfaces of a router at each boundary: the lines' side, the other side."""

_WORD = (1 << 32) - 1


NO_ROWS = np.zeros((0, fc.ROW), np.int64)


class Field(NamedTuple):
    """One field of a record: its information element and its NumPy type (big-endian)."""

    element: int
    type: str
    column: str


class Payload(NamedTuple):
    """One export datagram and when it leaves, milliseconds UTC; ``rows``: what was metered, of each data record."""

    at_ms: float
    octets: bytes
    rows: NDArray[np.int64]


class Family(NamedTuple):
    """Records of one template: (n, ROW) as metered, and encoded."""

    set_id: int
    rows: NDArray[np.int64]
    encoded: NDArray[np.void]


class Body(NamedTuple):
    """Records that go into one datagram, encoded, and how many they are; ``rows`` as in ``Payload``."""

    set_id: int
    records: int
    octets: bytes
    rows: NDArray[np.int64] = NO_ROWS


class Export(ABC):
    """The exporting process of one router.

    Attributes:
        records, datagrams: data records (without options) and datagrams so far.
        announced_interval: the sampling interval that it tells.
        boot_ms: when the router started, by the true clock; its own differs by ``part.clock_skew_ms``.
    """

    def __init__(self, part: ExporterPart, *, start_ms: int, domain_id: int) -> None:
        self.part, self.domain_id = part, domain_id
        self.boot_ms = start_ms - int(part.uptime_s * 1000)
        self.records = self.datagrams = 0
        self.announced_interval = 0
        self.announce(part.sampling_interval, start_ms)

    def announce(self, interval: int, at_ms: int) -> None:
        """Tell a sampling interval, or the wrong one that the scenario wants, with the next templates."""
        self.announced_interval = max(1, round(interval * self.part.announced_times))
        self._templates_due_ms = at_ms

    def export(self, rows: NDArray[np.int64], at_ms: int, until_ms: int) -> Iterator[Payload]:
        """Datagrams of (n, ROW) records, spread evenly over [at_ms, until_ms), templates first when they are due."""
        bodies = list(self._bodies(rows))
        due = at_ms >= self._templates_due_ms
        preambles = self.preambles() if due else []
        if due:
            self._templates_due_ms = at_ms + self.part.template_refresh_s * 1000
        parts = [*preambles, *bodies]
        for number, body in enumerate(parts):
            moment = at_ms + (until_ms - at_ms) * number / len(parts)
            self.datagrams += 1
            self.records += body.records if number >= len(preambles) else 0
            yield Payload(moment, self.message(body, int(moment)), body.rows)

    @abstractmethod
    def preambles(self) -> list[Body]:
        """Templates and options, each for a datagram of its own."""

    @abstractmethod
    def families(self, rows: NDArray[np.int64]) -> Sequence[Family]:
        """Records of both IP versions, by template."""

    @abstractmethod
    def message(self, body: Body, at_ms: int) -> bytes:
        """A whole datagram around one body, which leaves at ``at_ms`` by the true clock."""

    @abstractmethod
    def room(self) -> int:
        """Octets left for records in a datagram."""

    def _bodies(self, rows: NDArray[np.int64]) -> Iterator[Body]:
        for set_id, metered, encoded in self.families(rows):
            size = encoded.dtype.itemsize
            whole, count = encoded.tobytes(), max(1, self.room() // size)
            for first in range(0, len(encoded), count):
                octets = whole[first * size : (first + count) * size]
                yield Body(set_id, len(octets) // size, octets, metered[first : first + count])

    def interfaces(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Where each record came in and went out."""
        near, far = _SIDES[self.part.boundary]
        outbound = rows[:, fc.OUTBOUND]
        return {
            "ingress_if": np.where(outbound == 0, far, near),
            "egress_if": np.where(outbound == 1, far, near),
        }


def is_v4(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which records are of IPv4."""
    return np.asarray((rows[:, fc.SRC_HI] == 0) & (rows[:, fc.SRC_LO] >> 32 == V4_MAPPED >> 32), np.bool_)


def is_icmp(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which records are of ICMP or ICMPv6, whose type and code stand where ports would."""
    return np.asarray(np.isin(rows[:, fc.PROTOCOL], (ICMP, ICMPV6)), np.bool_)


def fields(rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Values of (n, ROW) records by the names that the layouts use."""
    type_code = np.where(is_icmp(rows), rows[:, fc.PORTS], 0)
    return {
        "src_v4": rows[:, fc.SRC_LO] & _WORD,
        "dst_v4": rows[:, fc.DST_LO] & _WORD,
        "src_port": rows[:, fc.PORTS] >> 16,
        "dst_port": rows[:, fc.PORTS] & 0xFFFF,
        "protocol": rows[:, fc.PROTOCOL],
        "tcp_flags": rows[:, fc.FLAGS],
        "packets": rows[:, fc.PACKETS],
        "octets": rows[:, fc.OCTETS],
        "first_ms": rows[:, fc.FIRST_MS],
        "last_ms": rows[:, fc.LAST_MS],
        "fragment_offset": rows[:, fc.FRAGMENT],
        "icmp_type_code": type_code,
        # Both interfaces are metered where packets come in.
        "direction": np.zeros(len(rows), np.int64),
        "sampler": np.ones(len(rows), np.int64),
    }


def encode(layout: Sequence[Field], rows: NDArray[np.int64], values: dict[str, NDArray[np.int64]]) -> NDArray[np.void]:
    """Records in the order and the types of a layout; addresses of IPv6 are two words."""
    dtype = np.dtype([(f.column, "V16" if f.column in {"src_v6", "dst_v6"} else f.type) for f in layout])
    encoded = np.zeros(len(rows), dtype)
    for field in layout:
        if field.column in {"src_v6", "dst_v6"}:
            first = fc.SRC_HI if field.column == "src_v6" else fc.DST_HI
            words = np.ascontiguousarray(rows[:, first : first + 2].astype(">i8"))
            encoded[field.column] = words.view("V16")[:, 0]
        else:
            encoded[field.column] = values[field.column].astype(field.type)
    return encoded


def octets_of(field: Field) -> int:
    """Length of a field on the wire."""
    return np.dtype(field.type).itemsize
