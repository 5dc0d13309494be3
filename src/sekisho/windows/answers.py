"""Answers: what a line received from a target that it had sent to, credited to that target's row.

An answer is credited at its own boundary; where no such pair is known there (an exporter that meters ingress and
egress makes two boundaries of them), at the line's other boundaries. It may stand before the record of the question,
so it waits ``ANSWER_WAIT_MS`` for the pair before it is settled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.windows.arena import (
    HELD_AT,
    HELD_BLOCK,
    HELD_BOUNDARY,
    HELD_CELLS,
    HELD_COUNT,
    HELD_FIRST,
    HELD_HI,
    HELD_LIMIT,
    HELD_LINE,
    HELD_LO,
    HELD_PACKETS,
    HELD_RECEIVED,
    HELD_SERVICE,
    HELD_SYN_ACK,
    NO_ANSWER_PLACE,
    OUT,
    PAIR_ANSWERED,
    PAIR_ANSWERED_SYN_ACK,
    SERIES_NEXT,
    SERIES_PLACE,
)
from sekisho.windows.limits import ANSWER_WAIT_MS
from sekisho.windows.pair_rows import find_group, find_pair
from sekisho.windows.series import find_series, first_series

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers


@inlined
def answer(
    memory: Cells,
    sums: Numbers,
    line: int,
    boundary: int,
    block: int,
    hi: int,
    lo: int,
    service: int,
    received: int,
    has_syn_ack: bool,
    packets: float,
) -> None:
    """Credit an answer to its pair, or keep it until the pair comes."""
    series = find_series(memory, line, boundary * 2 + OUT)
    if series != 0 and _credit(memory, sums, series, block, hi, lo, service, has_syn_ack, packets):
        return
    if memory[HELD_COUNT] == memory[HELD_LIMIT]:
        memory[NO_ANSWER_PLACE] += 1
        _settle_first(memory, sums)
    held = _held(memory, memory[HELD_COUNT])
    memory[HELD_COUNT] += 1
    memory[held + HELD_LINE], memory[held + HELD_BOUNDARY], memory[held + HELD_BLOCK] = line, boundary, block
    memory[held + HELD_HI], memory[held + HELD_LO], memory[held + HELD_SERVICE] = hi, lo, service
    memory[held + HELD_RECEIVED], memory[held + HELD_SYN_ACK] = received, has_syn_ack
    sums[held + HELD_PACKETS] = packets


@inlined
def _held(memory: Cells, number: int) -> int:
    """Place of the held answer of that number, the one that waits longest being 0."""
    return int(memory[HELD_AT] + (memory[HELD_FIRST] + number) % memory[HELD_LIMIT] * HELD_CELLS)


@kernel
def _credit(
    memory: Cells,
    sums: Numbers,
    series: int,
    block: int,
    hi: int,
    lo: int,
    service: int,
    has_syn_ack: bool,
    packets: float,
) -> bool:
    group = find_group(memory, series, block)
    row = find_pair(memory, group, hi, lo, service) if group != 0 else 0
    if row == 0:
        return False
    sums[row + PAIR_ANSWERED] += packets
    if has_syn_ack:
        sums[row + PAIR_ANSWERED_SYN_ACK] += packets
    return True


@kernel
def settle(memory: Cells, sums: Numbers, now: int) -> None:
    """Settle every answer that has waited longer than ``ANSWER_WAIT_MS``."""
    while memory[HELD_COUNT] > 0 and memory[_held(memory, 0) + HELD_RECEIVED] < now - ANSWER_WAIT_MS:
        _settle_first(memory, sums)


@kernel
def _settle_first(memory: Cells, sums: Numbers) -> None:
    held = _held(memory, 0)
    memory[HELD_FIRST] = (memory[HELD_FIRST] + 1) % memory[HELD_LIMIT]
    memory[HELD_COUNT] -= 1
    if not _credit_at_own(memory, sums, held):
        _credit_elsewhere(memory, sums, held)


@kernel
def _credit_at_own(memory: Cells, sums: Numbers, held: int) -> bool:
    """Credit a held answer at its own boundary; answers whether nothing is left to do."""
    line = memory[held + HELD_LINE]
    if line == 0:
        return True
    series = find_series(memory, line, memory[held + HELD_BOUNDARY] * 2 + OUT)
    return bool(series != 0 and _credit_held(memory, sums, series, held))


@kernel
def _credit_held(memory: Cells, sums: Numbers, series: int, held: int) -> bool:
    hi, lo, service = memory[held + HELD_HI], memory[held + HELD_LO], memory[held + HELD_SERVICE]
    block, has_syn_ack = memory[held + HELD_BLOCK], memory[held + HELD_SYN_ACK] != 0
    return bool(_credit(memory, sums, series, block, hi, lo, service, has_syn_ack, sums[held + HELD_PACKETS]))


@kernel
def _credit_elsewhere(memory: Cells, sums: Numbers, held: int) -> None:
    series = first_series(memory, memory[held + HELD_LINE])
    while series != 0:
        if memory[series + SERIES_PLACE] % 2 == OUT:
            _credit_held(memory, sums, series, held)
        series = memory[series + SERIES_NEXT]


@kernel
def credit_waiting(memory: Cells, sums: Numbers) -> None:
    """Credit what can be credited already, so that a tick sees it; the rest goes on waiting."""
    for k in range(memory[HELD_COUNT]):
        held = _held(memory, k)
        if _credit_at_own(memory, sums, held):
            memory[held + HELD_LINE] = 0
