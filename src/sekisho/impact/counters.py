"""Interface counters as intervals: what an interface counted between two looks at it, from sFlow or from a file."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.tabular import Tabular
from sekisho.wire.counters import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sekisho.wire.counters import InterfaceCounters, Traffic

INTERVALS_KEPT = 8640
"""A day of looks every ten seconds, for each interface; the oldest leave first."""

COUNTS = ("in_octets", "out_octets", "in_packets", "out_packets", "in_discards", "out_discards")
COLUMNS = ("time", "exporter", "interface", *COUNTS[:2])
OPTIONAL = COUNTS[2:]

Key = tuple[int, int]
"""Exporter code and ifIndex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What an interface counted from one look to the next; by ``Side``, NaN where it does not count.

    Attributes:
        start_ms, end_ms: milliseconds UTC.
        octets: those of frames. packets: sent or received. discards: packets dropped although nothing was wrong.
    """

    start_ms: int
    end_ms: int
    octets: tuple[float, float]
    packets: tuple[float, float]
    discards: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalColumns:
    """Intervals of one interface as columns, for whoever looks at all of them.

    Attributes:
        start_ms, end_ms: (n,) int64.
        octets, packets: (n, 2) float64, by ``Side``, NaN where it does not count.
    """

    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    octets: NDArray[np.float64]
    packets: NDArray[np.float64]


class Counters:
    """Intervals by interface, the newest ``INTERVALS_KEPT`` of each."""

    def __init__(self) -> None:
        self._intervals: dict[Key, deque[Interval]] = {}
        self._columns: dict[Key, IntervalColumns] = {}
        self._latest: dict[Key, InterfaceCounters] = {}

    @property
    def interfaces(self) -> list[Key]:
        """Interfaces with counters, those of sFlow that were seen once included."""
        return list(dict.fromkeys((*self._intervals, *self._latest)))

    @property
    def exporting(self) -> set[int]:
        """Exporters that send their counters themselves: sFlow, which holds no flow back."""
        return {exporter for exporter, _ in self._latest}

    def of(self, key: Key) -> Sequence[Interval]:
        """Intervals of an interface in order of time."""
        return tuple(self._intervals.get(key, ()))

    def columns(self, key: Key) -> IntervalColumns:
        """The same as columns; made once until more are added."""
        if key not in self._columns:
            found = self.of(key)
            self._columns[key] = IntervalColumns(
                start_ms=np.array([interval.start_ms for interval in found], dtype=np.int64),
                end_ms=np.array([interval.end_ms for interval in found], dtype=np.int64),
                octets=np.array([interval.octets for interval in found], dtype=np.float64).reshape(-1, 2),
                packets=np.array([interval.packets for interval in found], dtype=np.float64).reshape(-1, 2),
            )
        return self._columns[key]

    def add(self, key: Key, intervals: Iterable[Interval]) -> None:
        """Take intervals of a file."""
        self._columns.pop(key, None)
        self._intervals.setdefault(key, deque(maxlen=INTERVALS_KEPT)).extend(intervals)

    def take(self, counters: Iterable[InterfaceCounters]) -> None:
        """Look at what exporters have sent until now."""
        for now in counters:
            key = (now.exporter, now.interface)
            before = self._latest.get(key)
            if before is not None and now.received_at > before.received_at:
                # What passed around a reset was not counted: such an interval would tell too little.
                if now.resets == before.resets:
                    self.add(key, [_between(before, now)])
                self._latest[key] = now
            elif before is None:
                self._latest[key] = now


def read_counters(path: Path) -> dict[tuple[str, int], list[Interval]]:
    """Counters over time as a monitoring system writes them down, by exporter's address and ifIndex.

    Counts are running totals of 64 bits; where one falls, the interface began anew and the interval is left out.

    Raises:
        InputError: a malformed row, or rows of an interface that are not in order of time.
    """
    file = Tabular.open(path)
    file.check_columns(COLUMNS, OPTIONAL)
    found: dict[tuple[str, int], list[tuple[int, tuple[float, ...]]]] = {}
    for block in file.blocks():
        times, exporters, interfaces = block.instants("time"), block.required("exporter"), block.numbers("interface")
        counts = [block.numbers(name).to_pylist() for name in COUNTS]
        rows = zip(times.to_pylist(), exporters.to_pylist(), interfaces.to_pylist(), *counts, strict=True)
        for row, (at_ms, exporter, interface, *values) in enumerate(rows):
            if at_ms is None or interface is None:
                raise block.refuse(row, "time, interface", expected="a time and an ifIndex", found=None)
            looks = found.setdefault((exporter, interface), [])
            if looks and at_ms <= looks[-1][0]:
                raise block.refuse(row, "time", expected="later than the row before", found=str(at_ms))
            looks.append((at_ms, tuple(nan if value is None else float(value) for value in values)))
    return {key: [interval for pair in pairwise(looks) for interval in of_looks(*pair)] for key, looks in found.items()}


def of_looks(before: tuple[int, tuple[float, ...]], now: tuple[int, tuple[float, ...]]) -> list[Interval]:
    """The interval between two looks at running totals in the order of ``COUNTS``; none where one of them fell."""
    differences = [new - old for old, new in zip(before[1], now[1], strict=True)]
    if any(difference < 0 for difference in differences):
        return []
    octets, packets, discards = zip(differences[::2], differences[1::2], strict=True)
    return [Interval(start_ms=before[0], end_ms=now[0], octets=octets, packets=packets, discards=discards)]


def _between(before: InterfaceCounters, now: InterfaceCounters) -> Interval:
    ways = ((before.ingress, now.ingress), (before.egress, now.egress))
    octets, packets, discards = zip(*(_differences(*way) for way in ways), strict=True)
    return Interval(
        start_ms=before.received_at, end_ms=now.received_at, octets=octets, packets=packets, discards=discards
    )


def _differences(before: Traffic, now: Traffic) -> tuple[float, float, float]:
    octets = _difference(before.octets, now.octets)
    packets = _difference(before.unicast_packets, now.unicast_packets)
    casts = (
        _difference(before.multicast_packets, now.multicast_packets),
        _difference(before.broadcast_packets, now.broadcast_packets),
    )
    # Many devices do not count the two; unicast alone is then all that is known.
    packets += sum(cast for cast in casts if not isnan(cast))
    return octets, packets, _difference(before.discards, now.discards)


def _difference(before: int, now: int) -> float:
    return nan if UNKNOWN in (before, now) else float(now - before)
