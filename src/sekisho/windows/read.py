"""Kernels that pick the rows of some lines, each line at its primary boundary, without a scan of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.arena import (
    GROUP_FIRST,
    GROUP_PAIRS,
    GROUP_REST,
    MEMORY,
    NEWEST_MS,
    OLDEST_BLOCK,
    OLDEST_WINDOW,
    OUT,
    PAIR_NEXT,
    RING,
    SERIES_BITS,
    SERIES_NEXT,
    SERIES_OCTETS,
    SERIES_PLACE,
    SUMS,
)
from sekisho.windows.pair_rows import find_group
from sekisho.windows.series import first_series
from sekisho.windows.window_rows import find_window

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers


@kernel
def primary(memory: Cells, sums: Numbers, line: int, side: int) -> int:
    """The series of a line's side with the most octets so far, the smaller boundary among equals; 0 without any."""
    best = 0
    series = first_series(memory, line)
    while series != 0:
        if memory[series + SERIES_PLACE] % 2 == side and (best == 0 or _outweighs(memory, sums, series, best)):
            best = series
        series = memory[series + SERIES_NEXT]
    return best


@kernel
def _outweighs(memory: Cells, sums: Numbers, series: int, other: int) -> bool:
    octets, most = sums[series + SERIES_OCTETS], sums[other + SERIES_OCTETS]
    return bool(octets > most or (octets == most and memory[series + SERIES_PLACE] < memory[other + SERIES_PLACE]))


@kernel
def select_windows(memory: Cells, sums: Numbers, lines: Cells, since_ms: int, rows: Cells) -> int:
    """Rows of line_window that reach beyond a time, in order of the given lines, side and window.

    Fills ``rows``, which is as long as rows are in use, with their places and answers how many there are.
    """
    count = 0
    first = max(since_ms // WINDOW_MS, memory[OLDEST_WINDOW])
    last = memory[NEWEST_MS] // WINDOW_MS
    for line in lines:
        for side in range(2):
            series = primary(memory, sums, line, side)
            if series == 0:
                continue
            for window in range(first, last + 1):
                if memory[series + SERIES_BITS + (window % RING) // 64] >> (window % 64) & 1:
                    rows[count] = find_window(memory, series, window)
                    count += 1
    return count


@kernel
def select_pairs(memory: Cells, sums: Numbers, lines: Cells, since_ms: int, rows: Cells) -> int:
    """Rows of line_target that reach beyond a time, in order of the given lines, block and first record."""
    count = 0
    first = max(since_ms // BLOCK_MS, memory[OLDEST_BLOCK])
    last = memory[NEWEST_MS] // BLOCK_MS
    for line in lines:
        series = primary(memory, sums, line, OUT)
        if series == 0:
            continue
        for block in range(first, last + 1):
            group = find_group(memory, series, block)
            if group != 0:
                count = _select_group(memory, group, rows, count)
    return count


@kernel
def _select_group(memory: Cells, group: int, rows: Cells, count: int) -> int:
    # The chain begins with the pair that came last, so the rows are written from behind.
    end = count + memory[group + GROUP_PAIRS] + (memory[group + GROUP_REST] != 0)
    at, row = end, memory[group + GROUP_FIRST]
    while row != 0:
        at -= 1
        rows[at] = row
        row = memory[row + PAIR_NEXT]
    return int(end)


@kernel
def gather(memory: Cells, places: Cells, offsets: Cells, cells: Cells) -> None:
    """Copy the cells at (columns,) ``offsets`` of the rows at (n,) ``places`` into (columns, n) ``cells``."""
    for k in range(len(places)):
        for column in range(len(offsets)):
            cells[column, k] = memory[places[k] + offsets[column]]


KERNELS = (
    (gather, (MEMORY, numba.int64[::1], numba.int64[::1], numba.int64[:, ::1])),
    (primary, (MEMORY, SUMS, numba.int64, numba.int64)),
    (select_windows, (MEMORY, SUMS, numba.int64[::1], numba.int64, numba.int64[::1])),
    (select_pairs, (MEMORY, SUMS, numba.int64[::1], numba.int64, numba.int64[::1])),
)
