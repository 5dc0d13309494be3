"""Rows of line_window: found, made, and let go window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.windows.arena import (
    EARLY_WINDOWS,
    INDEX,
    MASK,
    OLDEST_WINDOW,
    RECENT_WINDOWS,
    RING,
    SERIES_BITS,
    SERIES_RECENT,
    SERIES_ROWS,
    WINDOW_HEADS,
    WINDOW_NEXT,
    WINDOW_NUMBER,
    WINDOW_SERIES,
    WINDOWS,
)
from sekisho.windows.pools import ROW, enter, give, hash_of, home_of, remove, tag_of, take

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells


@inlined
def window_tag(memory: Cells, series: int, window: int) -> int:
    """The index tag of a series and window."""
    return int(tag_of(hash_of(memory, series, window, 0)))


@inlined
def find_window(memory: Cells, series: int, window: int) -> int:
    """The row of a series and window, 0 where there is none."""
    row = memory[series + SERIES_RECENT + window % RECENT_WINDOWS]
    if row != 0 and memory[row + WINDOW_NUMBER] == window:
        return int(row)
    tag = window_tag(memory, series, window)
    index, mask = memory[WINDOWS + INDEX], memory[WINDOWS + MASK]
    at = home_of(memory, WINDOWS, tag)
    while memory[index + at] != 0:
        slot = memory[index + at]
        row = slot & ROW
        if slot >> 32 == tag and memory[row + WINDOW_NUMBER] == window and memory[row + WINDOW_SERIES] == series:
            memory[series + SERIES_RECENT + window % RECENT_WINDOWS] = row
            return int(row)
        at = (at + 1) & mask
    return 0


@inlined
def window_row(memory: Cells, series: int, window: int) -> int:
    """The row of a series and window, made where it is new; 0 where only younger windows could make room."""
    row = find_window(memory, series, window)
    return int(row if row != 0 else _new_window(memory, series, window))


@kernel
def _new_window(memory: Cells, series: int, window: int) -> int:
    row = take(memory, WINDOWS)
    while row == 0 and memory[OLDEST_WINDOW] < window:
        memory[EARLY_WINDOWS] += let_go_window(memory, memory[OLDEST_WINDOW])
        memory[OLDEST_WINDOW] += 1
        row = take(memory, WINDOWS)
    if row == 0:
        return 0
    memory[row + WINDOW_SERIES] = series
    memory[row + WINDOW_NUMBER] = window
    memory[row + WINDOW_NEXT] = memory[WINDOW_HEADS + window % RING]
    memory[WINDOW_HEADS + window % RING] = row
    memory[series + SERIES_BITS + (window % RING) // 64] |= 1 << (window % 64)
    memory[series + SERIES_RECENT + window % RECENT_WINDOWS] = row
    memory[series + SERIES_ROWS] += 1
    enter(memory, WINDOWS, window_tag(memory, series, window), row)
    return int(row)


@kernel
def let_go_window(memory: Cells, window: int) -> int:
    """Return every row of a window; answers how many."""
    count = 0
    row = memory[WINDOW_HEADS + window % RING]
    memory[WINDOW_HEADS + window % RING] = 0
    while row != 0:
        following = memory[row + WINDOW_NEXT]
        series = memory[row + WINDOW_SERIES]
        remove(memory, WINDOWS, window_tag(memory, series, window), row)
        memory[series + SERIES_BITS + (window % RING) // 64] &= ~(1 << (window % 64))
        memory[series + SERIES_ROWS] -= 1
        if memory[series + SERIES_RECENT + window % RECENT_WINDOWS] == row:
            memory[series + SERIES_RECENT + window % RECENT_WINDOWS] = 0
        give(memory, WINDOWS, row)
        count += 1
        row = following
    return count
