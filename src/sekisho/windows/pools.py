"""Rows taken and given back, and the indexes that find them: open addressing, linear probing, no tombstones.

A slot is ``tag << 32 | row``; the tag is 31 bits of the keyed hash and says where the slot belongs, so slots can move
up when one before them is removed.
"""

from __future__ import annotations

import numpy as np

from sekisho.core.kernels import kernel
from sekisho.windows.arena import END, FREE, FRESH, INDEX, LINK, LIVE, MASK, SEED, WIDTH

ROW = 0xFFFFFFFF
"""The part of a slot that names the row."""

# Odd constants of the splitmix64 finaliser (Steele, Lea, Flood 2014); any good mixer does.
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_S30, _S27, _S31, _S33 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(33)


@kernel
def mix(bits, word):
    """64 bits that depend on every bit of both."""
    bits = (bits + _GOLDEN) ^ np.uint64(word)
    bits = (bits ^ (bits >> _S30)) * _M1
    bits = (bits ^ (bits >> _S27)) * _M2
    return bits ^ (bits >> _S31)


@kernel
def keyed(memory, word):
    """A hash to begin with, keyed by this run's seed."""
    return mix(np.uint64(memory[SEED]), word)


@kernel
def tag_of(bits):
    """The part of a hash that a slot keeps."""
    return np.int64(bits >> _S33)


@kernel
def enter(memory, pool, tag, row):
    """Enter a row that is not there yet; the pool's limit keeps half of the slots empty."""
    index, mask = memory[pool + INDEX], memory[pool + MASK]
    at = tag & mask
    while memory[index + at] != 0:
        at = (at + 1) & mask
    memory[index + at] = tag << 32 | row


@kernel
def remove(memory, pool, tag, row):
    """Take a row out and let the slots behind it move up towards where they belong."""
    index, mask = memory[pool + INDEX], memory[pool + MASK]
    at = tag & mask
    while memory[index + at] != tag << 32 | row:
        at = (at + 1) & mask
    hole, at = at, (at + 1) & mask
    while memory[index + at] != 0:
        home = (memory[index + at] >> 32) & mask
        if ((at - home) & mask) >= ((at - hole) & mask):
            memory[index + hole] = memory[index + at]
            hole = at
        at = (at + 1) & mask
    memory[index + hole] = 0


@kernel
def first_place(memory, pool):
    """Place of the first row of a pool: its rows follow its index."""
    return memory[pool + INDEX] + memory[pool + MASK] + 1


@kernel
def take(memory, pool):
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
    return row


@kernel
def give(memory, pool, row):
    """Return a row."""
    memory[row + memory[pool + LINK]] = memory[pool + FREE]
    memory[pool + FREE] = row
    memory[pool + LIVE] -= 1
