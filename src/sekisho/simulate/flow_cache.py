"""The metering process of a router: packets in, flow records out when a timeout says so (RFC 7011, section 2).

An observation and a record have the same shape: one row of int64, whose columns are named below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.core.kernels import KernelTable

    Rows = NDArray[np.int64]
    Slots = NDArray[np.int64]

SRC_HI, SRC_LO, DST_HI, DST_LO, PORTS, PROTOCOL, FIRST_MS, LAST_MS, PACKETS, OCTETS, FLAGS, OUTBOUND = range(12)
FRAGMENT, ATTACK, SRC_LINE, DST_LINE = range(12, 16)
"""Columns of a row; the first six are the flow key.

OUTBOUND: 1 sent by a line, 0 received by one, ``BETWEEN_LINES`` both, at one router.
FRAGMENT: fragment offset of the first packet, in units of eight octets.
ATTACK, SRC_LINE, DST_LINE: numbers in the truth, -1 none; they never leave the router.
"""

BETWEEN_LINES = 2

ROW = 16
_KEY = 6
_EMPTY = -1
_FIRST_CAPACITY = 1 << 12
_FAR_MS = (1 << 63) - 1


@kernel
def _slot(keys: Rows, row: int) -> np.int64:
    """Home slot of a row's key, before the mask."""
    h = np.uint64(0x9E3779B97F4A7C15)
    for column in range(_KEY):
        h = (h ^ np.uint64(keys[row, column])) * np.uint64(0xD6E8FEB86659FD93)
        h ^= h >> np.uint64(32)
    return np.int64(h >> np.uint64(1))


@kernel
def _same_key(a: Rows, i: int, b: Rows, j: int) -> bool:
    equal = 0
    for column in range(_KEY):
        equal += int(a[i, column] == b[j, column])
    return equal == _KEY


@kernel
def _observe(entries: Rows, slots: Slots, length: int, observed: Rows) -> int:
    """Fold observations into the cache; returns its new length. The caller has made room for all of them."""
    mask = len(slots) - 1
    for i in range(len(observed)):
        at = _slot(observed, i) & mask
        while slots[at] != _EMPTY and not _same_key(entries, slots[at], observed, i):
            at = (at + 1) & mask
        if slots[at] == _EMPTY:
            slots[at] = length
            entries[length] = observed[i]
            length += 1
            continue
        entry = entries[slots[at]]
        entry[FIRST_MS] = min(entry[FIRST_MS], observed[i, FIRST_MS])
        entry[LAST_MS] = max(entry[LAST_MS], observed[i, LAST_MS])
        entry[PACKETS] += observed[i, PACKETS]
        entry[OCTETS] += observed[i, OCTETS]
        entry[FLAGS] |= observed[i, FLAGS]
    return length


@kernel
def _find(entries: Rows, slots: Slots, entry: int) -> int:
    """Slot that points at an entry."""
    mask = len(slots) - 1
    at = _slot(entries, entry) & mask
    while slots[at] != entry:
        at = (at + 1) & mask
    return int(at)


@kernel
def _vacate(entries: Rows, slots: Slots, hole: int) -> None:
    """Empty a slot and move up what was pushed behind it, so that no search ends too early."""
    mask = len(slots) - 1
    at = (hole + 1) & mask
    while slots[at] != _EMPTY:
        home = _slot(entries, slots[at]) & mask
        if (at - home) & mask >= (at - hole) & mask:
            slots[hole] = slots[at]
            hole = at
        at = (at + 1) & mask
    slots[hole] = _EMPTY


@kernel
def _expire(entries: Rows, slots: Slots, length: int, limits_ms: Slots, records: Rows) -> tuple[int, int]:
    """Move expired entries to ``records``; the last entry takes the place of each. Returns both new lengths."""
    started_by_ms, quiet_since_ms = limits_ms
    expired, i = 0, 0
    while i < length:
        if entries[i, FIRST_MS] > started_by_ms and entries[i, LAST_MS] > quiet_since_ms:
            i += 1
            continue
        records[expired] = entries[i]
        expired += 1
        _vacate(entries, slots, _find(entries, slots, i))
        length -= 1
        if i < length:
            slots[_find(entries, slots, length)] = i
            entries[i] = entries[length]
    return length, expired


_ROWS = types.int64[:, ::1]
_SLOTS = types.int64[::1]

KERNELS: KernelTable = (
    (_slot, (_ROWS, types.int64)),
    (_same_key, (_ROWS, types.int64, _ROWS, types.int64)),
    (_observe, (_ROWS, _SLOTS, types.int64, _ROWS)),
    (_find, (_ROWS, _SLOTS, types.int64)),
    (_vacate, (_ROWS, _SLOTS, types.int64)),
    (_expire, (_ROWS, _SLOTS, types.int64, _SLOTS, _ROWS)),
)


class FlowCache:
    """Flows being metered at one router.

    A flow leaves as a record when it has lasted ``active_ms`` or been quiet for ``inactive_ms``. The cache grows by
    doubling: a real one is bounded and expires early, which would add a loss that the truth does not know.
    """

    def __init__(self, *, active_ms: int, inactive_ms: int) -> None:
        self._active_ms, self._inactive_ms = active_ms, inactive_ms
        self._length = 0
        self._entries = np.zeros((_FIRST_CAPACITY, ROW), np.int64)
        self._slots = np.full(2 * _FIRST_CAPACITY, _EMPTY, np.int64)

    def __len__(self) -> int:
        return self._length

    def observe(self, observed: NDArray[np.int64]) -> None:
        """Meter (n, ROW) observations."""
        while self._length + len(observed) > len(self._entries):
            self._grow()
        self._length = _observe(self._entries, self._slots, self._length, observed)

    def expire(self, now_ms: int) -> NDArray[np.int64]:
        """(n, ROW) records whose timeout has passed."""
        return self._take(now_ms - self._active_ms, now_ms - self._inactive_ms)

    def flush(self) -> NDArray[np.int64]:
        """Everything that is left, as when the router is told to export at once."""
        return self._take(_FAR_MS, _FAR_MS)

    def _take(self, started_by_ms: int, quiet_since_ms: int) -> NDArray[np.int64]:
        records = np.empty((self._length, ROW), np.int64)
        limits_ms = np.array([started_by_ms, quiet_since_ms])
        self._length, expired = _expire(self._entries, self._slots, self._length, limits_ms, records)
        return records[:expired].copy()

    def _grow(self) -> None:
        held = self._entries[: self._length].copy()
        self._entries = np.zeros((2 * len(self._entries), ROW), np.int64)
        self._slots = np.full(2 * len(self._slots), _EMPTY, np.int64)
        self._length = _observe(self._entries, self._slots, 0, held)
