"""A bounded table from two integers to one, which kernels read: addresses to exporters, interfaces to entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from sekisho.core.kernels import inlined_kernel as inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABSENT = -(1 << 62)
"""The value of a pair that the table does not hold."""

# Odd constants of a multiplicative hash (2^64 divided by the golden ratio, and two large primes), as signed words.
_GOLDEN = -7046029254386353131
_PRIME_1 = -4658895280553007687
_PRIME_2 = -7723592293110705685


@inlined
def slot_of(first: int, second: int, cells: NDArray[np.int64]) -> int:
    """Row of ``cells`` that holds the pair, or the free row where it belongs."""
    mixed = (first * _GOLDEN) ^ (second * _PRIME_1)
    mixed = (mixed ^ (mixed >> 32)) * _PRIME_2
    row = (mixed ^ (mixed >> 29)) & (len(cells) - 1)
    while cells[row, 2] != ABSENT and (cells[row, 0] != first or cells[row, 1] != second):
        row = (row + 1) & (len(cells) - 1)
    return row


KERNELS = ((slot_of, (numba.int64, numba.int64, numba.int64[:, ::1])),)


class PairTable:
    """Open addressing over at least twice as many rows as pairs, so that a search ends.

    Attributes:
        limit: pairs held at most; the caller asks ``is_full`` before it puts another.
        cells: (rows, 3) int64: first, second, value (``ABSENT`` = free), for ``slot_of``.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.length = 0
        self.cells: NDArray[np.int64] = np.full((1 << (2 * limit - 1).bit_length(), 3), ABSENT, dtype=np.int64)

    @property
    def is_full(self) -> bool:
        """No room for another pair."""
        return self.length >= self.limit

    def get(self, first: int, second: int) -> int:
        """The value of a pair, or ``ABSENT``."""
        return int(self.cells[slot_of(first, second, self.cells), 2])

    def put(self, first: int, second: int, value: int) -> None:
        """Set the value of a pair.

        Raises:
            OverflowError: a new pair, and the table is full.
        """
        row = slot_of(first, second, self.cells)
        if self.cells[row, 2] == ABSENT:
            if self.is_full:
                raise OverflowError(f"{self.limit} pairs are held already")
            self.length += 1
        self.cells[row] = first, second, value

    def clear(self) -> None:
        """Forget every pair."""
        self.cells[:] = ABSENT
        self.length = 0
