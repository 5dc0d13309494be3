"""The stream clock cuts datagrams at ticks, whatever blocks they arrive in."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sekisho.pipeline.clock import TICK_MS, StreamClock
from sekisho.wire.datagrams import Datagrams


def datagrams(times: list[int]) -> Datagrams:
    return Datagrams.of((time, 0, 2055, bytes(4)) for time in times)


def ticks_of(blocks: list[list[int]]) -> dict[int, int]:
    """Number of datagrams that each completed tick has seen, and the last tick."""
    clock, seen, counts = StreamClock(), 0, {}
    for block in blocks:
        for complete, part in clock.cut(datagrams(block)):
            if complete is not None:
                counts[complete] = seen
            seen += len(part)
    if clock.tick_ms is not None:
        counts[clock.tick_ms] = seen
    return counts


def test_a_datagram_at_the_tick_itself_belongs_to_it():
    """Tick T has seen what arrived at or before T, nothing later."""
    assert ticks_of([[1, TICK_MS, TICK_MS + 1]]) == {TICK_MS: 2, 2 * TICK_MS: 3}


def test_silence_is_skipped():
    """Hours without a datagram make no ticks of their own."""
    assert ticks_of([[1, 3_600_000]]) == {TICK_MS: 1, 3_600_000: 2}


def test_time_does_not_run_back():
    """An older datagram is taken into the tick that is being filled."""
    assert ticks_of([[TICK_MS + 1, 5]]) == {2 * TICK_MS: 2}


@given(st.lists(st.integers(0, 60_000), max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_blocks_do_not_matter(times: list[int], cuts: list[int]):
    """The same datagrams in other blocks complete the same ticks with the same counts."""
    edges = sorted({0, len(times), *(c for c in cuts if c <= len(times))})
    blocks = [times[a:b] for a, b in pairwise(edges)]
    assert ticks_of(blocks) == ticks_of([times])
