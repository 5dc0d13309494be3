"""How much people do at each hour of their day, compared with the evening."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# fmt: off
BY_HOUR = (
    0.75, 0.50, 0.35, 0.25, 0.20, 0.22, 0.32, 0.45, 0.50, 0.52, 0.54, 0.56,
    0.65, 0.60, 0.58, 0.60, 0.64, 0.70, 0.78, 0.88, 0.96, 1.00, 1.00, 0.92,
)
# fmt: on
"""The usual course of traffic in Japanese access networks: highest between 20 and 23 o'clock, lowest before 5."""

_HOUR_MS = 3_600_000


def always(_at_ms: int) -> float:
    """It is evening all the time."""
    return 1.0


def hourly(start: datetime) -> Callable[[int], float]:
    """Factor on what people do at an instant (milliseconds UTC), by the clock of the scenario's start."""
    offset = start.utcoffset()
    offset_ms = int(offset.total_seconds() * 1000) if offset else 0
    return lambda at_ms: BY_HOUR[(at_ms + offset_ms) // _HOUR_MS % 24]
