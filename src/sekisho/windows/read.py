"""Kernels that pick the rows of some lines, each line at its primary boundary, without a scan of the tables.

What is read at a tick has left the cache. So nothing is followed alone: lines are looked up in small groups that ask
for memory ahead (``ahead.py``), and the chains of many groups of pairs are walked side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.ahead import ask_for_row, prefetch
from sekisho.windows.arena import (
    GROUP_FIRST,
    GROUP_PAIRS,
    GROUP_REST,
    INDEX,
    MEMORY,
    NEWEST_MS,
    OLDEST_BLOCK,
    OLDEST_WINDOW,
    OUT,
    PAIR_NEXT,
    PAIR_SERVICE,
    RECENT_WINDOWS,
    RING,
    SERIES,
    SERIES_BITS,
    SERIES_GROUP,
    SERIES_NEXT,
    SERIES_OCTETS,
    SERIES_PLACE,
    SERIES_RECENT,
    SUMS,
)
from sekisho.windows.conditions import LARGE, MASK, SMALL, VALUE
from sekisho.windows.pair_rows import find_group
from sekisho.windows.pools import home_of
from sekisho.windows.series import first_series, series_tag
from sekisho.windows.window_rows import find_window

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers

TOGETHER = 16
"""Lines looked up, or chains walked, side by side: what they ask for fits a first-level cache."""

SERIES_READ = 24
"""Cells of a series that a read touches."""

LANE_CELLS = 3
_ROW, _AT, _CHAIN = range(LANE_CELLS)


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


@inlined
def _ask_for_lines(memory: Cells, lines: Cells, first: int, last: int) -> None:
    for k in range(first, last):
        prefetch(memory, memory[SERIES + INDEX] + home_of(memory, SERIES, series_tag(memory, lines[k])))
    for k in range(first, last):
        ask_for_row(memory, SERIES, series_tag(memory, lines[k]), SERIES_READ)


@kernel
def select_windows(
    memory: Cells, sums: Numbers, lines: Cells, sides: int, since_ms: int, owners: Cells, counts: Cells, rows: Cells
) -> int:
    """Rows of line_window that reach beyond a time, in order of the given lines, side and window.

    Fills ``rows`` with their places, and for both sides of each line ``owners`` with the series and ``counts`` with how
    many rows it has; answers how many rows there are. Of sides from ``sides`` on the rows are only counted.
    """
    count = 0
    first = max(since_ms // WINDOW_MS, memory[OLDEST_WINDOW])
    last = memory[NEWEST_MS] // WINDOW_MS
    for begin in range(0, len(lines), TOGETHER):
        end = min(begin + TOGETHER, len(lines))
        _ask_for_lines(memory, lines, begin, end)
        for k in range(2 * begin, 2 * end):
            owners[k] = primary(memory, sums, lines[k // 2], k % 2)
            if k % 2 < sides:
                _ask_for_recent(memory, owners[k])
        for k in range(2 * begin, 2 * end):
            counts[k] = 0
            for window in range(first, last + 1):
                if memory[owners[k] + SERIES_BITS + (window % RING) // 64] >> (window % 64) & 1 and owners[k] != 0:
                    counts[k] += 1
                    if k % 2 < sides:
                        rows[count] = find_window(memory, owners[k], window)
                        count += 1
    return count


@inlined
def _ask_for_recent(memory: Cells, series: int) -> None:
    for recent in range(series + SERIES_RECENT, series + SERIES_RECENT + RECENT_WINDOWS):
        prefetch(memory, memory[recent])


@kernel
def select_groups(memory: Cells, sums: Numbers, lines: Cells, since_ms: int, groups: Cells, ends: Cells) -> int:
    """Groups whose block reaches beyond a time, in order of the given lines and block; answers how many.

    Fills ``groups``, which is as long as groups are in use, and ``ends``: how many rows there are up to each.
    """
    count, end = 0, 0
    first = max(since_ms // BLOCK_MS, memory[OLDEST_BLOCK])
    last = memory[NEWEST_MS] // BLOCK_MS
    for begin in range(0, len(lines), TOGETHER):
        until = min(begin + TOGETHER, len(lines))
        _ask_for_lines(memory, lines, begin, until)
        for k in range(begin, until):
            prefetch(memory, memory[primary(memory, sums, lines[k], OUT) + SERIES_GROUP])
        for k in range(begin, until):
            series = primary(memory, sums, lines[k], OUT)
            for block in range(first, last + 1 if series != 0 else first):
                group = find_group(memory, series, block)
                if group != 0:
                    end += memory[group + GROUP_PAIRS] + (memory[group + GROUP_REST] != 0)
                    groups[count], ends[count] = group, end
                    count += 1
    return count


@kernel
def select_pairs(
    memory: Cells,
    sums: Numbers,
    groups: Cells,
    ends: Cells,
    conditions: Cells,
    factors: Numbers,
    lanes: Cells,
    rows: Cells,
    counts: Cells,
) -> int:
    """Rows of the groups that a condition lets through, in order of the groups and first record.

    Fills ``rows``, which is as long as the last of ``ends`` says, with their places, and ``counts`` with how many each
    group has; answers how many there are. ``lanes`` is room for ``TOGETHER`` chains.
    """
    opened, walked = 0, 0
    while opened < min(TOGETHER, len(groups)):
        _open(memory, groups, ends, lanes, opened, opened)
        opened += 1
    walked = opened
    while opened > 0:
        lane = 0
        while lane < opened:
            at = lane * LANE_CELLS
            row = lanes[at + _ROW]
            if row != 0:
                # The chain begins with the pair that came last, so the rows are written from behind.
                place = lanes[at + _AT] - 1
                rows[place] = row
                lanes[at + _AT] = place + (not _lets_through(memory, sums, conditions, factors, row))
                lanes[at + _ROW] = memory[row + PAIR_NEXT]
                _ask_for_pair(memory, lanes[at + _ROW], conditions)
                lane += 1
                continue
            counts[lanes[at + _CHAIN]] = ends[lanes[at + _CHAIN]] - lanes[at + _AT]
            if walked < len(groups):
                _open(memory, groups, ends, lanes, lane, walked)
                walked += 1
            else:
                opened -= 1
                for cell in range(LANE_CELLS):
                    lanes[at + cell] = lanes[opened * LANE_CELLS + cell]
    return int(_close_up(ends, counts, rows))


@inlined
def _open(memory: Cells, groups: Cells, ends: Cells, lanes: Cells, lane: int, chain: int) -> None:
    at = lane * LANE_CELLS
    lanes[at + _ROW] = memory[groups[chain] + GROUP_FIRST]
    lanes[at + _AT], lanes[at + _CHAIN] = ends[chain], chain


@inlined
def _ask_for_pair(memory: Cells, row: int, conditions: Cells) -> None:
    prefetch(memory, row)
    for k in range(conditions.shape[1]):
        prefetch(memory, row + conditions[SMALL, k])


@inlined
def _lets_through(memory: Cells, sums: Numbers, conditions: Cells, factors: Numbers, row: int) -> bool:
    if len(factors) == 0:
        return True
    service = memory[row + PAIR_SERVICE]
    for k in range(len(factors)):
        if service & conditions[MASK, k] == conditions[VALUE, k] and (
            sums[row + conditions[SMALL, k]] * factors[k] <= sums[row + conditions[LARGE, k]]
        ):
            return True
    return False


@inlined
def _close_up(ends: Cells, counts: Cells, rows: Cells) -> int:
    """Move the rows of each group up to those of the one before it."""
    count = 0
    for chain in range(len(ends)):
        for place in range(ends[chain] - counts[chain], ends[chain]):
            rows[count] = rows[place]
            count += 1
    return count


@kernel
def gather(memory: Cells, places: Cells, offsets: Cells, lines: Cells, cells: Cells) -> None:
    """Copy the cells at (columns,) ``offsets`` of the rows at (n,) ``places`` into (columns, n) ``cells``.

    ``lines`` are the offsets of the cache lines that they lie in.
    """
    for k in range(len(places)):
        ahead = places[min(k + TOGETHER, len(places) - 1)]
        for line in lines:
            prefetch(memory, ahead + line)
        for column in range(len(offsets)):
            cells[column, k] = memory[places[k] + offsets[column]]


_CELLS, _TABLE, _WORD = numba.int64[::1], numba.int64[:, ::1], numba.int64

KERNELS = (
    (gather, (MEMORY, _CELLS, _CELLS, _CELLS, _TABLE)),
    (primary, (MEMORY, SUMS, _WORD, _WORD)),
    (select_windows, (MEMORY, SUMS, _CELLS, _WORD, _WORD, _CELLS, _CELLS, _CELLS)),
    (select_groups, (MEMORY, SUMS, _CELLS, _WORD, _CELLS, _CELLS)),
    (select_pairs, (MEMORY, SUMS, _CELLS, _CELLS, _TABLE, SUMS, _CELLS, _CELLS, _CELLS)),
)
