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
        self._is_judged = False

    def pass_to(self, until_ms: int) -> int | None:
        """Nothing more comes that was received until then; answers the tick that is complete by it, once.

        The next datagram finds the same tick as without this call, only that nobody waited for it.
        """
        if self.tick_ms is None or self._is_judged or until_ms <= self.tick_ms:
            return None
        self._is_judged = True
        return self.tick_ms

    def advance(self, received_ms: int) -> int | None:
        """Go on to a time of reception; answers the tick that is complete by it (None: the same tick)."""
        self.now_ms = max(self.now_ms, received_ms)
        tick = -(-self.now_ms // TICK_MS) * TICK_MS
        return self._fill(tick)

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
            complete = self._fill(tick)
            self.now_ms = int(newest[last - 1])
            yield complete, datagrams.between(first, last)

    def _fill(self, tick: int) -> int | None:
        """Go on to a tick; the one before it, if that has not been judged yet."""
        before, self.tick_ms = self.tick_ms, tick
        complete = before if before is not None and tick > before and not self._is_judged else None
        # A datagram that comes for a tick that was judged already makes it due again.
        self._is_judged = False
        return complete
