"""Pace of sending: never more than so many new connections a second, on the LAN and on each device."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.checkup.limits import Limits


class Pacer:
    """Gives turns. A device's next turn waits for the last one really taken, so delays never add up to a burst."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lan = _Line(1 / limits.connections_per_s, clock)
        self._device_gap_s = 1 / limits.connections_per_device_per_s
        self._devices: defaultdict[str, _Line] = defaultdict(lambda: _Line(self._device_gap_s, clock))

    async def turn(self, device: str) -> None:
        """Return when one packet or connection to this device may leave."""
        line = self._devices[device]
        async with line.lock:
            await line.wait()
            await self.lan_turn()
            line.take()

    async def lan_turn(self) -> None:
        """Return when one packet to nobody in particular (a multicast question) may leave."""
        async with self._lan.lock:
            await self._lan.wait()
            self._lan.take()


class _Line:
    def __init__(self, gap_s: float, clock: Callable[[], float]) -> None:
        self._gap_s, self._clock, self._next = gap_s, clock, 0.0
        self.lock = asyncio.Lock()

    async def wait(self) -> None:
        await asyncio.sleep(max(self._next - self._clock(), 0))

    def take(self) -> None:
        self._next = self._clock() + self._gap_s
