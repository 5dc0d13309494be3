"""Open addressing: (upper word, lower word, kind) -> first row and number of rows of a group.

A slot is tag << 54 | count << 32 | first row, -1 where it is empty. The tag (eight more bits of the hash) spares most
visits to a row that is another's; equality is decided by the row, so a tag can never give a wrong line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.layout import HI, KIND, KIND_MASK, LO, READ_ONLY_LIST, READ_ONLY_TABLE, ROW_BITS, ROW_MASK
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNT_BITS = 22
MAX_GROUP = (1 << COUNT_BITS) - 1
"""Rows of one prefix: four million is a change every minute for eight years."""

_TAG_SHIFT = ROW_BITS + COUNT_BITS
_FILL = 0.6
"""Largest share of slots in use: beyond it the runs of full slots grow quickly."""

EMPTY = -1


def empty_slots(groups: int) -> NDArray[np.int64]:
    """A table with room for that many groups; its size is a power of two."""
    return np.full(1 << max(int(groups / _FILL).bit_length(), 4), EMPTY, np.int64)


@kernel
def hash_of(hi: int, lo: int, kind: int) -> int:
    """64 well-mixed bits (two rounds of multiply and fold; the constants are odd and have no pattern)."""
    h = (hi ^ (kind << 40)) * -0x61C8864680B583EB + lo
    h = (h ^ (h >> 29)) * -0x4B47D0C5B7E3F4A3
    h = (h ^ (h >> 32)) * -0x2917014799A6026D
    return h ^ (h >> 31)


@kernel
def find(slots: Any, rows: Any, hi: int, lo: int, kind: int) -> tuple[int, int]:
    """First row and number of rows of a group; (0, 0) if there is none."""
    h = hash_of(hi, lo, kind)
    at, tag = h & (slots.size - 1), (h >> 48) & 0xFF
    while slots[at] != EMPTY:
        slot = slots[at]
        row = slot & ROW_MASK
        if (
            slot >> _TAG_SHIFT == tag
            and rows[row, HI] == hi
            and rows[row, LO] == lo
            and rows[row, KIND] & KIND_MASK == kind
        ):
            return row, (slot >> ROW_BITS) & MAX_GROUP
        at = (at + 1) & (slots.size - 1)
    return 0, 0


@kernel
def insert(slots: Any, rows: Any, first: int, count: int) -> None:
    """Enter the group that starts at a row; it is not there yet."""
    h = hash_of(rows[first, HI], rows[first, LO], rows[first, KIND] & KIND_MASK)
    at = h & (slots.size - 1)
    while slots[at] != EMPTY:
        at = (at + 1) & (slots.size - 1)
    slots[at] = ((h >> 48) & 0xFF) << _TAG_SHIFT | count << ROW_BITS | first


_ROWS, _WORDS = types.int64[:, ::1], types.int64[::1]

KERNELS = (
    (insert, (_WORDS, _ROWS, types.int64, types.int64)),
    (find, (READ_ONLY_LIST, READ_ONLY_TABLE, types.int64, types.int64, types.int64)),
)
