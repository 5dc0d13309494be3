"""How much of what interfaces counted the flows account for; 1 is all of it.

Frames are compared with frames: flows tell IP octets, and a flood of small packets would look like a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from sekisho.detect.level import COVERED
from sekisho.impact.load import Side, Sum
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from sekisho.impact.counters import IntervalColumns, Key
    from sekisho.impact.load import Load

SAMPLED_AT_LEAST = 400
"""Sampled packets below which chance alone moves a number by a tenth (1.96 / sqrt(400)): nothing is said then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Flows over counters of one direction of one interface, or of several together.

    Attributes:
        octets, packets: share, 1 = all; NaN where not counted.
        sampled: packets that it rests on.
        intervals: of the counters.
    """

    octets: float
    packets: float
    sampled: float
    intervals: int

    @property
    def share(self) -> float | None:
        """The share that is further from 1; None where too little was sampled or nothing was counted."""
        known = [share for share in (self.octets, self.packets) if not isnan(share) and share > 0]
        if self.sampled < SAMPLED_AT_LEAST or not known:
            return None
        return max(known, key=lambda share: float(abs(np.log(share))))

    @property
    def is_alarm(self) -> bool:
        """Whether nothing automatic may follow from this exporter's numbers."""
        return self.share is not None and not COVERED[0] <= self.share <= COVERED[1]


def within(sums: NDArray[np.float64], first: int, start_ms: int, end_ms: int) -> NDArray[np.float64]:
    """The part of the sums of consecutive windows, ``first`` being the number of the first, inside an interval."""
    begins = (first + np.arange(len(sums))) * WINDOW_MS
    inside = np.clip(np.minimum(begins + WINDOW_MS, end_ms) - np.maximum(begins, start_ms), 0, WINDOW_MS)
    return np.asarray(sums * (inside / WINDOW_MS)[:, None])


def flow_sums(load: Load, key: Key, side: Side, start_ms: int, end_ms: int) -> NDArray[np.float64]:
    """What flows say of an interval, window by window, (windows, len(Sum))."""
    first = start_ms // WINDOW_MS
    count = -(-end_ms // WINDOW_MS) - first
    return within(load.windows(*key, side, first, count), first, start_ms, end_ms)


class Covered:
    """Flows beside counters of some interfaces, summed up so that any span of time is told by two look-ups each.

    A report asks for thousands of detections: adding up the windows of every interval again for each took 770 s for
    5,000 of them on an exporter of 50 interfaces looked at every 30 s for a day.

    Args:
        load: what flows say.
        looked_at: interface, direction, and its intervals; those that are not ``wanted`` are left out.
        wanted: which intervals count, by start and end.
    """

    def __init__(
        self,
        load: Load,
        looked_at: Iterable[tuple[Key, Side, IntervalColumns]],
        wanted: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]],
    ) -> None:
        starts, ends, rows = [_NO_TIMES], [_NO_TIMES], [np.empty((0, _COLUMNS))]
        for key, side, intervals in looked_at:
            kept = wanted(intervals.start_ms, intervals.end_ms)
            if kept.any():
                starts.append(intervals.start_ms[kept])
                ends.append(intervals.end_ms[kept])
                rows.append(_compared(load, key, side, starts[-1], ends[-1], intervals, kept))
        every = np.concatenate(rows)
        self._starts, self._begun = _running(np.concatenate(starts), every)
        self._ends, self._over = _running(np.concatenate(ends), every)

    def between(self, first_ms: int, last_ms: int) -> Coverage:
        """All intervals that overlap a span of time, together."""
        # Whatever has begun before its end and was not over at its beginning; what was over had begun, too.
        begun = self._begun[np.searchsorted(self._starts, last_ms, side="left")]
        over = self._over[np.searchsorted(self._ends, first_ms, side="right")]
        flows, sampled, counted, unknown, intervals = np.split(begun - over, (2, 3, 5, 7))
        known = (counted > _ROUNDED * begun[3:5]) & (unknown < 0.5)
        shares = np.divide(flows, counted, out=np.full(2, np.nan), where=known)
        return Coverage(
            octets=float(shares[0]),
            packets=float(shares[1]),
            sampled=float(sampled[0]),
            intervals=round(float(intervals[0])),
        )


_COLUMNS = 8
"""Octets and packets of flows, sampled packets, octets and packets counted, whether either was not, intervals."""

_ROUNDED = 1e-12
"""Part of a running sum below which a difference is nothing but rounding."""

_NO_TIMES = np.empty(0, dtype=np.int64)


def _running(times: NDArray[np.int64], rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times in order, and the sums of the rows until each of them, beginning with none."""
    order = np.argsort(times, kind="stable")
    sums = np.zeros((len(rows) + 1, _COLUMNS))
    np.cumsum(rows[order], axis=0, out=sums[1:])
    return times[order], sums


def _compared(
    load: Load,
    key: Key,
    side: Side,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    intervals: IntervalColumns,
    kept: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(intervals, _COLUMNS): what flows and counters say of each interval of one direction."""
    counted = np.stack((intervals.octets[kept, side], intervals.packets[kept, side]), axis=1)
    unknown = np.isnan(counted)
    first = int(starts.min()) // WINDOW_MS
    count = -(-int(ends.max()) // WINDOW_MS) - first
    windows = load.windows(*key, side, first, count)[:, [Sum.OCTETS, Sum.PACKETS, Sum.SAMPLED]]
    until = np.zeros((count + 1, 3))
    np.cumsum(windows, axis=0, out=until[1:])
    flows = _at(until, windows, ends, first) - _at(until, windows, starts, first)
    return np.hstack((flows, np.where(unknown, 0.0, counted), unknown, np.ones((len(flows), 1))))


def _at(
    until: NDArray[np.float64], windows: NDArray[np.float64], times_ms: NDArray[np.int64], first: int
) -> NDArray[np.float64]:
    """Sums until a time inside a window: its part of the window is its part of the time."""
    number, rest = np.divmod(times_ms - first * WINDOW_MS, WINDOW_MS)
    inside = windows[np.minimum(number, len(windows) - 1)] * (rest / WINDOW_MS)[:, None]
    return np.asarray(until[number] + inside)
