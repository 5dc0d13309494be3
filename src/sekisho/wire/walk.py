"""The walk over many datagrams: messages, sets, records, in one kernel that comes back to Python for rare things only.

``state`` holds the place. After BATCH_FULL, NEW_SOURCE and so on the caller deals with it and calls again.
"""

# ruff: noqa: PLR0911 - a status for each way a set may go

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from sekisho.core.kernels import borrowing_kernel
from sekisho.schema.batch import NAMES, cell
from sekisho.wire import ipfix, sflow5, v5, v9
from sekisho.wire.clock import note_clock
from sekisho.wire.fixed import FIELD_COLUMNS, UNKNOWN, fill, read_fixed
from sekisho.wire.keys import find
from sekisho.wire.layout import (
    BAD_SET_ID,
    CELLS_TYPE,
    EMPTY,
    LENGTH_MISMATCH,
    NO_ADDRESSES,
    NO_COUNTERS,
    SAMPLES_TYPE,
    STATE_TYPE,
    TABLES_TYPE,
    TAPE_TYPE,
    TRUNCATED_HEADER,
    TRUNCATED_RECORD,
    TRUNCATED_SET,
    UNKNOWN_ENCAPSULATION,
    UNKNOWN_VERSION,
    V5_PROGRAM,
    At,
    Kind,
    Of,
    Program,
    Status,
)
from sekisho.wire.octets import all_zero, u16
from sekisho.wire.rows import finish_rows
from sekisho.wire.sequence import account
from sekisho.wire.walked import CUT_OFF, has_reverse, read_walked, work_out, write_reverse, write_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Samples, Tables, Tape, Word

V5_SET = -1
"""Set id that stands for the records of a v5 datagram."""

_WRITTEN = {
    cell(name) for name in ("received_at", "exporter", "observation_domain_id", "sampling_interval", "ip_version")
}
CONSTANT_COLUMNS = tuple(i for i in range(len(NAMES)) if i not in _WRITTEN and i not in FIELD_COLUMNS)
"""Columns that no export protocol knows of: realm, boundary, lines. Later folders fill them."""


@borrowing_kernel
def walk(tape: Tape, tables: Tables, samples: Samples, state: NDArray[np.int64], cells: NDArray[np.int64]) -> Word:
    """Go on from where ``state`` stands; a ``Status`` says why it stopped."""
    while state[At.DATAGRAM] < len(tape.offset):
        status = _open(tape, tables, state) if state[At.NEXT_SET] == 0 else np.int64(Status.DONE)
        if status == Status.DONE:
            if state[At.VERSION] == sflow5.VERSION:
                status = sflow5.read_samples(tape.payload, tables, samples, state, cells)
            else:
                status = _read_sets(tape.payload, tables, state, cells)
            if status == Status.DONE:
                _close(tables, state)
        if status not in (Status.DONE, Status.SKIP):
            return status
        state[At.NEXT_SET] = 0
        state[At.DATAGRAM] += 1
    return np.int64(Status.DONE)


@borrowing_kernel
def _read_sets(payload: NDArray[np.uint8], tables: Tables, state: NDArray[np.int64], cells: NDArray[np.int64]) -> Word:
    """Read the sets that are left of the message, first the rest of the one that ``state`` stands in."""
    while state[At.RECORD] != 0 or _next_set(payload, tables.drops, state):
        status = _one_set(payload, tables, state, cells)
        if status != Status.DONE:
            return status
        state[At.RECORD] = 0
    return np.int64(Status.DONE)


@borrowing_kernel
def blank(cells: NDArray[np.int64], count: int) -> None:
    """Set the columns that no decoder fills, for ``count`` rows."""
    for column in CONSTANT_COLUMNS:
        fill(cells, column, np.uint64(0), np.uint64(count), UNKNOWN[column])


@borrowing_kernel
def _open(tape: Tape, tables: Tables, state: NDArray[np.int64]) -> Word:
    """Read the header of the next datagram; DONE, SKIP or NEW_SOURCE (then nothing is kept)."""
    i = state[At.DATAGRAM]
    status = _open_message(tape, state, tables.drops)
    if status != Status.DONE:
        return status
    state[At.RECEIVED_AT], state[At.EXPORTER] = tape.received_at[i], tape.exporter[i]
    state[At.SOURCE_PORT] = tape.source_port[i]
    upper = tape.exporter[i] << 32 | state[At.DOMAIN]
    row = find(tables.source_index, upper, state[At.VERSION])
    if row < 0:
        state[At.NEXT_SET] = 0
        state[At.RECORD] = 0
        return Status.NEW_SOURCE
    state[At.SOURCE] = row
    source = tables.sources[row]
    state[At.UNITS] = state[At.OPTIONS_UNITS] = state[At.UNITS_UNKNOWN] = 0
    tables.drops[LENGTH_MISMATCH] += state[At.LENGTH_DIFFERS]
    note_clock(source, state)
    if state[At.VERSION] == v5.VERSION:
        v5.note_rate(tape, source, state)
    return Status.DONE


@borrowing_kernel
def _open_message(tape: Tape, state: NDArray[np.int64], drops: NDArray[np.int64]) -> Word:
    i = state[At.DATAGRAM]
    if tape.length[i] == 0:
        drops[EMPTY] += 1
        return Status.SKIP
    if tape.length[i] < 2:
        drops[TRUNCATED_HEADER] += 1
        return Status.SKIP
    state[At.RECORD] = state[At.LENGTH_DIFFERS] = 0
    state[At.DATAGRAM_END] = tape.offset[i] + tape.length[i]
    version = state[At.VERSION] = u16(tape.payload, tape.offset[i])
    if version == v9.VERSION:
        return v9.open_message(tape, state, drops)
    if version == ipfix.VERSION:
        return ipfix.open_message(tape, state, drops)
    if version == v5.VERSION:
        return v5.open_message(tape, state, drops)
    if version == sflow5.VERSION:
        return sflow5.open_message(tape, state, drops)
    drops[UNKNOWN_VERSION] += 1
    return Status.SKIP


@borrowing_kernel
def _close(tables: Tables, state: NDArray[np.int64]) -> None:
    if not state[At.REPLAY]:
        source = tables.sources[state[At.SOURCE]]
        source[Of.DATAGRAMS] += 1
        account(source, state)


@borrowing_kernel
def _next_set(payload: NDArray[np.uint8], drops: NDArray[np.int64], state: NDArray[np.int64]) -> Word:
    """Step to the next set of the message; False at its end, or where nothing that follows can be found any more."""
    at, end = state[At.NEXT_SET], state[At.MESSAGE_END]
    length = u16(payload, at + 2) if end - at >= 4 else 0
    if length < 4:
        # Palo Alto and Cisco ACI fill the datagram up with zeros after the last set.
        if not all_zero(payload, at, end):
            _lose_rest(drops, state, TRUNCATED_SET if end - at < 4 else LENGTH_MISMATCH)
        return False
    # A message length two octets short of the last set is known from the field (telegraf#14370).
    if length > state[At.DATAGRAM_END] - at:
        _lose_rest(drops, state, TRUNCATED_SET)
        return False
    state[At.SET_ID] = u16(payload, at)
    state[At.SET_START] = state[At.RECORD] = at + 4
    state[At.SET_END] = state[At.NEXT_SET] = at + length
    return True


@borrowing_kernel
def _lose_rest(drops: NDArray[np.int64], state: NDArray[np.int64], reason: int) -> None:
    drops[reason] += 1
    state[At.UNITS_UNKNOWN] = 1


@borrowing_kernel
def _one_set(payload: NDArray[np.uint8], tables: Tables, state: NDArray[np.int64], cells: NDArray[np.int64]) -> Word:
    """Read the set that ``state`` stands in, or say who else has to."""
    if V5_SET < state[At.SET_ID] < 256:
        return _reserved_set(tables.drops, state)
    row = _program_row(tables, state)
    if row < 0:
        return Status.UNKNOWN_TEMPLATE
    program = tables.programs[row]
    kind = program[Program.KIND]
    if kind == Kind.FLOW:
        if program[Program.FIXED]:
            return _fixed_records(payload, tables, program, state, cells)
        return _walked_records(payload, tables, program, state, cells)
    if kind == Kind.OPTIONS:
        return Status.OPTIONS
    if kind == Kind.NAT_EVENT and state[At.KEEPS_NAT_EVENTS]:
        return Status.NAT_EVENTS
    _count_set(payload, tables, program, state, NO_ADDRESSES if kind == Kind.NO_ADDRESSES else NO_COUNTERS)
    return Status.DONE


@borrowing_kernel
def _reserved_set(drops: NDArray[np.int64], state: NDArray[np.int64]) -> Word:
    first = v9.TEMPLATE_SET if state[At.VERSION] == v9.VERSION else ipfix.TEMPLATE_SET
    if state[At.SET_ID] == first or state[At.SET_ID] == first + 1:
        return Status.TEMPLATES
    _lose_rest(drops, state, BAD_SET_ID)
    return Status.DONE


@borrowing_kernel
def _program_row(tables: Tables, state: NDArray[np.int64]) -> Word:
    if state[At.SET_ID] == V5_SET:
        return V5_PROGRAM
    upper = state[At.EXPORTER] << 32 | state[At.DOMAIN]
    lower = state[At.VERSION] << 40 | state[At.SET_ID] << 20
    row = find(tables.program_index, upper, lower)
    if row >= 0 and tables.programs[row, Program.BY_PORT]:
        by_port = find(tables.program_index, upper, lower | (state[At.SOURCE_PORT] + 1))
        row = by_port if by_port >= 0 else row
    return row


@borrowing_kernel
def _fixed_records(
    payload: NDArray[np.uint8],
    tables: Tables,
    program: NDArray[np.int64],
    state: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> Word:
    """As many records as fit into the batch; what is shorter than a record at the end of the set is padding."""
    at, row = state[At.RECORD], state[At.ROWS]
    present = (state[At.SET_END] - at) // program[Program.SHORTEST]
    count = min(present, state[At.CAPACITY] - row)
    if count > 0:
        read_fixed(payload, tables.steps, program, at, count, cells, row)
        finish_rows(tables, program, state, cells, row, row + count)
        state[At.RECORD] += count * program[Program.SHORTEST]
        state[At.ROWS] += count
        _count_records(tables, state, count)
    return Status.DONE if count == present else Status.BATCH_FULL


@borrowing_kernel
def _walked_records(
    payload: NDArray[np.uint8],
    tables: Tables,
    program: NDArray[np.int64],
    state: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> Word:
    """The same, a record at a time; a biflow's other direction follows it as a row of its own."""
    values, source = state[At.VALUES :], tables.sources[state[At.SOURCE]]
    first = state[At.ROWS]
    row, records = first, 0
    status = Status.DONE
    while state[At.SET_END] - state[At.RECORD] >= program[Program.SHORTEST]:
        if state[At.CAPACITY] - row < 2:
            status = Status.BATCH_FULL
            break
        at = read_walked(payload, tables.steps, program, state, values, state[At.RECORD])
        if at == CUT_OFF:
            _lose_cut_off(payload, tables.drops, state)
            break
        state[At.RECORD] = at
        records += 1
        if not work_out(payload, source, program, state, values):
            tables.drops[UNKNOWN_ENCAPSULATION] += 1
            continue
        write_row(program, values, cells, row)
        row += 1
        if program[Program.REVERSE] and has_reverse(values):
            write_reverse(values, cells, row)
            row += 1
    finish_rows(tables, program, state, cells, first, row)
    state[At.ROWS] = row
    _count_records(tables, state, records)
    return status


@borrowing_kernel
def _lose_cut_off(payload: NDArray[np.uint8], drops: NDArray[np.int64], state: NDArray[np.int64]) -> None:
    """The set ends inside a record of variable length: padding, if it is zeros, else a loss."""
    if not all_zero(payload, state[At.RECORD], state[At.SET_END]):
        _lose_rest(drops, state, TRUNCATED_RECORD)


@borrowing_kernel
def _count_set(
    payload: NDArray[np.uint8],
    tables: Tables,
    program: NDArray[np.int64],
    state: NDArray[np.int64],
    reason: int,
) -> None:
    """Step over records that are no flows, counting each."""
    shortest, records, at = program[Program.SHORTEST], 0, state[At.RECORD]
    while state[At.SET_END] - at >= shortest:
        after = read_walked(payload, tables.steps, program, state, state[At.VALUES :], at)
        if after == CUT_OFF:
            _lose_rest(tables.drops, state, TRUNCATED_RECORD)
            break
        at = after
        records += 1
    tables.drops[reason] += records
    _count_records(tables, state, records)


@borrowing_kernel
def _count_records(tables: Tables, state: NDArray[np.int64], records: int) -> None:
    state[At.UNITS] += records
    tables.sources[state[At.SOURCE], Of.RECORDS] += records


KERNELS = (
    (walk, (TAPE_TYPE, TABLES_TYPE, SAMPLES_TYPE, STATE_TYPE, CELLS_TYPE)),
    (blank, (CELLS_TYPE, types.int64)),
)
