"""Outbound traffic over time, for the picture of a report: in all, and what the detections are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from sekisho.windows.table import Windows

HARVEST_MS = 600_000
"""Windows are kept for more than an hour; collecting every ten minutes misses none and costs next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSeries:
    """Outbound octets of all attributed lines by window.

    Attributes:
        times_ms: start of each window of ``WINDOW_MS``, ascending, without gaps.
        octets: estimate of each window.
    """

    times_ms: list[int]
    octets: list[float]


@dataclass(slots=True)
class SeriesRecord:
    """Collects the outbound octets of windows before they leave memory."""

    _octets: dict[int, float] = field(default_factory=dict)
    _next_ms: int | None = None

    def tick(self, at_ms: int, windows: Windows) -> None:
        """Collect when ten minutes of stream time have passed since the last time."""
        if self._next_ms is None:
            self._next_ms = at_ms + HARVEST_MS
        elif at_ms >= self._next_ms:
            self.collect(windows)
            self._next_ms = at_ms + HARVEST_MS

    def series(self) -> TrafficSeries:
        """Everything collected; windows without traffic hold 0."""
        if not self._octets:
            return TrafficSeries(times_ms=[], octets=[])
        times = list(range(min(self._octets), max(self._octets) + WINDOW_MS, WINDOW_MS))
        return TrafficSeries(times_ms=times, octets=[self._octets.get(time, 0.0) for time in times])

    def collect(self, windows: Windows) -> None:
        """Take the windows as they stand; one is taken again as long as it is kept, so that late shares are in."""
        rows = windows.line_window()
        sent = rows.filter(pc.equal(rows["side"], 0))
        sums = sent.group_by("window_start_ms").aggregate([("octets", "sum")])
        self._octets.update(zip(sums["window_start_ms"].to_pylist(), sums["octets_sum"].to_pylist(), strict=True))
