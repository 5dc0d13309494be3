"""The hot path: records of fixed length whose fields go into cells as they stand, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.schema.batch import NAMES, cell
from sekisho.wire.elements import WORDS, Target
from sekisho.wire.layout import Action, Program, Step
from sekisho.wire.octets import u16, u32, u64, uint
from sekisho.wire.programs import COLUMN_OF

if TYPE_CHECKING:
    from numpy.typing import NDArray

V4_MAPPED = 0xFFFF << 32

FIELD_COLUMNS = tuple(
    cell(name)
    for name in (
        "flow_start",
        "flow_end",
        "src_hi",
        "src_lo",
        "dst_hi",
        "dst_lo",
        "src_port",
        "dst_port",
        "icmp_type_code",
        "protocol",
        "tcp_flags",
        "packets",
        "octets",
        "ingress_if",
        "egress_if",
        "ingress_vrf",
        "egress_vrf",
        "direction",
        "fragment",
        "forwarding_status",
        "tunnel_kind",
        "tunnel_src_hi",
        "tunnel_src_lo",
    )
)
"""Columns that fields fill; a template without the field leaves the column's unknown."""

_UNKNOWN_IS_MINUS_1 = ("icmp_type_code", "direction", "forwarding_status", "src_assignment", "dst_assignment")
UNKNOWN = np.array([-1 if name in _UNKNOWN_IS_MINUS_1 else 0 for name in NAMES], dtype=np.int64)
"""What stands for "not known" in every cell column before a record fills it."""

_COLUMN = np.full(WORDS, -1, dtype=np.int64)
_COLUMN[list(COLUMN_OF)] = list(COLUMN_OF.values())
_SRC_HI, _SRC_LO = cell("src_hi"), cell("src_lo")
_DST_HI, _DST_LO = cell("dst_hi"), cell("dst_lo")
_IP_VERSION = cell("ip_version")


@borrowing_kernel
def read_fixed(
    payload: NDArray[np.uint8],
    steps: NDArray[np.int64],
    program: NDArray[np.int64],
    at: int,
    count: int,
    cells: NDArray[np.int64],
    row: int,
) -> None:
    """Read ``count`` records standing at ``at`` into rows from ``row`` on; times and sampling stay raw.

    Counts and places go on unsigned: a signed index makes numba check each access for Python's counting from the end,
    and such a loop is not vectorised.
    """
    stride = np.uint64(program[Program.SHORTEST])
    first, end = np.uint64(row), np.uint64(row + count)
    for i in range(program[Program.FIRST_STEP], program[Program.FIRST_STEP] + program[Program.STEPS]):
        if steps[i, Step.ACTION] == Action.TAKE:
            field_at = np.uint64(at + steps[i, Step.OFFSET])
            _read_field(payload, field_at, stride, steps[i, Step.TARGET], steps[i, Step.LENGTH], cells, first, end)
    for column in FIELD_COLUMNS:
        if not program[Program.FILLED] >> column & 1:
            fill(cells, column, first, end, UNKNOWN[column])
    if program[Program.FAMILY] == 4:
        _complete_v4(program[Program.FILLED], cells, first, end)
    fill(cells, _IP_VERSION, first, end, program[Program.FAMILY])


@borrowing_kernel
def fill(cells: NDArray[np.int64], column: int, row: int, end: int, value: int) -> None:
    """One value in rows ``row`` to ``end`` of a column."""
    for r in range(row, end):
        cells[column, r] = value


@borrowing_kernel
def _complete_v4(filled: int, cells: NDArray[np.int64], row: int, end: int) -> None:
    """An address that the template lacks is 0.0.0.0, still a mapped one."""
    for column in (_SRC_LO, _DST_LO):
        if not filled >> column & 1:
            fill(cells, column, row, end, V4_MAPPED)


@borrowing_kernel
def _read_field(
    payload: NDArray[np.uint8],
    at: int,
    stride: int,
    target: int,
    length: int,
    cells: NDArray[np.int64],
    row: int,
    end: int,
) -> None:
    column = _COLUMN[target]
    if target in (Target.SRC_V4, Target.DST_V4):
        for r in range(row, end):
            cells[column, r] = u32(payload, at) | V4_MAPPED
            at += stride
    elif target == Target.SRC_V6:
        _read_integers(payload, at, stride, 8, cells, _SRC_HI, row, end)
        _read_integers(payload, at + np.uint64(8), stride, 8, cells, _SRC_LO, row, end)
    elif target == Target.DST_V6:
        _read_integers(payload, at, stride, 8, cells, _DST_HI, row, end)
        _read_integers(payload, at + np.uint64(8), stride, 8, cells, _DST_LO, row, end)
    elif column >= 0:
        _read_integers(payload, at, stride, length, cells, column, row, end)


@borrowing_kernel
def _read_integers(
    payload: NDArray[np.uint8],
    at: int,
    stride: int,
    length: int,
    cells: NDArray[np.int64],
    column: int,
    row: int,
    end: int,
) -> None:
    """One field of all records; a loop for each usual length, so that none of them branches inside."""
    if length == 4:
        for r in range(row, end):
            cells[column, r] = u32(payload, at)
            at += stride
    elif length == 2:
        for r in range(row, end):
            cells[column, r] = u16(payload, at)
            at += stride
    elif length == 1:
        for r in range(row, end):
            cells[column, r] = payload[at]
            at += stride
    elif length == 8:
        for r in range(row, end):
            cells[column, r] = u64(payload, at)
            at += stride
    else:
        for r in range(row, end):
            cells[column, r] = uint(payload, np.int64(at), length)
            at += stride
