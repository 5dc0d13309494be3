"""Who holds which dynamic IPv4 address when: PPPoE lines that reconnect and take an address another has left."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.address import V4_MAPPED
from sekisho.simulate.lines import DYNAMIC_POOL, PPPOE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.random import Generator

    from sekisho.simulate.lines import Lines

REST_MS = 8_000
"""An address rests this long before the next line gets it: longer than any exporter's clock is wrong."""

HOUR_MS = 3_600_000

_OFFLINE_MS = (3_000, 20_000)
_FIRST_HOST = 16
_LINES_A_SPARE = 50
"""One spare address for this many lines: the pool is tight, as providers' pools are, so addresses change hands."""


@dataclass(frozen=True, slots=True, order=True)
class SessionChange:
    """A line that gets (``up``) or loses an IPv4 address, whose lower word is ``address_lo``."""

    at_ms: int
    line: int
    address_lo: int
    up: bool


class Sessions:
    """The sessions of all PPPoE lines; memory grows with the lines, not with the duration.

    Args:
        forced: line -> milliseconds UTC at which it is cut; such a line is cut at no other time.
    """

    def __init__(
        self,
        lines: Lines,
        rng: Generator,
        *,
        start_ms: int,
        end_ms: int,
        reconnects_per_hour: float,
        forced: Mapping[int, Sequence[int]],
    ) -> None:
        self._lines = rng.permutation(lines.of(PPPOE)).tolist()
        self._rng, self._start_ms, self._end_ms = rng, start_ms, end_ms
        self._reconnects_per_hour, self._forced = reconnects_per_hour, forced
        self._pending: list[tuple[int, int]] = []
        self._held: dict[int, int] = {}
        first = (V4_MAPPED | int(DYNAMIC_POOL.network_address)) + _FIRST_HOST
        size = len(self._lines) + max(4, len(self._lines) // _LINES_A_SPARE)
        self._free = deque((0, first + offset) for offset in rng.permutation(size).tolist())

    def changes(self) -> Iterator[SessionChange]:
        """Changes in time order; those before the start open the sessions that already exist. Iterate once."""
        yield from self._existing()
        while self._pending and self._pending[0][0] < self._end_ms:
            at_ms, line = heapq.heappop(self._pending)
            if line in self._held:
                yield self._cut(at_ms, line)
            elif self._free[0][0] + REST_MS <= at_ms:
                yield self._connect(at_ms, line)
            else:
                heapq.heappush(self._pending, (self._free[0][0] + REST_MS, line))

    def _existing(self) -> Iterator[SessionChange]:
        ages = np.sort(self._rng.integers(60_000, 24 * HOUR_MS, size=len(self._lines)))[::-1]
        for age, line in zip(ages.tolist(), self._lines, strict=True):
            self._held[line] = self._free.popleft()[1]
            self._plan_cut(self._start_ms, line)
            yield SessionChange(self._start_ms - age, line, self._held[line], up=True)
        for line, times in self._forced.items():
            self._pending += [(at_ms, line) for at_ms in times]
        heapq.heapify(self._pending)

    def _cut(self, at_ms: int, line: int) -> SessionChange:
        address_lo = self._held.pop(line)
        self._free.append((at_ms, address_lo))
        heapq.heappush(self._pending, (at_ms + int(self._rng.integers(*_OFFLINE_MS)), line))
        return SessionChange(at_ms, line, address_lo, up=False)

    def _connect(self, at_ms: int, line: int) -> SessionChange:
        self._held[line] = self._free.popleft()[1]
        self._plan_cut(at_ms, line)
        return SessionChange(at_ms, line, self._held[line], up=True)

    def _plan_cut(self, at_ms: int, line: int) -> None:
        if self._reconnects_per_hour and line not in self._forced:
            wait_ms = self._rng.exponential(HOUR_MS / self._reconnects_per_hour)
            heapq.heappush(self._pending, (at_ms + 1 + int(wait_ms), line))
