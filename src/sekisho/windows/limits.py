"""How much the windows may hold, and how long."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS

KEPT_MS = 4_200_000
"""Seventy minutes behind the clock: the longest horizon over both tables is an hour, and exporters run late."""

KEPT_WINDOWS = KEPT_MS // WINDOW_MS
KEPT_BLOCKS = KEPT_MS // BLOCK_MS + 1
"""A block stays until all of it lies behind the seventy minutes."""

ANSWER_WAIT_MS = 2_000
"""An answer counts for a pair whose first record arrives up to this much later: exporters empty their caches about once
a second, in an order of their own, and an answer that is lost turns a speed test into a flood. Waiting costs a second
look at rows that have left the cache meanwhile."""

PARTITIONS = 256
"""Parts into which the lines are cut by a hash. Flows wait until many of a part can be folded at once, while its rows
stand in a second-level cache: rows found at random in tens of megabytes cost 100 ns each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most rows held at once; a row is 256 octets (window), 192 (pair), 256 (series). Memory is taken as it is used.

    Attributes:
        series: (line, boundary, side) seen in the last seventy minutes; records of further lines are not folded.
        window_rows: rows of ``line_window``; the oldest window leaves first.
        pair_rows: rows of ``line_target``; the oldest block leaves first.
        held_answers: answers kept ``ANSWER_WAIT_MS`` for their pair; beyond it the oldest is settled earlier.
        partition_entries: sides of flows that wait in one part of the lines; a part that is full is folded.
    """

    series: int = 1 << 20
    window_rows: int = 1 << 21
    pair_rows: int = 1 << 22
    held_answers: int = 1 << 18
    partition_entries: int = 1 << 10
