"""Hash tables from two-word keys to one word, filled by Python and read by kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from sekisho.core.kernels import borrowing_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Word

EMPTY = -1
"""Marks a slot that ends a search; a key that was removed leaves ``REMOVED``, so that searches go on past it."""

REMOVED = -2

_SMALLEST = 64


@borrowing_kernel
def _slot(index: NDArray[np.int64], upper: int, lower: int) -> Word:
    mask = len(index) - 1
    mixed = np.uint64(upper) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(lower) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    at = np.int64(mixed * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(33)) & mask
    while index[at, 2] != EMPTY and not (index[at, 0] == upper and index[at, 1] == lower):
        at = (at + 1) & mask
    return at


@borrowing_kernel
def find(index: NDArray[np.int64], upper: int, lower: int) -> Word:
    """The value of a key, negative if there is none. The table is at most half full: an empty slot ends each search."""
    return index[_slot(index, upper, lower), 2]


@borrowing_kernel
def put(index: NDArray[np.int64], upper: int, lower: int, value: int) -> None:
    """Store a value under a key; the caller keeps the table at most half full."""
    at = _slot(index, upper, lower)
    index[at, 0] = upper
    index[at, 1] = lower
    index[at, 2] = value


class KeyTable:
    """A dict of pairs of integers that kernels can read.

    Attributes:
        index: (slots, 3) int64: upper and lower word of the key, value (negative where there is no entry). It is
            replaced when the table grows: hand it to a kernel at the call, do not keep it.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[int, int], int] = {}
        self._rebuild()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, upper: int, lower: int) -> int:
        """The value of a key, negative if there is none."""
        return self._entries.get((upper, lower), EMPTY)

    def set(self, upper: int, lower: int, value: int) -> None:
        """Store a value, not negative, under a key."""
        self._slots_used += (upper, lower) not in self._entries
        self._entries[upper, lower] = value
        if 2 * self._slots_used > len(self.index):
            self._rebuild()
        else:
            put(self.index, upper, lower, value)

    def remove(self, upper: int, lower: int) -> None:
        """Forget a key, if it is there."""
        if self._entries.pop((upper, lower), None) is not None:
            put(self.index, upper, lower, REMOVED)

    def _rebuild(self) -> None:
        slots = max(_SMALLEST, 1 << (4 * len(self._entries)).bit_length())
        self._slots_used = len(self._entries)
        self.index = np.full((slots, 3), EMPTY, dtype=np.int64)
        for (upper, lower), value in self._entries.items():
            put(self.index, upper, lower, value)


_INDEX, _WORD = types.int64[:, ::1], types.int64

KERNELS = ((find, (_INDEX, _WORD, _WORD)), (put, (_INDEX, _WORD, _WORD, _WORD)))
