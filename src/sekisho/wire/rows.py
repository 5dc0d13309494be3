"""What every row needs after its fields are read, whichever way they were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.schema.batch import cell
from sekisho.wire.clock import convert_column, settle_times
from sekisho.wire.fixed import fill
from sekisho.wire.keys import find
from sekisho.wire.layout import At, Namespace, Of, Program, Sampling
from sekisho.wire.totals import difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Tables, Word

_START, _END = cell("flow_start"), cell("flow_end")
_RECEIVED, _EXPORTER, _DOMAIN = cell("received_at"), cell("exporter"), cell("observation_domain_id")
_SRC_PORT, _DST_PORT, _ICMP = cell("src_port"), cell("dst_port"), cell("icmp_type_code")
_PROTOCOL, _FLAGS = cell("protocol"), cell("tcp_flags")
_PACKETS, _OCTETS = cell("packets"), cell("octets")
_DIRECTION, _FRAGMENT = cell("direction"), cell("fragment")
_SAMPLING, _INGRESS, _EGRESS = cell("sampling_interval"), cell("ingress_if"), cell("egress_if")

_LARGEST = np.int64(0x7FFFFFFFFFFFFFFF)
_FLAG_BITS = 0x0FFF
"""IE 6 may have two octets, four bits of which are TCP's data offset and no flags (RFC 7125)."""


@borrowing_kernel
def finish_rows(
    tables: Tables,
    program: NDArray[np.int64],
    state: NDArray[np.int64],
    cells: NDArray[np.int64],
    first: int,
    past: int,
) -> None:
    """Give rows ``first`` to ``past`` their message's columns, times, sampling, and the rules that join columns."""
    source = tables.sources[state[At.SOURCE]]
    row, end = np.uint64(first), np.uint64(past)  # unsigned as in ``read_fixed``
    fill(cells, _RECEIVED, row, end, state[At.RECEIVED_AT])
    fill(cells, _EXPORTER, row, end, state[At.EXPORTER])
    fill(cells, _DOMAIN, row, end, state[At.DOMAIN])
    convert_column(cells, _START, row, end, program[Program.START_UNIT], state)
    convert_column(cells, _END, row, end, program[Program.END_UNIT], state)
    settle_times(source, state, cells, row, end)
    _bound_values(program, cells, row, end)
    if program[Program.FRAGMENT]:
        _settle_fragments(program[Program.FRAGMENT], cells, row, end)
    _settle_ports(program[Program.ICMP_IN_PORT], cells, row, end)
    if program[Program.SAMPLING] == Sampling.NOTHING and not source[Of.RATE_BY_INTERFACE]:
        fill(cells, _SAMPLING, row, end, source[Of.RATE])
    else:
        _settle_sampling(tables.sampler_index, program[Program.SAMPLING], state[At.SOURCE], source, cells, row, end)
    if program[Program.TOTALS]:
        for r in range(row, end):
            difference(tables.totals, cells, r, program[Program.TOTALS])


@borrowing_kernel
def _bound_values(program: NDArray[np.int64], cells: NDArray[np.int64], row: int, end: int) -> None:
    """Fit what an exporter may send into the column's type: no negative counts, no other direction than 0 and 1."""
    filled = program[Program.FILLED]
    for column in (_PACKETS, _OCTETS):
        for r in range(row, end):
            cells[column, r] = cells[column, r] if cells[column, r] >= 0 else _LARGEST
    if filled >> _FLAGS & 1:
        for r in range(row, end):
            cells[_FLAGS, r] &= _FLAG_BITS
    if filled >> _DIRECTION & 1:
        for r in range(row, end):
            cells[_DIRECTION, r] = cells[_DIRECTION, r] if 0 <= cells[_DIRECTION, r] <= 1 else -1


@borrowing_kernel
def _has_ports(protocol: int) -> Word:
    return protocol in (6, 17, 132, 33)


@borrowing_kernel
def _settle_fragments(rule: int, cells: NDArray[np.int64], row: int, end: int) -> None:
    """With an offset it is plain; without, a fragment that is not the first shows by an identification and no ports."""
    for r in range(row, end):
        value = cells[_FRAGMENT, r] != 0
        if rule == 2:
            no_ports = cells[_SRC_PORT, r] == 0 and cells[_DST_PORT, r] == 0 and _has_ports(cells[_PROTOCOL, r])
            value = value and no_ports
        cells[_FRAGMENT, r] = value


@borrowing_kernel
def _settle_ports(icmp_in_port: int, cells: NDArray[np.int64], row: int, end: int) -> None:
    """Ports only where the protocol has some; v5 and v9 put ICMP's type and code where the destination port stands."""
    for r in range(row, end):
        protocol = cells[_PROTOCOL, r]
        if not _has_ports(protocol):
            is_icmp = protocol in (1, 58)
            if icmp_in_port and is_icmp:
                cells[_ICMP, r] = cells[_DST_PORT, r]
            elif not is_icmp:
                cells[_ICMP, r] = -1
            cells[_SRC_PORT, r] = 0
            cells[_DST_PORT, r] = 0
        else:
            cells[_ICMP, r] = -1


@borrowing_kernel
def _settle_sampling(
    index: NDArray[np.int64],
    kind: int,
    source_row: int,
    source: NDArray[np.int64],
    cells: NDArray[np.int64],
    row: int,
    end: int,
) -> None:
    """The record's own interval, else its sampler's, else its interface's, else its source's; 0 = not known."""
    by_interface = source[Of.RATE_BY_INTERFACE] != 0
    for r in range(row, end):
        bits = np.int64(0)
        if kind == Sampling.INTERVAL:
            bits = np.float64(max(0, cells[_SAMPLING, r])).view(np.int64)
        elif kind == Sampling.RATIO:
            bits = cells[_SAMPLING, r]
        elif kind == Sampling.SAMPLER:
            bits = _known(index, source_row, Namespace.SAMPLER, cells[_SAMPLING, r])
        elif kind == Sampling.SELECTION_SEQUENCE:
            bits = _known(index, source_row, Namespace.SELECTION_SEQUENCE, cells[_SAMPLING, r])
        if bits == 0 and by_interface:
            bits = _known(index, source_row, Namespace.INTERFACE, cells[_INGRESS, r])
        if bits == 0 and by_interface:
            bits = _known(index, source_row, Namespace.INTERFACE, cells[_EGRESS, r])
        cells[_SAMPLING, r] = bits if bits != 0 else source[Of.RATE]


@borrowing_kernel
def _known(index: NDArray[np.int64], source: int, namespace: int, identifier: int) -> Word:
    return max(0, find(index, source << 8 | namespace, identifier))
