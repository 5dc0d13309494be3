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
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sekisho.impact.counters import Interval, Key
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


def coverage_of(load: Load, looked_at: Iterable[tuple[Key, Side, Interval]]) -> Coverage:
    """Flows over counters, all of these intervals together."""
    flows, counted, sampled, intervals = np.zeros(2), np.zeros(2), 0.0, 0
    for key, side, interval in looked_at:
        sums = flow_sums(load, key, side, interval.start_ms, interval.end_ms).sum(axis=0)
        flows += sums[[Sum.OCTETS, Sum.PACKETS]]
        counted += interval.octets[side], interval.packets[side]
        sampled, intervals = sampled + float(sums[Sum.SAMPLED]), intervals + 1
    shares = np.divide(flows, counted, out=np.full(2, np.nan), where=counted > 0)
    return Coverage(octets=float(shares[0]), packets=float(shares[1]), sampled=sampled, intervals=intervals)
