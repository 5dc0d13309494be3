"""Rows taken and given back, and the indexes that find them: open addressing, linear probing, no tombstones.

A slot is ``tag << 32 | row``; the tag is 31 bits of the keyed hash and says where the slot belongs, so slots can move
up when one before them is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.windows.arena import BASE, END, FIRST, FREE, FRESH, INDEX, KEYS, LINK, LIVE, MASK, SHIFT, WIDTH

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells

ROW = 0xFFFFFFFF
"""The part of a slot that names the row."""


@inlined
def hash_of(memory: Cells, first: int, second: int, third: int) -> np.uint64:
    """64 bits of three words: multilinear hashing with this run's odd keys, strongly universal in its upper bits.

    Source: Lemire, Kaser, "Strongly universal string hashing is fast" (2014), section 3.
    """
    words = np.uint64(first) * np.uint64(memory[KEYS]) + np.uint64(second) * np.uint64(memory[KEYS + 1])
    return np.uint64(words + np.uint64(third) * np.uint64(memory[KEYS + 2]))


@inlined
def tag_of(bits: np.uint64) -> int:
    """The part of a hash that a slot keeps; its upper bits say where the slot belongs."""
    return int(np.int64(bits >> np.uint64(33)))


@inlined
def home_of(memory: Cells, pool: int, tag: int) -> int:
    """Where in the index of a pool a tag belongs."""
    return int(tag >> memory[pool + SHIFT])


@kernel
def enter(memory: Cells, pool: int, tag: int, row: int) -> None:
    """Enter a row that is not there yet."""
    if memory[pool + LIVE] * 2 > memory[pool + MASK]:
        _grow(memory, pool)
    _fill(memory, pool, tag << 32 | row)


@inlined
def _fill(memory: Cells, pool: int, slot: int) -> None:
    index, mask = memory[pool + INDEX], memory[pool + MASK]
    at = home_of(memory, pool, slot >> 32)
    while memory[index + at] != 0:
        at = (at + 1) & mask
    memory[index + at] = slot


@kernel
def _grow(memory: Cells, pool: int) -> None:
    """Move to an index of twice as many slots, unless this one is as large as the pool's limit needs."""
    index, mask = memory[pool + INDEX], memory[pool + MASK]
    if memory[pool + BASE] + 4 * (mask + 1) > memory[pool + FIRST]:
        return
    memory[pool + INDEX], memory[pool + MASK] = memory[pool + BASE] + 2 * (mask + 1), 2 * mask + 1
    memory[pool + SHIFT] -= 1
    for at in range(index, index + mask + 1):
        if memory[at] != 0:
            _fill(memory, pool, memory[at])
            memory[at] = 0


@kernel
def remove(memory: Cells, pool: int, tag: int, row: int) -> None:
    """Take a row out and let the slots behind it move up towards where they belong."""
    index, mask = memory[pool + INDEX], memory[pool + MASK]
    at = home_of(memory, pool, tag)
    while memory[index + at] != tag << 32 | row:
        at = (at + 1) & mask
    hole, at = at, (at + 1) & mask
    while memory[index + at] != 0:
        home = home_of(memory, pool, memory[index + at] >> 32)
        if ((at - home) & mask) >= ((at - hole) & mask):
            memory[index + hole] = memory[index + at]
            hole = at
        at = (at + 1) & mask
    memory[index + hole] = 0


@kernel
def take(memory: Cells, pool: int) -> int:
    """A zeroed row, 0 where the pool is exhausted."""
    row, width = memory[pool + FREE], memory[pool + WIDTH]
    if row != 0:
        memory[pool + FREE] = memory[row + memory[pool + LINK]]
        for k in range(row, row + width):
            memory[k] = 0
    elif memory[pool + FRESH] < memory[pool + END]:
        row = memory[pool + FRESH]
        memory[pool + FRESH] += width
    else:
        return 0
    memory[pool + LIVE] += 1
    return int(row)


@kernel
def give(memory: Cells, pool: int, row: int) -> None:
    """Return a row."""
    memory[row + memory[pool + LINK]] = memory[pool + FREE]
    memory[pool + FREE] = row
    memory[pool + LIVE] -= 1
