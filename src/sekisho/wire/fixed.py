"""The hot path: records of fixed length whose fields go into cells as they stand, field by field."""

# ruff: noqa: PLR0917 - kernels take their arguments by position

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import kernel
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


@kernel
def read_fixed(
    payload: NDArray[np.uint8],
    steps: NDArray[np.int64],
    program: NDArray[np.int64],
    at: int,
    count: int,
    cells: NDArray[np.int64],
    row: int,
) -> None:
    """Read ``count`` records standing at ``at`` into rows from ``row`` on; times and sampling stay raw."""
    stride = program[Program.SHORTEST]
    for i in range(program[Program.FIRST_STEP], program[Program.FIRST_STEP] + program[Program.STEPS]):
        step = steps[i]
        if step[Step.ACTION] == Action.TAKE:
            _read_field(payload, at + step[Step.OFFSET], stride, count, step, cells, row)
    for column in FIELD_COLUMNS:
        if not program[Program.FILLED] >> column & 1:
            cells[column, row : row + count] = UNKNOWN[column]
    if program[Program.FAMILY] == 4:
        _complete_v4(program, count, cells, row)
    cells[_IP_VERSION, row : row + count] = program[Program.FAMILY]


@kernel
def _complete_v4(program: NDArray[np.int64], count: int, cells: NDArray[np.int64], row: int) -> None:
    """An address that the template lacks is 0.0.0.0, still a mapped one."""
    for column in (_SRC_LO, _DST_LO):
        if not program[Program.FILLED] >> column & 1:
            cells[column, row : row + count] = V4_MAPPED


@kernel
def _read_field(
    payload: NDArray[np.uint8],
    at: int,
    stride: int,
    count: int,
    step: NDArray[np.int64],
    cells: NDArray[np.int64],
    row: int,
) -> None:
    target = step[Step.TARGET]
    if target in (Target.SRC_V4, Target.DST_V4):
        out = cells[_COLUMN[target]]
        for r in range(count):
            out[row + r] = u32(payload, at + r * stride) | V4_MAPPED
    elif target == Target.SRC_V6:
        _read_integers(payload, at, stride, count, 8, cells[_SRC_HI], row)
        _read_integers(payload, at + 8, stride, count, 8, cells[_SRC_LO], row)
    elif target == Target.DST_V6:
        _read_integers(payload, at, stride, count, 8, cells[_DST_HI], row)
        _read_integers(payload, at + 8, stride, count, 8, cells[_DST_LO], row)
    elif _COLUMN[target] >= 0:
        _read_integers(payload, at, stride, count, step[Step.LENGTH], cells[_COLUMN[target]], row)


@kernel
def _read_integers(
    payload: NDArray[np.uint8], at: int, stride: int, count: int, length: int, out: NDArray[np.int64], row: int
) -> None:
    """One field of all records; a loop for each usual length, so that none of them branches inside."""
    if length == 4:
        for r in range(count):
            out[row + r] = u32(payload, at + r * stride)
    elif length == 2:
        for r in range(count):
            out[row + r] = u16(payload, at + r * stride)
    elif length == 1:
        for r in range(count):
            out[row + r] = payload[np.uint64(at + r * stride)]
    elif length == 8:
        for r in range(count):
            out[row + r] = u64(payload, at + r * stride)
    else:
        for r in range(count):
            out[row + r] = uint(payload, at + r * stride, length)
