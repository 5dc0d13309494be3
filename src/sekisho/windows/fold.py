"""The kernel that folds flows into line_window and line_target, equal to the SQL in ``windows/sql.py``.

A flow is spread evenly over its duration. What the exporter says is bounded by what is known: no packet was seen after
its record arrived, and none earlier than the active timeout before the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.batch import cell
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.ahead import GROUP, look_ahead
from sekisho.windows.answers import RESET, SYN_ACK, answer, credit_waiting, settle
from sekisho.windows.arena import (
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
    ENTRY_SERVICE,
    ENTRY_START,
    IN,
    LATE,
    LATE_OCTETS,
    LATE_PACKETS,
    LATE_RECORDS,
    MEMORY,
    NEWEST_MS,
    NO_PAIR_ROW,
    NO_WINDOW_ROW,
    OLDEST_BLOCK,
    OLDEST_WINDOW,
    OUT,
    PAIR_CONNECTIONS,
    PAIR_FIRST_MS,
    PAIR_FRAGMENTS,
    PAIR_LAST_MS,
    PAIR_OCTETS,
    PAIR_PACKETS,
    PAIR_RECORDS,
    PAIR_RESETS,
    PAIR_SAMPLED,
    PAIR_SYN,
    PAIR_SYN_SAMPLED,
    PARTITION_CELLS,
    PARTITION_COUNT,
    PARTITION_ENTRIES,
    PARTITION_HEADS,
    SERIES_EXPORTER,
    SERIES_OCTETS,
    SERIES_PACKETS,
    SERIES_RECORDS,
    STAGED,
    SUMS,
)
from sekisho.windows.entries import FRAGMENT, fill_entry, first_entry, new_entry, partition_of
from sekisho.windows.features import add_features, connections_of, interval_of, is_reset, is_syn_ack, is_syn_alone
from sekisho.windows.limits import KEPT_BLOCKS, KEPT_WINDOWS, PARTITIONS
from sekisho.windows.pair_rows import group_of, let_go_block, pair_row
from sekisho.windows.series import series_of, touch
from sekisho.windows.services import TCP, protocol_of, service_of
from sekisho.windows.spread import first_open, last_reached, late_part, share_inside
from sekisho.windows.window_rows import let_go_window, window_row

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers

_RECEIVED_AT, _START, _END, _EXPORTER = cell("received_at"), cell("flow_start"), cell("flow_end"), cell("exporter")
_SRC_HI, _SRC_LO, _DST_HI, _DST_LO = cell("src_hi"), cell("src_lo"), cell("dst_hi"), cell("dst_lo")
_SRC_PORT, _DST_PORT = cell("src_port"), cell("dst_port")
_SRC_LINE, _DST_LINE, _BOUNDARY = cell("src_line"), cell("dst_line"), cell("boundary")
_SRC_INFERRED, _DST_INFERRED = cell("src_inferred"), cell("dst_inferred")


@kernel
def fold(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, length: int, active_cap_ms: Cells, lateness_ms: Cells
) -> None:
    """Put the rows of a batch aside in their order, and fold every partition that is full.

    ``memory`` and ``sums`` are the arena's cells as int64 and as float64, ``cells`` and ``numbers`` the batch's;
    ``length`` rows are in use. ``active_cap_ms`` and ``lateness_ms`` stand by exporter code, milliseconds.
    """
    for i in range(length):
        if cells[_BOUNDARY, i] < 0 or (cells[_SRC_LINE, i] == 0 and cells[_DST_LINE, i] == 0):
            continue
        received, exporter = cells[_RECEIVED_AT, i], cells[_EXPORTER, i]
        if received > memory[NEWEST_MS]:
            _advance(memory, sums, received)
        end = min(cells[_END, i], received)
        start = min(max(cells[_START, i], end - active_cap_ms[exporter]), end)
        _put_aside(memory, sums, cells, numbers, i, start, end, received - lateness_ms[exporter])


@inlined
def _put_aside(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, i: int, start: int, end: int, open_from: int
) -> None:
    memory[LATE] += start < first_open(start, open_from, memory[OLDEST_WINDOW], WINDOW_MS) * WINDOW_MS
    line = cells[_SRC_LINE, i]
    if line != 0:
        partition = _with_room(memory, sums, line)
        service = service_of(cells, i, cells[_SRC_PORT, i], cells[_DST_PORT, i])
        hi, lo, inferred = cells[_DST_HI, i], cells[_DST_LO, i], cells[_SRC_INFERRED, i]
        entry = new_entry(memory, partition, line, OUT, hi, lo, service, inferred)
        fill_entry(memory, sums, entry, cells, numbers, i, start, end, open_from)
    line = cells[_DST_LINE, i]
    if line != 0:
        partition = _with_room(memory, sums, line)
        service = service_of(cells, i, cells[_DST_PORT, i], cells[_SRC_PORT, i])
        hi, lo, inferred = cells[_SRC_HI, i], cells[_SRC_LO, i], cells[_DST_INFERRED, i]
        entry = new_entry(memory, partition, line, IN, hi, lo, service, inferred)
        fill_entry(memory, sums, entry, cells, numbers, i, start, end, open_from)


@inlined
def _with_room(memory: Cells, sums: Numbers, line: int) -> int:
    """The partition of a line, folded if it was full."""
    partition = partition_of(memory, line)
    if memory[partition + PARTITION_COUNT] == memory[PARTITION_ENTRIES]:
        _fold_partition(memory, sums, partition)
    return int(partition)


@kernel
def fold_staged(memory: Cells, sums: Numbers) -> None:
    """Fold everything that was put aside."""
    if memory[STAGED] == 0:
        return
    for number in range(PARTITIONS):
        _fold_partition(memory, sums, PARTITION_HEADS + number * PARTITION_CELLS)


@kernel
def _fold_partition(memory: Cells, sums: Numbers, partition: int) -> None:
    first, count = first_entry(memory, partition), memory[partition + PARTITION_COUNT]
    end = first + count * ENTRY_CELLS
    for group in range(first, end, GROUP * ENTRY_CELLS):
        group_end = min(group + GROUP * ENTRY_CELLS, end)
        look_ahead(memory, group, group_end)
        for entry in range(group, group_end, ENTRY_CELLS):
            _fold_entry(memory, sums, partition, entry)
    memory[partition + PARTITION_COUNT] = 0
    memory[STAGED] -= count


@inlined
def _fold_entry(memory: Cells, sums: Numbers, partition: int, entry: int) -> None:
    settle(memory, sums, partition, memory[entry + ENTRY_CLOCK])
    if memory[entry + ENTRY_PLACE] % 2 == IN:
        _fold_answers(memory, sums, partition, entry)
    series = series_of(memory, memory[entry + ENTRY_LINE], memory[entry + ENTRY_PLACE])
    if series == 0:
        return
    if memory[entry + ENTRY_PLACE] % 2 == OUT:
        _fold_targets(memory, sums, series, entry)
    _fold_windows(memory, sums, series, entry)


@kernel
def _advance(memory: Cells, sums: Numbers, now: int) -> None:
    """Set the clock forward; where a window begins, let go what then lies behind the horizon."""
    if now // WINDOW_MS != memory[NEWEST_MS] // WINDOW_MS:
        fold_staged(memory, sums)
        for number in range(PARTITIONS):
            settle(memory, sums, PARTITION_HEADS + number * PARTITION_CELLS, now)
        _let_go_before(memory, now)
    memory[NEWEST_MS] = now


@kernel
def _let_go_before(memory: Cells, now: int) -> None:
    # After a silence longer than what is kept nothing is left, so one turn of what is kept is enough.
    oldest = max(now // WINDOW_MS - KEPT_WINDOWS, memory[OLDEST_WINDOW])
    for window in range(memory[OLDEST_WINDOW], min(oldest, memory[OLDEST_WINDOW] + KEPT_WINDOWS + 1)):
        let_go_window(memory, window)
    memory[OLDEST_WINDOW] = oldest
    oldest = max(now // BLOCK_MS - KEPT_BLOCKS, memory[OLDEST_BLOCK])
    for block in range(memory[OLDEST_BLOCK], min(oldest, memory[OLDEST_BLOCK] + KEPT_BLOCKS + 1)):
        let_go_block(memory, block)
    memory[OLDEST_BLOCK] = oldest


@kernel
def _fold_windows(memory: Cells, sums: Numbers, series: int, entry: int) -> None:
    """Add one side of a flow to its windows."""
    start, end = memory[entry + ENTRY_START], memory[entry + ENTRY_END]
    first = first_open(start, memory[entry + ENTRY_OPEN_FROM], memory[OLDEST_WINDOW], WINDOW_MS)
    _add_totals(memory, sums, series, entry, late_part(start, end, first * WINDOW_MS))
    touch(memory, series, first)
    for window in range(first, last_reached(start, end, WINDOW_MS) + 1):
        row = window_row(memory, series, window)
        if row == 0:
            memory[NO_WINDOW_ROW] += 1
            continue
        add_features(memory, sums, row, entry, share_inside(start, end, window, WINDOW_MS))


@inlined
def _add_totals(memory: Cells, sums: Numbers, series: int, entry: int, late: float) -> None:
    n = interval_of(sums, entry)
    packets, octets = memory[entry + ENTRY_PACKETS] * n, memory[entry + ENTRY_OCTETS] * n
    memory[series + SERIES_EXPORTER] = memory[entry + ENTRY_EXPORTER]
    sums[series + SERIES_RECORDS] += 1.0
    sums[series + SERIES_PACKETS] += packets
    sums[series + SERIES_OCTETS] += octets
    if late > 0.0:
        sums[series + LATE_RECORDS] += late
        sums[series + LATE_PACKETS] += packets * late
        sums[series + LATE_OCTETS] += octets * late


@kernel
def _fold_targets(memory: Cells, sums: Numbers, series: int, entry: int) -> None:
    """Add a flow that a line sent to its target, block by block."""
    start, end, service = memory[entry + ENTRY_START], memory[entry + ENTRY_END], memory[entry + ENTRY_SERVICE]
    first = first_open(start, memory[entry + ENTRY_OPEN_FROM], memory[OLDEST_BLOCK], BLOCK_MS)
    for block in range(first, last_reached(start, end, BLOCK_MS) + 1):
        group = group_of(memory, series, block)
        hi, lo = memory[entry + ENTRY_HI], memory[entry + ENTRY_LO]
        row = pair_row(memory, group, hi, lo, service) if group != 0 else 0
        if row == 0:
            memory[NO_PAIR_ROW] += 1
            continue
        _add_pair(memory, sums, row, entry, share_inside(start, end, block, BLOCK_MS))
        _widen(memory, row, max(start, block * BLOCK_MS), min(end, (block + 1) * BLOCK_MS))


@inlined
def _add_pair(memory: Cells, sums: Numbers, row: int, entry: int, share: float) -> None:
    n = interval_of(sums, entry)
    sampled = memory[entry + ENTRY_PACKETS] * share
    sums[row + PAIR_RECORDS] += share
    sums[row + PAIR_SAMPLED] += sampled
    sums[row + PAIR_PACKETS] += sampled * n
    sums[row + PAIR_OCTETS] += memory[entry + ENTRY_OCTETS] * share * n
    if memory[entry + ENTRY_BITS] & FRAGMENT:
        sums[row + PAIR_FRAGMENTS] += sampled * n
    if protocol_of(memory[entry + ENTRY_SERVICE]) == TCP:
        _add_tcp(memory, sums, row, entry, sampled, n, share)


@inlined
def _add_tcp(memory: Cells, sums: Numbers, row: int, entry: int, sampled: float, n: float, share: float) -> None:
    sums[row + PAIR_CONNECTIONS] += connections_of(memory, entry) * n * share
    if is_syn_alone(memory, entry):
        sums[row + PAIR_SYN] += sampled * n
        sums[row + PAIR_SYN_SAMPLED] += sampled
    if is_reset(memory, entry):
        sums[row + PAIR_RESETS] += sampled * n


@inlined
def _widen(memory: Cells, row: int, first_ms: int, last_ms: int) -> None:
    if memory[row + PAIR_FIRST_MS] == 0 or first_ms < memory[row + PAIR_FIRST_MS]:
        memory[row + PAIR_FIRST_MS] = first_ms
    memory[row + PAIR_LAST_MS] = max(memory[row + PAIR_LAST_MS], last_ms)


@kernel
def _fold_answers(memory: Cells, sums: Numbers, partition: int, entry: int) -> None:
    """Credit a flow that a line received to the pair that it answers, block by block."""
    start, end = memory[entry + ENTRY_START], memory[entry + ENTRY_END]
    n, bits = interval_of(sums, entry), SYN_ACK * is_syn_ack(memory, entry) | RESET * is_reset(memory, entry)
    first = first_open(start, memory[entry + ENTRY_OPEN_FROM], memory[OLDEST_BLOCK], BLOCK_MS)
    for block in range(first, last_reached(start, end, BLOCK_MS) + 1):
        part = n * share_inside(start, end, block, BLOCK_MS)
        packets, octets = memory[entry + ENTRY_PACKETS] * part, memory[entry + ENTRY_OCTETS] * part
        answer(memory, sums, partition, entry, block, bits, packets, octets)


@kernel
def tick(memory: Cells, sums: Numbers, clock_ms: int) -> None:
    """Set the clock, fold what was put aside, and credit the answers that need not wait any longer."""
    if clock_ms > memory[NEWEST_MS]:
        _advance(memory, sums, clock_ms)
    fold_staged(memory, sums)
    for number in range(PARTITIONS):
        partition = PARTITION_HEADS + number * PARTITION_CELLS
        settle(memory, sums, partition, memory[NEWEST_MS])
        credit_waiting(memory, sums, partition)


_FLOWS = (numba.int64[:, ::1], numba.float64[:, ::1], numba.int64, numba.int64[::1], numba.int64[::1])

KERNELS = (
    (fold, (MEMORY, SUMS, *_FLOWS)),
    (fold_staged, (MEMORY, SUMS)),
    (tick, (MEMORY, SUMS, numba.int64)),
)
