"""Memory asked for ahead of its use.

A load that the next one waits for takes 100 ns where it finds nothing in the cache; many that do not wait for each
other take 7 ns each. So entries are folded in small groups: their slots are asked for first, then the rows that these
name, and then each entry finds both in the cache. These are hints only; nothing depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.arena import (
    ENTRY_CELLS,
    ENTRY_END,
    ENTRY_HI,
    ENTRY_LINE,
    ENTRY_LO,
    ENTRY_PAIR_TAG,
    ENTRY_PLACE,
    ENTRY_SERVICE,
    INDEX,
    MASK,
    PAIR_CELLS,
    PAIRS,
    RECENT_WINDOWS,
    SERIES,
    SERIES_RECENT,
    WINDOW_CELLS,
)
from sekisho.windows.pair_rows import find_group, pair_tag
from sekisho.windows.pools import ROW, home_of
from sekisho.windows.series import find_series, series_tag

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells

GROUP = 16
"""Entries a group: what they ask for fits a first-level cache."""

LINE_CELLS = 8
SERIES_AHEAD = 16
"""Cells of a series that every flow touches."""


@intrinsic
def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    """Ask for the cache line of a cell; does not wait, and reads nothing where the place is wrong."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        insert: Any = cgutils.get_or_insert_function
        function = insert(builder.module, kind, "llvm.prefetch.p0")
        for_writing, keep_near, data_cache = word(1), word(3), word(1)
        builder.call(function, [address, for_writing, keep_near, data_cache])
        return context.get_dummy_value()

    return types.void(array, place), emit


prefetch: Any = _prefetch
"""Numba hands the intrinsic its typing context itself: it is called with the array and the place."""


@kernel
def look_ahead(memory: Cells, first: int, last: int) -> None:
    """Ask for what the entries from ``first`` to ``last`` (exclusive) will want: slots and rows, series by series."""
    for entry in range(first, last, ENTRY_CELLS):
        prefetch(
            memory, memory[SERIES + INDEX] + home_of(memory, SERIES, series_tag(memory, memory[entry + ENTRY_LINE]))
        )
    for entry in range(first, last, ENTRY_CELLS):
        ask_for_row(memory, SERIES, series_tag(memory, memory[entry + ENTRY_LINE]), SERIES_AHEAD)
    for entry in range(first, last, ENTRY_CELLS):
        _ask_for_window(memory, entry)
        memory[entry + ENTRY_PAIR_TAG] = _ask_for_pair(memory, entry)
    for entry in range(first, last, ENTRY_CELLS):
        ask_for_row(memory, PAIRS, memory[entry + ENTRY_PAIR_TAG], PAIR_CELLS)


@inlined
def ask_for_row(memory: Cells, pool: int, tag: int, count: int) -> None:
    """Ask for ``count`` cells of the row that a tag names; its slot has been asked for."""
    index, mask, at = memory[pool + INDEX], memory[pool + MASK], home_of(memory, pool, tag)
    while memory[index + at] != 0 and memory[index + at] >> 32 != tag:
        at = (at + 1) & mask
    row = memory[index + at] & ROW
    for place in range(row, row + count, LINE_CELLS):
        prefetch(memory, place)


@inlined
def _ask_for_window(memory: Cells, entry: int) -> None:
    series = find_series(memory, memory[entry + ENTRY_LINE], memory[entry + ENTRY_PLACE])
    row = memory[series + SERIES_RECENT + memory[entry + ENTRY_END] // WINDOW_MS % RECENT_WINDOWS]
    if series != 0 and row != 0:
        for place in range(row, row + WINDOW_CELLS, LINE_CELLS):
            prefetch(memory, place)


@inlined
def _ask_for_pair(memory: Cells, entry: int) -> int:
    """Ask for the slot of a target; answers its tag."""
    series = find_series(memory, memory[entry + ENTRY_LINE], memory[entry + ENTRY_PLACE] & -2)
    group = find_group(memory, series, memory[entry + ENTRY_END] // BLOCK_MS) if series != 0 else 0
    if group == 0:
        return 0
    tag = pair_tag(memory, group, memory[entry + ENTRY_HI], memory[entry + ENTRY_LO], memory[entry + ENTRY_SERVICE])
    prefetch(memory, memory[PAIRS + INDEX] + home_of(memory, PAIRS, tag))
    return int(tag)
