"""Series: one side of a line at one boundary, with its totals and the windows that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.windows.arena import (
    END,
    FIRST,
    FRESH,
    INDEX,
    LIVE,
    MASK,
    MEMORY,
    NO_SERIES,
    SERIES,
    SERIES_CELLS,
    SERIES_LINE,
    SERIES_NEXT,
    SERIES_PLACE,
    SERIES_ROWS,
    SERIES_TOUCHED,
    TOUCHED,
    TOUCHED_AT,
)
from sekisho.windows.pools import ROW, enter, give, hash_of, home_of, remove, tag_of, take

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells


@inlined
def series_tag(memory: Cells, line: int) -> int:
    """The index tag of a line: its first series stands for all."""
    return int(tag_of(hash_of(memory, line, 0, 0)))


@inlined
def first_series(memory: Cells, line: int) -> int:
    """The first series of a line, 0 where it has none; the others hang on it by NEXT."""
    tag = series_tag(memory, line)
    index, mask = memory[SERIES + INDEX], memory[SERIES + MASK]
    at = home_of(memory, SERIES, tag)
    while memory[index + at] != 0:
        slot = memory[index + at]
        row = slot & ROW
        if slot >> 32 == tag and memory[row + SERIES_LINE] == line:
            return int(row)
        at = (at + 1) & mask
    return 0


@inlined
def find_series(memory: Cells, line: int, place: int) -> int:
    """The series of a line at a place, 0 where there is none."""
    series = first_series(memory, line)
    while series != 0 and memory[series + SERIES_PLACE] != place:
        series = memory[series + SERIES_NEXT]
    return int(series)


@inlined
def series_of(memory: Cells, line: int, place: int) -> int:
    """The series of a line at a place, made where it is new; 0 where there is no room."""
    series = find_series(memory, line, place)
    return int(series if series != 0 else _new_series(memory, line, place))


@kernel
def _new_series(memory: Cells, line: int, place: int) -> int:
    first = first_series(memory, line)
    series = take(memory, SERIES)
    if series == 0:
        memory[NO_SERIES] += 1
        return 0
    memory[series + SERIES_LINE] = line
    memory[series + SERIES_PLACE] = place
    if first == 0:
        enter(memory, SERIES, series_tag(memory, line), series)
    else:
        memory[series + SERIES_NEXT] = memory[first + SERIES_NEXT]
        memory[first + SERIES_NEXT] = series
    return int(series)


@kernel
def let_go_idle_series(memory: Cells) -> None:
    """Return every series that has no row any more; its totals begin anew if its line comes back."""
    for series in range(memory[SERIES + FIRST], memory[SERIES + FRESH], SERIES_CELLS):
        if memory[series + SERIES_LINE] != 0 and memory[series + SERIES_ROWS] == 0:
            _let_go_series(memory, series)


@kernel
def _let_go_series(memory: Cells, series: int) -> None:
    line = memory[series + SERIES_LINE]
    first = first_series(memory, line)
    following = memory[series + SERIES_NEXT]
    if first == series:
        remove(memory, SERIES, series_tag(memory, line), series)
        if following != 0:
            enter(memory, SERIES, series_tag(memory, line), following)
    else:
        while memory[first + SERIES_NEXT] != series:
            first = memory[first + SERIES_NEXT]
        memory[first + SERIES_NEXT] = following
    memory[series + SERIES_LINE] = 0
    give(memory, SERIES, series)


@inlined
def touch(memory: Cells, series: int, window: int) -> None:
    """Note the earliest window of a series that changed since the tick."""
    before = memory[series + SERIES_TOUCHED]
    if before == 0:
        memory[memory[TOUCHED_AT] + memory[TOUCHED]] = series
        memory[TOUCHED] += 1
    if before == 0 or window < before - 1:
        memory[series + SERIES_TOUCHED] = window + 1


@kernel
def forget_touched(memory: Cells) -> None:
    """Begin a new tick; where series become many, let those go that have no row any more."""
    for k in range(memory[TOUCHED]):
        memory[memory[memory[TOUCHED_AT] + k] + SERIES_TOUCHED] = 0
    memory[TOUCHED] = 0
    if memory[SERIES + LIVE] * SERIES_CELLS * 4 > (memory[SERIES + END] - memory[SERIES + FIRST]) * 3:
        let_go_idle_series(memory)


KERNELS = (
    (first_series, (MEMORY, numba.int64)),
    (forget_touched, (MEMORY,)),
)
