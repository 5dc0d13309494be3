"""Memory asked for ahead of its use.

Rows are found at random in tens of megabytes. A load that the next one waits for takes 100 ns there; many that do not
wait for each other take 7 ns each. So records are folded in small groups: their slots are asked for first, then the
rows that these name, and then each record finds both in the cache. These are hints only; nothing depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.batch import cell
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.arena import (
    AHEAD,
    IN,
    INDEX,
    MASK,
    OUT,
    PAIRS,
    SERIES,
    TAGS_AHEAD,
    WINDOWS,
)
from sekisho.windows.pair_rows import find_group, pair_tag, service_of
from sekisho.windows.pools import ROW, home_of
from sekisho.windows.series import find_series, series_tag
from sekisho.windows.window_rows import window_tag

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells

GROUP = 16
"""Records a group: what they ask for fits a first-level cache beside the batch's columns."""

LINE_CELLS = 8

_RECEIVED_AT, _END, _BOUNDARY = cell("received_at"), cell("flow_end"), cell("boundary")
_SRC_HI, _SRC_LO, _DST_HI, _DST_LO = cell("src_hi"), cell("src_lo"), cell("dst_hi"), cell("dst_lo")
_SRC_PORT, _DST_PORT, _PROTOCOL = cell("src_port"), cell("dst_port"), cell("protocol")
_SRC_LINE, _DST_LINE = cell("src_line"), cell("dst_line")


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
def look_ahead(memory: Cells, cells: Cells, first: int, last: int) -> None:
    """Ask for what the records from ``first`` to ``last`` (exclusive) will want: slots and rows, series by series."""
    for i in range(first, last):
        _ask_for_slot(memory, SERIES, series_tag(memory, cells[_SRC_LINE, i]))
        _ask_for_slot(memory, SERIES, series_tag(memory, cells[_DST_LINE, i]))
    for i in range(first, last):
        _ask_for_row(memory, SERIES, series_tag(memory, cells[_SRC_LINE, i]))
        _ask_for_row(memory, SERIES, series_tag(memory, cells[_DST_LINE, i]))
    count = 0
    for i in range(first, last):
        if cells[_BOUNDARY, i] >= 0:
            count = _ask_for_slots(memory, cells, i, count)
    for k in range(count):
        _ask_for_row(memory, memory[TAGS_AHEAD + 2 * k], memory[TAGS_AHEAD + 2 * k + 1])


@inlined
def _ask_for_slot(memory: Cells, pool: int, tag: int) -> None:
    prefetch(memory, memory[pool + INDEX] + home_of(memory, pool, tag))


@inlined
def _ask_for_row(memory: Cells, pool: int, tag: int) -> None:
    index, mask, at = memory[pool + INDEX], memory[pool + MASK], home_of(memory, pool, tag)
    while memory[index + at] != 0 and memory[index + at] >> 32 != tag:
        at = (at + 1) & mask
    row = memory[index + at] & ROW
    for place in range(row, row + memory[pool + AHEAD], LINE_CELLS):
        prefetch(memory, place)


@inlined
def _ask_for_slots(memory: Cells, cells: Cells, i: int, count: int) -> int:
    line, place = cells[_SRC_LINE, i], cells[_BOUNDARY, i] * 2
    end = min(cells[_END, i], cells[_RECEIVED_AT, i])
    if line != 0:
        series = find_series(memory, line, place + OUT)
        service = service_of(cells[_DST_PORT, i], cells[_PROTOCOL, i])
        count = _ask_for_window(memory, series, end, count)
        count = _ask_for_pair(memory, series, end, cells[_DST_HI, i], cells[_DST_LO, i], service, count)
    line = cells[_DST_LINE, i]
    if line != 0:
        service = service_of(cells[_SRC_PORT, i], cells[_PROTOCOL, i])
        count = _ask_for_window(memory, find_series(memory, line, place + IN), end, count)
        series = find_series(memory, line, place + OUT)
        count = _ask_for_pair(memory, series, end, cells[_SRC_HI, i], cells[_SRC_LO, i], service, count)
    return count


@inlined
def _ask_for_window(memory: Cells, series: int, end: int, count: int) -> int:
    if series == 0:
        return count
    return int(_ask_for(memory, WINDOWS, window_tag(memory, series, end // WINDOW_MS), count))


@inlined
def _ask_for_pair(memory: Cells, series: int, end: int, hi: int, lo: int, service: int, count: int) -> int:
    group = find_group(memory, series, end // BLOCK_MS) if series != 0 else 0
    if group == 0:
        return count
    return int(_ask_for(memory, PAIRS, pair_tag(memory, group, hi, lo, service), count))


@inlined
def _ask_for(memory: Cells, pool: int, tag: int, count: int) -> int:
    _ask_for_slot(memory, pool, tag)
    memory[TAGS_AHEAD + 2 * count], memory[TAGS_AHEAD + 2 * count + 1] = pool, tag
    return count + 1
