"""Traffic over time, as the plots of a report need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSeries:
    """What all lines sent, and the part of it that the detections are about; estimates, bits a second.

    Attributes:
        times_ms: start of each interval, milliseconds UTC, ascending and evenly spaced.
        outbound_bps: mean rate of each interval, all lines.
        detected_bps: the same by (line_id, kind), as long as ``times_ms``.
    """

    times_ms: Sequence[int] = ()
    outbound_bps: Sequence[float] = ()
    detected_bps: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = (self.outbound_bps, *self.detected_bps.values())
        if any(len(row) != len(self.times_ms) for row in rows):
            raise ValueError(f"every series must be as long as times_ms ({len(self.times_ms)})")

    @property
    def abnormal_bps(self) -> NDArray[np.float64]:
        """Sum over all detections, never above what was sent in all."""
        total = np.zeros(len(self.times_ms))
        for rates in self.detected_bps.values():
            total += np.asarray(rates, np.float64)
        return np.minimum(total, np.asarray(self.outbound_bps, np.float64))

    @property
    def interval_ms(self) -> int:
        """Length of an interval; 0 where there are fewer than two."""
        return int(self.times_ms[1] - self.times_ms[0]) if len(self.times_ms) > 1 else 0
