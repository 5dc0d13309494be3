"""How often lines were seen: the same counts as a dictionary would hold, and a bounded number of lines."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sekisho.detect.seen import Seen

ticks = st.lists(st.dictionaries(st.integers(1, 20), st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8))


def add(seen: Seen, counts: dict[int, tuple[int, int]]) -> None:
    lines = sorted(counts)
    sent, received = (np.array([counts[line][k] for line in lines], dtype=np.int64) for k in (0, 1))
    seen.add(np.array(lines, dtype=np.int64), sent, received)


@given(ticks, st.integers(1, 12))
def test_counts_add_up_and_the_longest_silent_leave_first(ticks, limit):
    """Whatever comes in which order: as in a dictionary from which the oldest entries are taken."""
    seen, expected = Seen(limit), {}
    for counts in ticks:
        add(seen, counts)
        for line in sorted(counts):
            sent, received = expected.pop(line, (0, 0))
            expected[line] = sent + counts[line][0], received + counts[line][1]
        for line in list(expected)[: max(len(expected) - limit, 0)]:
            del expected[line]
        assert {line: seen.of(line) for line in range(22)} == {line: expected.get(line, (0, 0)) for line in range(22)}


def test_a_line_never_seen_has_no_windows():
    """Neither before the first tick nor beside others."""
    seen = Seen(10)
    assert seen.of(5) == (0, 0)
    add(seen, {4: (1, 2), 6: (3, 4)})
    assert (seen.of(4), seen.of(5), seen.of(7)) == ((1, 2), (0, 0), (0, 0))
