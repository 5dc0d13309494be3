"""Open addressing: (upper word, lower word, kind) -> place and number of rows of a group.

A slot is tag << 54 | count << 32 | place, -1 where it is empty; a prefix that is shared by ports has the place of its
directory and the count 0. The tag (eight more bits of the hash) spares most
visits to a row that is another's; equality is decided by the row, so a tag can never give a wrong line.
The hash names a cache line of slots, which is filled from its beginning, then the next ones: nearly every search
ends in the line where it began.
"""

from __future__ import annotations

from typing import Any

from numba import types

from sekisho.attribution.intrinsics import prefetch
from sekisho.attribution.layout import HI, KIND, KIND_MASK, LINE_WORDS, LO, MEMORY
from sekisho.core.kernels import borrowing_kernel as kernel

PLACE_BITS = 32
"""Places count words: 32 bits are 500 million assignments."""

COUNT_BITS = 22
MAX_GROUP = (1 << COUNT_BITS) - 1
"""Rows of one prefix: four million is a change every minute for eight years."""

PLACE_MASK = (1 << PLACE_BITS) - 1
TAG_SHIFT = PLACE_BITS + COUNT_BITS
_FILL = 0.6
"""Largest share of slots in use: beyond it the stretches of full slots grow quickly."""

EMPTY = -1


def slots_for(groups: int) -> int:
    """Size of a table with room for that many groups: a power of two."""
    return 1 << max(int(groups / _FILL).bit_length(), 4)


@kernel
def hash_of(hi: int, lo: int, kind: int) -> int:
    """64 well-mixed bits: rounds of multiply and fold; the constants are odd and without pattern."""
    h = (hi ^ (kind << 40)) * -0x61C8864680B583EB + lo
    h = (h ^ (h >> 29)) * -0x4B47D0C5B7E3F4A3
    h = (h ^ (h >> 32)) * -0x2917014799A6026D
    return h ^ (h >> 31)


@kernel
def _first(memory: Any, table: int, h: int) -> int:
    """Where in the table a search begins."""
    return int(h & (memory[table + 1] - memory[table] - 1) & -LINE_WORDS)


@kernel
def _next_alike(memory: Any, table: int, at: int, tag: int) -> tuple[int, int]:
    """The next slot with a tag from a place in the table on, and its place; ``EMPTY`` if the search ends before."""
    base, mask = memory[table], memory[table + 1] - memory[table] - 1
    slot = memory[base + at]
    while slot != EMPTY and slot >> TAG_SHIFT != tag:
        at = (at + 1) & mask
        slot = memory[base + at]
    return slot, at


@kernel
def find(memory: Any, table: int, hi: int, lo: int, kind: int) -> tuple[int, int]:
    """Place and number of rows of a group in the table of a section; place 0 if there is none."""
    h, mask = hash_of(hi, lo, kind), memory[table + 1] - memory[table] - 1
    tag = (h >> 48) & 0xFF
    slot, at = _next_alike(memory, table, _first(memory, table, h), tag)
    while slot != EMPTY:
        row = slot & PLACE_MASK
        if memory[row + HI] == hi and memory[row + LO] == lo and memory[row + KIND] & KIND_MASK == kind:
            return row, (slot >> PLACE_BITS) & MAX_GROUP
        slot, at = _next_alike(memory, table, (at + 1) & mask, tag)
    return 0, 0


@kernel
def slot_of(memory: Any, table: int, row: int) -> int:
    """Where the slot of the group at a row is, or the empty one where it would be."""
    h = hash_of(memory[row + HI], memory[row + LO], memory[row + KIND] & KIND_MASK)
    base, mask = memory[table], memory[table + 1] - memory[table] - 1
    at = _first(memory, table, h)
    while memory[base + at] != EMPTY:
        other = memory[base + at] & PLACE_MASK
        if (
            memory[other + HI] == memory[row + HI]
            and memory[other + LO] == memory[row + LO]
            and memory[other + KIND] & KIND_MASK == memory[row + KIND] & KIND_MASK
        ):
            break
        at = (at + 1) & mask
    return int(base + at)


@kernel
def enter(memory: Any, table: int, row: int, count: int) -> None:
    """Enter the group that begins at a row, in place of what stood for it."""
    h = hash_of(memory[row + HI], memory[row + LO], memory[row + KIND] & KIND_MASK)
    memory[slot_of(memory, table, row)] = ((h >> 48) & 0xFF) << TAG_SHIFT | count << PLACE_BITS | row


@kernel
def prefetch_slot(memory: Any, table: int, hi: int, lo: int, kind: int) -> None:
    """Ask for the slot where a search begins."""
    prefetch(memory, memory[table] + _first(memory, table, hash_of(hi, lo, kind)))


@kernel
def first_alike(memory: Any, table: int, hi: int, lo: int, kind: int) -> tuple[int, int]:
    """Place, which may be another's, and count of one that ``find`` may answer; place 0 if there is none."""
    h = hash_of(hi, lo, kind)
    at, tag = memory[table] + _first(memory, table, h), (h >> 48) & 0xFF
    alike = 0
    # All slots of the line and no branch among them: they are compared at once.
    for place in range(at, at + LINE_WORDS):
        slot = memory[place]
        alike = slot if slot >> TAG_SHIFT == tag else alike
    if alike == 0 and memory[at + LINE_WORDS - 1] != EMPTY:
        alike, _ = _next_alike(memory, table, at - memory[table], tag)
    return (alike & PLACE_MASK, (alike >> PLACE_BITS) & MAX_GROUP) if alike > 0 else (0, 0)


@kernel
def insert(memory: Any, table: int, row: int, count: int) -> None:
    """Enter the group that begins at a row; it is not there yet."""
    h = hash_of(memory[row + HI], memory[row + LO], memory[row + KIND] & KIND_MASK)
    base, mask = memory[table], memory[table + 1] - memory[table] - 1
    at = _first(memory, table, h)
    while memory[base + at] != EMPTY:
        at = (at + 1) & mask
    memory[base + at] = ((h >> 48) & 0xFF) << TAG_SHIFT | count << PLACE_BITS | row


KERNELS = ((find, (MEMORY, types.int64, types.int64, types.int64, types.int64)),)
