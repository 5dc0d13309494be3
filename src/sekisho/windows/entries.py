"""Sides of flows put aside by the partition of their line, until many of a partition can be folded at once.

Rows are found at random in tens of megabytes; the rows of one partition's lines fit a second-level cache. The order of
a line's flows stays as it was, and no result depends on the order between lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.batch import cell
from sekisho.windows.ahead import LINE_CELLS, prefetch
from sekisho.windows.arena import (
    ENTRIES_AT,
    ENTRY_BITS,
    ENTRY_CELLS,
    ENTRY_CLOCK,
    ENTRY_END,
    ENTRY_EXPORTER,
    ENTRY_HI,
    ENTRY_LINE,
    ENTRY_LO,
    ENTRY_OCTETS,
    ENTRY_OPEN_FROM,
    ENTRY_PACKETS,
    ENTRY_PLACE,
    ENTRY_SAMPLING,
    ENTRY_SERVICE,
    ENTRY_START,
    NEWEST_MS,
    PARTITION_CELLS,
    PARTITION_COUNT,
    PARTITION_ENTRIES,
    PARTITION_HEADS,
    STAGED,
)
from sekisho.windows.limits import PARTITIONS
from sekisho.windows.pools import hash_of

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers

_TCP_FLAGS, _FRAGMENT, _FORWARDING = cell("tcp_flags"), cell("fragment"), cell("forwarding_status")
_PACKETS, _OCTETS, _SAMPLING, _BOUNDARY = cell("packets"), cell("octets"), cell("sampling_interval"), cell("boundary")
_EXPORTER = cell("exporter")

FRAGMENT, DROPPED, INFERRED = 1 << 16, 1 << 17, 1 << 18
"""Above the TCP flags in BITS: a fragment other than the first, dropped at the exporter, the line is inferred."""

_PARTITION_SHIFT = np.uint64(64 - (PARTITIONS - 1).bit_length())


@inlined
def partition_of(memory: Cells, line: int) -> int:
    """The head of the partition that a line belongs to."""
    number = np.int64(hash_of(memory, line, 0, 0) >> _PARTITION_SHIFT)
    return int(PARTITION_HEADS + number * PARTITION_CELLS)


@inlined
def first_entry(memory: Cells, partition: int) -> int:
    """Place of the first entry of a partition."""
    number = (partition - PARTITION_HEADS) // PARTITION_CELLS
    return int(memory[ENTRIES_AT] + number * memory[PARTITION_ENTRIES] * ENTRY_CELLS)


@inlined
def new_entry(
    memory: Cells, partition: int, line: int, side: int, hi: int, lo: int, service: int, inferred: int
) -> int:
    """Begin an entry; the partition is not full."""
    entry = first_entry(memory, partition) + memory[partition + PARTITION_COUNT] * ENTRY_CELLS
    # The place of the next one: a store that finds nothing in the cache holds up those behind it.
    prefetch(memory, entry + ENTRY_CELLS)
    prefetch(memory, entry + ENTRY_CELLS + LINE_CELLS)
    memory[partition + PARTITION_COUNT] += 1
    memory[STAGED] += 1
    memory[entry + ENTRY_LINE], memory[entry + ENTRY_PLACE] = line, side
    memory[entry + ENTRY_HI], memory[entry + ENTRY_LO] = hi, lo
    memory[entry + ENTRY_SERVICE] = service
    memory[entry + ENTRY_BITS] = INFERRED if inferred == 1 else 0
    return int(entry)


@inlined
def fill_entry(
    memory: Cells,
    sums: Numbers,
    entry: int,
    cells: Cells,
    numbers: Numbers,
    i: int,
    start: int,
    end: int,
    open_from: int,
) -> None:
    """Take over what is the same for both sides of a flow."""
    memory[entry + ENTRY_PLACE] += cells[_BOUNDARY, i] * 2
    memory[entry + ENTRY_BITS] |= _bits_of(cells, i)
    memory[entry + ENTRY_PACKETS], memory[entry + ENTRY_OCTETS] = cells[_PACKETS, i], cells[_OCTETS, i]
    sums[entry + ENTRY_SAMPLING] = numbers[_SAMPLING, i]
    memory[entry + ENTRY_START], memory[entry + ENTRY_END] = start, end
    memory[entry + ENTRY_OPEN_FROM], memory[entry + ENTRY_CLOCK] = open_from, memory[NEWEST_MS]
    memory[entry + ENTRY_EXPORTER] = cells[_EXPORTER, i]


@inlined
def _bits_of(cells: Cells, i: int) -> int:
    bits = cells[_TCP_FLAGS, i] & 0xFFFF
    if cells[_FRAGMENT, i] == 1:
        bits |= FRAGMENT
    if 128 <= cells[_FORWARDING, i] <= 191:
        bits |= DROPPED
    return int(bits)
