"""The kernel that folds flows into line_window and line_target, equal to the SQL in ``windows/sql.py``.

A flow is spread evenly over its duration. What the exporter says is bounded by what is known: no packet was seen after
its record arrived, and none earlier than the active timeout before the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.batch import cell
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.ahead import GROUP, look_ahead
from sekisho.windows.answers import answer, credit_waiting, settle
from sekisho.windows.arena import (
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
    PAIR_FIRST_MS,
    PAIR_LAST_MS,
    PAIR_OCTETS,
    PAIR_PACKETS,
    PAIR_RECORDS,
    PAIR_SAMPLED,
    PAIR_SYN,
    PAIR_SYN_SAMPLED,
    PAIR_VAR,
    SERIES_OCTETS,
    SERIES_PACKETS,
    SERIES_RECORDS,
    SUMS,
    SYN_CHAIN,
    SYN_FIRST,
    UDP_CHAIN,
    UDP_FIRST,
)
from sekisho.windows.features import SYN_PEERS, UDP, UDP_PEERS, add_features, interval_of, is_syn_ack, is_syn_alone
from sekisho.windows.limits import KEPT_BLOCKS, KEPT_WINDOWS
from sekisho.windows.pair_rows import group_of, let_go_block, pair_row, service_of
from sekisho.windows.pools import hash_of
from sekisho.windows.series import series_of, touch
from sekisho.windows.spread import first_open, last_reached, late_part, share_inside
from sekisho.windows.window_rows import add_peer, let_go_window, window_row

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers

_RECEIVED_AT, _START, _END, _EXPORTER = cell("received_at"), cell("flow_start"), cell("flow_end"), cell("exporter")
_SRC_HI, _SRC_LO, _DST_HI, _DST_LO = cell("src_hi"), cell("src_lo"), cell("dst_hi"), cell("dst_lo")
_SRC_PORT, _DST_PORT, _PROTOCOL = cell("src_port"), cell("dst_port"), cell("protocol")
_PACKETS, _OCTETS = cell("packets"), cell("octets")
_SRC_LINE, _DST_LINE, _BOUNDARY = cell("src_line"), cell("dst_line"), cell("boundary")
_SRC_INFERRED, _DST_INFERRED = cell("src_inferred"), cell("dst_inferred")


@kernel
def fold(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, length: int, active_cap_ms: Cells, lateness_ms: Cells
) -> None:
    """Fold the rows of a batch in their order.

    ``memory`` and ``sums`` are the arena's cells as int64 and as float64, ``cells`` and ``numbers`` the batch's;
    ``length`` rows are in use. ``active_cap_ms`` and ``lateness_ms`` stand by exporter code, milliseconds.
    """
    for first in range(0, length, GROUP):
        last = min(first + GROUP, length)
        look_ahead(memory, cells, first, last)
        for i in range(first, last):
            if cells[_BOUNDARY, i] >= 0 and (cells[_SRC_LINE, i] != 0 or cells[_DST_LINE, i] != 0):
                _fold_one(memory, sums, cells, numbers, i, active_cap_ms, lateness_ms)


@kernel
def _fold_one(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, i: int, active_cap_ms: Cells, lateness_ms: Cells
) -> None:
    received, exporter = cells[_RECEIVED_AT, i], cells[_EXPORTER, i]
    if received > memory[NEWEST_MS]:
        advance(memory, sums, received)
    end = min(cells[_END, i], received)
    start = min(max(cells[_START, i], end - active_cap_ms[exporter]), end)
    open_from = received - lateness_ms[exporter]
    is_late = False
    if cells[_SRC_LINE, i] != 0:
        is_late = _fold_sent(memory, sums, cells, numbers, i, start, end, open_from)
    if cells[_DST_LINE, i] != 0:
        is_late |= _fold_received(memory, sums, cells, numbers, i, start, end, open_from)
    memory[LATE] += is_late


@kernel
def advance(memory: Cells, sums: Numbers, now: int) -> None:
    """Set the clock forward, settle answers, and let go what then lies behind the horizon."""
    before = memory[NEWEST_MS]
    memory[NEWEST_MS] = now
    settle(memory, sums, now)
    if now // WINDOW_MS != before // WINDOW_MS:
        _let_go_before(memory, now)


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


@inlined
def _fold_sent(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, i: int, start: int, end: int, open_from: int
) -> bool:
    series = series_of(memory, cells[_SRC_LINE, i], cells[_BOUNDARY, i] * 2 + OUT)
    if series == 0:
        return False
    hi, lo, port, inferred = cells[_DST_HI, i], cells[_DST_LO, i], cells[_DST_PORT, i], cells[_SRC_INFERRED, i]
    _fold_targets(memory, sums, cells, numbers, i, series, start, end, open_from)
    return bool(_fold_windows(memory, sums, cells, numbers, i, series, hi, lo, port, inferred, start, end, open_from))


@inlined
def _fold_received(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, i: int, start: int, end: int, open_from: int
) -> bool:
    _fold_answers(memory, sums, cells, numbers, i, start, end, open_from)
    series = series_of(memory, cells[_DST_LINE, i], cells[_BOUNDARY, i] * 2 + IN)
    if series == 0:
        return False
    hi, lo, port, inferred = cells[_SRC_HI, i], cells[_SRC_LO, i], cells[_SRC_PORT, i], cells[_DST_INFERRED, i]
    return bool(_fold_windows(memory, sums, cells, numbers, i, series, hi, lo, port, inferred, start, end, open_from))


@kernel
def _fold_windows(
    memory: Cells,
    sums: Numbers,
    cells: Cells,
    numbers: Numbers,
    i: int,
    series: int,
    peer_hi: int,
    peer_lo: int,
    port: int,
    inferred: int,
    start: int,
    end: int,
    open_from: int,
) -> bool:
    """Add one side of a flow to its windows; answers whether part of it came late."""
    first = first_open(start, open_from, memory[OLDEST_WINDOW], WINDOW_MS)
    late = late_part(start, end, first * WINDOW_MS)
    _add_totals(sums, cells, numbers, i, series, late)
    touch(memory, series, first)
    peers, listed, chain = _peer_cells(cells, i)
    peer = np.int64(hash_of(memory, peer_lo, peer_hi, 0)) if peers != 0 else 0
    for window in range(first, last_reached(start, end, WINDOW_MS) + 1):
        row = window_row(memory, series, window)
        if row == 0:
            memory[NO_WINDOW_ROW] += 1
            continue
        add_features(sums, row, cells, numbers, i, port, inferred, share_inside(start, end, window, WINDOW_MS))
        if peers != 0:
            add_peer(memory, row + peers, row + listed, row + chain, peer)
    return bool(late > 0.0)


@inlined
def _peer_cells(cells: Cells, i: int) -> tuple[int, int, int]:
    """Cells of the distinct count that a flow belongs to, 0 where to none."""
    if cells[_PROTOCOL, i] == UDP:
        return UDP_PEERS, UDP_FIRST, UDP_CHAIN
    if is_syn_alone(cells, i):
        return SYN_PEERS, SYN_FIRST, SYN_CHAIN
    return 0, 0, 0


@inlined
def _add_totals(sums: Numbers, cells: Cells, numbers: Numbers, i: int, series: int, late: float) -> None:
    n = interval_of(numbers, i)
    packets, octets = cells[_PACKETS, i] * n, cells[_OCTETS, i] * n
    sums[series + SERIES_RECORDS] += 1.0
    sums[series + SERIES_PACKETS] += packets
    sums[series + SERIES_OCTETS] += octets
    if late > 0.0:
        sums[series + LATE_RECORDS] += late
        sums[series + LATE_PACKETS] += packets * late
        sums[series + LATE_OCTETS] += octets * late


@inlined
def _fold_targets(
    memory: Cells,
    sums: Numbers,
    cells: Cells,
    numbers: Numbers,
    i: int,
    series: int,
    start: int,
    end: int,
    open_from: int,
) -> None:
    """Add a flow that a line sent to its target, block by block."""
    first = first_open(start, open_from, memory[OLDEST_BLOCK], BLOCK_MS)
    service = service_of(cells[_DST_PORT, i], cells[_PROTOCOL, i])
    for block in range(first, last_reached(start, end, BLOCK_MS) + 1):
        group = group_of(memory, series, block)
        row = pair_row(memory, group, cells[_DST_HI, i], cells[_DST_LO, i], service) if group != 0 else 0
        if row == 0:
            memory[NO_PAIR_ROW] += 1
            continue
        _add_pair(sums, row, cells, numbers, i, share_inside(start, end, block, BLOCK_MS))
        _widen(memory, row, max(start, block * BLOCK_MS), min(end, (block + 1) * BLOCK_MS))


@inlined
def _add_pair(sums: Numbers, row: int, cells: Cells, numbers: Numbers, i: int, share: float) -> None:
    n = interval_of(numbers, i)
    sampled = cells[_PACKETS, i] * share
    sums[row + PAIR_RECORDS] += share
    sums[row + PAIR_SAMPLED] += sampled
    sums[row + PAIR_PACKETS] += sampled * n
    sums[row + PAIR_OCTETS] += cells[_OCTETS, i] * share * n
    sums[row + PAIR_VAR] += sampled * n * (n - 1.0)
    if is_syn_alone(cells, i):
        sums[row + PAIR_SYN] += sampled * n
        sums[row + PAIR_SYN_SAMPLED] += sampled


@inlined
def _widen(memory: Cells, row: int, first_ms: int, last_ms: int) -> None:
    if memory[row + PAIR_FIRST_MS] == 0 or first_ms < memory[row + PAIR_FIRST_MS]:
        memory[row + PAIR_FIRST_MS] = first_ms
    memory[row + PAIR_LAST_MS] = max(memory[row + PAIR_LAST_MS], last_ms)


@inlined
def _fold_answers(
    memory: Cells, sums: Numbers, cells: Cells, numbers: Numbers, i: int, start: int, end: int, open_from: int
) -> None:
    """Credit a flow that a line received to the pair that it answers, block by block."""
    line, boundary, received = cells[_DST_LINE, i], cells[_BOUNDARY, i], cells[_RECEIVED_AT, i]
    hi, lo, service = cells[_SRC_HI, i], cells[_SRC_LO, i], service_of(cells[_SRC_PORT, i], cells[_PROTOCOL, i])
    packets = cells[_PACKETS, i] * interval_of(numbers, i)
    first = first_open(start, open_from, memory[OLDEST_BLOCK], BLOCK_MS)
    for block in range(first, last_reached(start, end, BLOCK_MS) + 1):
        part = packets * share_inside(start, end, block, BLOCK_MS)
        answer(memory, sums, line, boundary, block, hi, lo, service, received, is_syn_ack(cells, i), part)


@kernel
def tick(memory: Cells, sums: Numbers, clock_ms: int) -> None:
    """Set the clock, and credit the answers that need not wait any longer."""
    if clock_ms > memory[NEWEST_MS]:
        advance(memory, sums, clock_ms)
    credit_waiting(memory, sums)


_FLOWS = (numba.int64[:, ::1], numba.float64[:, ::1], numba.int64, numba.int64[::1], numba.int64[::1])

KERNELS = (
    (fold, (MEMORY, SUMS, *_FLOWS)),
    (tick, (MEMORY, SUMS, numba.int64)),
)
