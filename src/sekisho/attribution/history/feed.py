"""How far a source has told, how late it tells, and whether it may be believed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

DELAYS_KEPT = 255
"""Delays whose median counts: enough to outvote a burst of retries, few enough to see a clock that was set."""

DELAYS_NEEDED = 5
"""Fewer say nothing: the first record after a start may be an old retry."""


@dataclass(slots=True)
class Feed:
    """What is known of one source.

    Attributes:
        watermark_ms: its newest event.
        delays_ms: receipt minus event, the last ones; negative where the source's clock is ahead.
    """

    name: str
    position: str = ""
    watermark_ms: int = 0
    delays_ms: deque[int] = field(default_factory=lambda: deque(maxlen=DELAYS_KEPT))

    @property
    def delay_ms(self) -> int:
        """Median delay; 0 as long as there are too few."""
        return int(median(self.delays_ms)) if len(self.delays_ms) >= DELAYS_NEEDED else 0

    def is_quarantined(self, margin_ms: int) -> bool:
        """Its times are off by more than the margin, so that a change of holder would be put at the wrong time."""
        return abs(self.delay_ms) > margin_ms
