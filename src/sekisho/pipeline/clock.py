"""Stream time: the newest time of reception, cut into ticks; the wall clock decides nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.wire.datagrams import Datagrams

TICK_MS = 5_000
"""Every tick re-evaluates what was touched since the last: a decision waits at most this long for its tick."""


class StreamClock:
    """Cuts datagrams at ticks: tick ``T`` has seen exactly the datagrams received at or before ``T``.

    Attributes:
        tick_ms: the tick that is being filled, milliseconds UTC; None before the first datagram.
        now_ms: the newest time of reception seen.
    """

    def __init__(self) -> None:
        self.tick_ms: int | None = None
        self.now_ms = 0

    def advance(self, received_ms: int) -> int | None:
        """Go on to a time of reception; answers the tick that is complete by it (None: the same tick)."""
        self.now_ms = max(self.now_ms, received_ms)
        tick = -(-self.now_ms // TICK_MS) * TICK_MS
        complete = self.tick_ms if self.tick_ms is not None and tick > self.tick_ms else None
        self.tick_ms = tick
        return complete

    def cut(self, datagrams: Datagrams) -> Iterator[tuple[int | None, Datagrams]]:
        """Parts of the input, each with the tick that is complete before the part is taken in (None: the same tick).

        A datagram older than one before it belongs to the tick that is being filled: time does not run back.
        """
        if not len(datagrams):
            return
        newest = np.maximum.accumulate(np.maximum(datagrams.received_at, self.now_ms))
        ticks = -(-newest // TICK_MS) * TICK_MS
        starts = [0, *(np.flatnonzero(np.diff(ticks)) + 1).tolist(), len(ticks)]
        for first, last in pairwise(starts):
            tick = int(ticks[first])
            complete = self.tick_ms if self.tick_ms is not None and tick > self.tick_ms else None
            self.tick_ms = tick
            self.now_ms = int(newest[last - 1])
            yield complete, datagrams.between(first, last)
