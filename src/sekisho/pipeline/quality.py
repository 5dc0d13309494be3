"""How much of what the exporters sent was seen, by exporter and time; every verdict carries it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.schema.detection import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sekisho.wire.sequence import SourceLoss

KEPT_MS = 25 * 3_600_000
"""The longest horizon of a detector is a day; an hour more lets its last window be explained."""


@dataclass(slots=True)
class _Steps:
    """Cumulative units of one exporter at the ticks at which they changed."""

    at_ms: list[int] = field(default_factory=lambda: [0])
    expected: list[int] = field(default_factory=lambda: [0])
    lost: list[int] = field(default_factory=lambda: [0])

    def add(self, at_ms: int, expected: int, lost: int) -> None:
        if expected != self.expected[-1] or lost != self.lost[-1]:
            self.at_ms.append(at_ms)
            self.expected.append(expected)
            self.lost.append(lost)
            self._forget(at_ms - KEPT_MS)

    def between(self, first_ms: int, last_ms: int) -> tuple[int, int]:
        """Units expected and lost in the ticks that touch the interval."""
        before = max(0, bisect_left(self.at_ms, first_ms) - 1)
        after = min(bisect_right(self.at_ms, last_ms), len(self.at_ms) - 1)
        return self.expected[after] - self.expected[before], self.lost[after] - self.lost[before]

    def _forget(self, before_ms: int) -> None:
        old = bisect_left(self.at_ms, before_ms) - 1
        if old > len(self.at_ms) // 2:
            del self.at_ms[:old], self.expected[:old], self.lost[:old]


class QualityRecord:
    """Loss by exporter over stream time, from the sequence numbers of the exports, and coverage beside it.

    Args:
        coverage: (exporter, first ms, last ms) -> flows over interface counters; None where they are not known.
    """

    def __init__(self, coverage: Callable[[int | None, int, int], float | None] = lambda *_: None) -> None:
        self._coverage = coverage
        self._exporters: defaultdict[int, _Steps] = defaultdict(_Steps)

    def tick(self, at_ms: int, losses: Iterable[SourceLoss]) -> None:
        """Note the counters of every source as they stand at a tick."""
        totals: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        for source in losses:
            totals[source.exporter][0] += source.expected_units
            totals[source.exporter][1] += source.lost_units
        for exporter, (expected, lost) in totals.items():
            self._exporters[exporter].add(at_ms, expected, lost)

    def of(self, exporter: int | None, first_ms: int, last_ms: int) -> Quality:
        """What a verdict about an interval carries."""
        loss, coverage = self.loss(exporter, first_ms, last_ms), self._coverage(exporter, first_ms, last_ms)
        return Quality(loss=loss, coverage=coverage)

    def loss(self, exporter: int | None, first_ms: int, last_ms: int) -> float:
        """Share of an exporter's units lost in the interval, 0 to 1; without one, the worst of all bounds it."""
        known = self._exporters.values() if exporter is None else [self._exporters[exporter]]
        shares = (steps.between(first_ms, last_ms) for steps in known)
        return max((lost / expected for expected, lost in shares if expected > 0), default=0.0)
