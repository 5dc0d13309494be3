"""Answers: what a line received from a target that it had sent to, credited to that target's row.

An answer is credited at its own boundary; where no such pair is known there (an exporter that meters ingress and
egress makes two boundaries of them), at the line's other boundaries. It may stand before the record of the question,
so it waits ``ANSWER_WAIT_MS`` for the pair before it is settled. It waits with the partition of its line, by the clock
of that partition's entries: entries of other lines may be folded earlier or later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.windows.arena import (
    ENTRY_CLOCK,
    ENTRY_HI,
    ENTRY_LINE,
    ENTRY_LO,
    ENTRY_PLACE,
    ENTRY_SERVICE,
    HELD,
    HELD_BITS,
    HELD_BLOCK,
    HELD_BOUNDARY,
    HELD_CLOCK,
    HELD_HI,
    HELD_LINE,
    HELD_LO,
    HELD_NEXT,
    HELD_OCTETS,
    HELD_PACKETS,
    HELD_SERVICE,
    IN,
    NO_ANSWER_PLACE,
    OUT,
    PAIR_ANSWERED,
    PAIR_ANSWERED_OCTETS,
    PAIR_ANSWERED_RESETS,
    PAIR_ANSWERED_SYN_ACK,
    PARTITION_HELD,
    PARTITION_HELD_LAST,
    SERIES_NEXT,
    SERIES_PLACE,
)
from sekisho.windows.limits import ANSWER_WAIT_MS
from sekisho.windows.pair_rows import find_group, find_pair
from sekisho.windows.pools import give, take
from sekisho.windows.series import find_series, first_series

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers


SYN_ACK, RESET = 1, 2
"""What the records of an answer carry."""


@inlined
def answer(
    memory: Cells, sums: Numbers, partition: int, entry: int, block: int, bits: int, packets: float, octets: float
) -> None:
    """Credit an answer to its pair, or keep it until the pair comes. ``bits``: SYN_ACK, RESET or neither."""
    series = find_series(memory, memory[entry + ENTRY_LINE], memory[entry + ENTRY_PLACE] - IN + OUT)
    hi, lo, service = memory[entry + ENTRY_HI], memory[entry + ENTRY_LO], memory[entry + ENTRY_SERVICE]
    if series == 0 or not _credit(memory, sums, series, block, hi, lo, service, bits, packets, octets):
        _hold(memory, sums, partition, entry, block, bits, packets, octets)


@kernel
def _hold(
    memory: Cells, sums: Numbers, partition: int, entry: int, block: int, bits: int, packets: float, octets: float
) -> None:
    held = take(memory, HELD)
    if held == 0:
        memory[NO_ANSWER_PLACE] += 1
        if memory[partition + PARTITION_HELD] == 0:
            return
        _settle_first(memory, sums, partition)
        held = take(memory, HELD)
    if memory[partition + PARTITION_HELD] == 0:
        memory[partition + PARTITION_HELD] = held
    else:
        memory[memory[partition + PARTITION_HELD_LAST] + HELD_NEXT] = held
    memory[partition + PARTITION_HELD_LAST] = held
    memory[held + HELD_LINE], memory[held + HELD_BLOCK] = memory[entry + ENTRY_LINE], block
    memory[held + HELD_BOUNDARY] = memory[entry + ENTRY_PLACE] // 2
    memory[held + HELD_HI], memory[held + HELD_LO] = memory[entry + ENTRY_HI], memory[entry + ENTRY_LO]
    memory[held + HELD_SERVICE], memory[held + HELD_CLOCK] = memory[entry + ENTRY_SERVICE], memory[entry + ENTRY_CLOCK]
    memory[held + HELD_BITS], sums[held + HELD_PACKETS], sums[held + HELD_OCTETS] = bits, packets, octets


@kernel
def _credit(
    memory: Cells,
    sums: Numbers,
    series: int,
    block: int,
    hi: int,
    lo: int,
    service: int,
    bits: int,
    packets: float,
    octets: float,
) -> bool:
    group = find_group(memory, series, block)
    row = find_pair(memory, group, hi, lo, service) if group != 0 else 0
    if row == 0:
        return False
    sums[row + PAIR_ANSWERED] += packets
    sums[row + PAIR_ANSWERED_OCTETS] += octets
    if bits & SYN_ACK:
        sums[row + PAIR_ANSWERED_SYN_ACK] += packets
    if bits & RESET:
        sums[row + PAIR_ANSWERED_RESETS] += packets
    return True


@inlined
def settle(memory: Cells, sums: Numbers, partition: int, clock_ms: int) -> None:
    """Settle every answer of a partition that has waited longer than ``ANSWER_WAIT_MS``."""
    held = memory[partition + PARTITION_HELD]
    while held != 0 and memory[held + HELD_CLOCK] < clock_ms - ANSWER_WAIT_MS:
        _settle_first(memory, sums, partition)
        held = memory[partition + PARTITION_HELD]


@kernel
def _settle_first(memory: Cells, sums: Numbers, partition: int) -> None:
    held = memory[partition + PARTITION_HELD]
    if not _credit_at_own(memory, sums, held):
        _credit_elsewhere(memory, sums, held)
    memory[partition + PARTITION_HELD] = memory[held + HELD_NEXT]
    give(memory, HELD, held)


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
    block, bits = memory[held + HELD_BLOCK], memory[held + HELD_BITS]
    packets, octets = sums[held + HELD_PACKETS], sums[held + HELD_OCTETS]
    return bool(_credit(memory, sums, series, block, hi, lo, service, bits, packets, octets))


@kernel
def _credit_elsewhere(memory: Cells, sums: Numbers, held: int) -> None:
    series = first_series(memory, memory[held + HELD_LINE])
    while series != 0:
        if memory[series + SERIES_PLACE] % 2 == OUT:
            _credit_held(memory, sums, series, held)
        series = memory[series + SERIES_NEXT]


@kernel
def credit_waiting(memory: Cells, sums: Numbers, partition: int) -> None:
    """Credit what can be credited already, so that a tick sees it; the rest goes on waiting."""
    held = memory[partition + PARTITION_HELD]
    while held != 0:
        if _credit_at_own(memory, sums, held):
            memory[held + HELD_LINE] = 0
        held = memory[held + HELD_NEXT]
