"""What the kernels hold: one array of cells, cut into pools of rows and the indexes that find them.

A row is named by the place of its first cell, so that a kernel takes two arguments, ``memory`` and ``sums``: the same
cells seen as int64 and as float64. (A tuple of twenty arrays took a minute to compile and ran thirty times slower.)
Place 0 is no row, and fresh memory is zero: a link or an index slot of 0 means none.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np

from sekisho.schema.line_window import FEATURES
from sekisho.windows.limits import PARTITIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.windows.limits import Limits

MEMORY, SUMS = numba.int64[::1], numba.float64[::1]
"""Types of the two arguments in the literal signatures."""

Cells: TypeAlias = "NDArray[np.int64]"
Numbers: TypeAlias = "NDArray[np.float64]"
"""The same for people and type checkers; ``Cells`` are a batch's cells too."""

OUT, IN = 0, 1
"""Sides: sent by the line, received by it."""

RING = 512
"""Windows and blocks stand in a ring by their number; it is longer than what is kept of either."""

# The head of the memory: the clock, the ring positions, counters.
NEWEST_MS, OLDEST_WINDOW, OLDEST_BLOCK, TOUCHED, STAGED, PARTITION_ENTRIES = range(6)
LATE, NO_SERIES, NO_WINDOW_ROW, NO_PAIR_ROW, NO_ANSWER_PLACE, EARLY_WINDOWS, EARLY_BLOCKS = range(6, 13)
TOUCHED_AT, ENTRIES_AT = range(13, 15)
KEYS = 16
"""Three odd random words of the hash."""

# One descriptor a pool.
DESCRIPTOR_CELLS = 16
SERIES, WINDOWS, GROUPS, PAIRS, HELD = range(24, 104, DESCRIPTOR_CELLS)
FREE, FRESH, END, LIVE, WIDTH, LINK, FIRST, BASE, INDEX, MASK, SHIFT = range(11)
"""Of a pool: first returned row, next row never used, end of its cells, rows in use, cells a row, cell that links
returned rows, its first row; where its indexes may stand, where the present one stands, its slots - 1, and how far a
tag is shifted to its home."""

TAG_BITS = 31
"""Bits of a hash that an index slot keeps beside the row."""

SLOTS_AT_FIRST = 1024
"""An index doubles when half full: a small network does not touch the memory of a large one."""

WINDOW_HEADS = 104
BLOCK_HEADS = WINDOW_HEADS + RING
"""First row of each window and first group of each block of the ring."""

PARTITION_HEADS = BLOCK_HEADS + RING
PARTITION_COUNT, PARTITION_HELD, PARTITION_HELD_LAST = range(3)
PARTITION_CELLS = 4
"""Of a partition of the lines: entries staged, first and last answer held."""

HEAD_CELLS = PARTITION_HEADS + PARTITIONS * PARTITION_CELLS

ENTRY_LINE, ENTRY_PLACE, ENTRY_HI, ENTRY_LO, ENTRY_SERVICE, ENTRY_BITS, ENTRY_PACKETS, ENTRY_OCTETS = range(8)
ENTRY_SAMPLING, ENTRY_START, ENTRY_END, ENTRY_OPEN_FROM, ENTRY_CLOCK, ENTRY_PAIR_TAG, ENTRY_EXPORTER = range(8, 15)
"""One side of a flow that waits to be folded: BITS are its TCP flags and what ``entries`` adds to them, START and END
are bounded, OPEN_FROM is when its windows may end at the earliest, CLOCK the latest reception when it arrived."""
ENTRY_CELLS = 16

SERIES_LINE, SERIES_PLACE, SERIES_NEXT, SERIES_TOUCHED = range(4)
SERIES_RECORDS, SERIES_PACKETS, SERIES_OCTETS = range(4, 7)
SERIES_ROWS, SERIES_BLOCK, SERIES_GROUP = range(7, 10)
SERIES_RECENT, RECENT_WINDOWS = 10, 4
SERIES_EXPORTER = 14
SERIES_BITS = 16
LATE_RECORDS, LATE_PACKETS, LATE_OCTETS = range(24, 27)
"""One (line, place): place is boundary * 2 + side; NEXT links the series of a line; TOUCHED is the earliest window
touched since the tick, plus one; ROWS counts its windows and groups; BLOCK and GROUP remember the group used last,
RECENT the rows of the last four windows by their number; EXPORTER is the one whose record came last; BITS says which
windows of the ring have a row."""
SERIES_CELLS = 32

WINDOW_SERIES, WINDOW_NUMBER, WINDOW_NEXT, WINDOW_FEATURES = range(4)
WINDOW_CELLS = -(-(WINDOW_FEATURES + len(FEATURES)) // 8) * 8
"""One row of line_window: NEXT links the rows of a window. What every flow adds to stands in the first cache line."""

GROUP_SERIES, GROUP_BLOCK, GROUP_NEXT, GROUP_PAIRS, GROUP_FIRST, GROUP_REST = range(6)
"""One (line, boundary, block): NEXT links the groups of a block, FIRST its pairs."""
GROUP_CELLS = 8

PAIR_GROUP, PAIR_NEXT, PAIR_HI, PAIR_LO, PAIR_SERVICE, PAIR_RECORDS, PAIR_SAMPLED, PAIR_PACKETS = range(8)
PAIR_OCTETS, PAIR_SYN, PAIR_SYN_SAMPLED, PAIR_CONNECTIONS, PAIR_RESETS, PAIR_FRAGMENTS = range(8, 14)
PAIR_FIRST_MS, PAIR_LAST_MS = range(14, 16)
PAIR_ANSWERED, PAIR_ANSWERED_SYN_ACK, PAIR_ANSWERED_RESETS, PAIR_ANSWERED_OCTETS = range(16, 20)
"""One row of line_target: NEXT links the pairs of a group, SERVICE is ``services.service_of``. What is sent touches the
first two cache lines, an answer the first and the third."""
PAIR_CELLS = 24

HELD_LINE, HELD_BOUNDARY, HELD_BLOCK, HELD_HI, HELD_LO, HELD_SERVICE, HELD_CLOCK, HELD_PACKETS = range(8)
HELD_OCTETS, HELD_BITS, HELD_NEXT = range(8, 11)
"""One answer that waits for its pair; NEXT links those of a partition, the one that waits longest first."""
HELD_CELLS = 16

_POOLS = (
    (SERIES, SERIES_CELLS, SERIES_NEXT, "series"),
    (WINDOWS, WINDOW_CELLS, WINDOW_NEXT, "window_rows"),
    (GROUPS, GROUP_CELLS, GROUP_NEXT, "pair_rows"),
    (PAIRS, PAIR_CELLS, PAIR_NEXT, "pair_rows"),
    (HELD, HELD_CELLS, HELD_NEXT, "held_answers"),
)
"""Descriptor, cells a row, linking cell, limit."""


@dataclass(frozen=True, slots=True)
class Arena:
    """The cells and where they lie."""

    memory: NDArray[np.int64]
    sums: NDArray[np.float64]

    def rows_of(self, pool: int) -> NDArray[np.int64]:
        """(n, cells) view of the rows of a pool that were ever used."""
        first, fresh, width = (int(self.memory[pool + cell]) for cell in (FIRST, FRESH, WIDTH))
        return self.memory[first:fresh].reshape(-1, width)


def new_arena(limits: Limits, *, keys: tuple[int, int, int]) -> Arena:
    """Empty pools; the system gives memory only as rows are used.

    Args:
        limits: rows of each pool.
        keys: 63 random bits each, of which the hashes are made odd keys: no sender can aim at one index slot, and no
            result depends on them.
    """
    head = np.zeros(HEAD_CELLS, dtype=np.int64)
    head[KEYS : KEYS + 3] = [key | 1 for key in keys]
    head[PARTITION_ENTRIES] = limits.partition_entries
    head[TOUCHED_AT] = HEAD_CELLS
    head[ENTRIES_AT] = HEAD_CELLS + _whole_lines(limits.series)
    end = int(head[ENTRIES_AT]) + PARTITIONS * limits.partition_entries * ENTRY_CELLS
    for pool, width, link, limit in _POOLS:
        rows = getattr(limits, limit)
        # The index of n slots stands n behind the base, so that the next one, of 2 n slots, stands right behind it.
        base, first = end, end + 2 * _slots(rows)
        end = first + rows * width
        index = (base, base + SLOTS_AT_FIRST, SLOTS_AT_FIRST - 1, TAG_BITS - (SLOTS_AT_FIRST - 1).bit_length())
        row = (0, first, end, 0, width, link, first, *index)
        head[pool : pool + len(row)] = row
    memory = _cells(end)
    memory[:HEAD_CELLS] = head
    return Arena(memory, memory.view(np.float64))


def _slots(rows: int) -> int:
    """Slots for so many rows: at most half of them are used, so probes stay short."""
    return max(SLOTS_AT_FIRST, 1 << (2 * rows - 1).bit_length())


def _whole_lines(cells: int) -> int:
    return -(-cells // 8) * 8


def _cells(count: int) -> NDArray[np.int64]:
    """Zeroed cells from the system, in large pages: rows are found at random, and half of the cost was the TLB's."""
    pages = mmap.mmap(-1, count * 8, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, dtype=np.int64)
