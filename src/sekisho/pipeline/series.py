"""Traffic over time for the picture of a report: what all lines sent, and what the detections are about."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.detect.detect import Detect
    from sekisho.windows.table import Windows

HARVEST_MS = 600_000
"""Windows are kept for more than an hour; collecting every ten minutes misses none and costs next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSeries:
    """Estimated octets by window, as long as the run.

    Attributes:
        times_ms: start of each window of ``WINDOW_MS``, ascending, without gaps.
        outbound: octets that all attributed lines sent.
        detected: (line_id, kind) -> the part that a detection is about.
    """

    times_ms: list[int]
    outbound: list[float]
    detected: Mapping[tuple[str, str], list[float]]


@dataclass(slots=True)
class SeriesRecord:
    """Collects octets by window before they leave memory."""

    _outbound: dict[int, float] = field(default_factory=dict)
    _detected: defaultdict[tuple[str, str], dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    _next_ms: int | None = None

    def tick(self, at_ms: int, windows: Windows, detect: Detect) -> None:
        """Collect when ten minutes of stream time have passed since the last time."""
        if self._next_ms is None:
            self._next_ms = at_ms + HARVEST_MS
        elif at_ms >= self._next_ms:
            self.collect(windows, detect)
            self._next_ms = at_ms + HARVEST_MS

    def collect(self, windows: Windows, detect: Detect) -> None:
        """Take the windows as they stand; one is taken again as long as it is kept, so that late shares are in."""
        rows = windows.line_window()
        sent = rows.filter(pc.and_(pc.equal(rows["side"], 0), pc.greater(rows["line"], 0)))
        sums = sent.group_by("window_start_ms").aggregate([("octets", "sum")])
        self._outbound.update(zip(sums["window_start_ms"].to_pylist(), sums["octets_sum"].to_pylist(), strict=True))
        for key, octets in detect.octets_by_window().items():
            self._detected[key].update(octets)

    def series(self) -> TrafficSeries:
        """Everything collected; windows without traffic hold 0."""
        times = range(min(self._outbound), max(self._outbound) + WINDOW_MS, WINDOW_MS) if self._outbound else range(0)
        return TrafficSeries(
            times_ms=list(times),
            outbound=[self._outbound.get(time, 0.0) for time in times],
            detected={key: [octets.get(time, 0.0) for time in times] for key, octets in sorted(self._detected.items())},
        )
