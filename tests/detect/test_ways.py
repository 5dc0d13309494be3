"""Whether an exporter shows both ways: told from enough lines that were seen long enough."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.detect.seen import Seen
from sekisho.detect.ways import STEADY_WINDOWS, two_way_exporters


def seen(*, lines: int, receiving: int, sent: int = STEADY_WINDOWS) -> Seen:
    counts = Seen(1000)
    received = (np.arange(lines) < receiving).astype(np.int64)
    counts.add(np.arange(1, lines + 1), np.full(lines, sent), received)
    return counts


@pytest.mark.parametrize(
    ("counts", "is_two_way"),
    [
        (seen(lines=20, receiving=18), True),
        (seen(lines=20, receiving=17), False),
        (seen(lines=19, receiving=19), False),
        (seen(lines=20, receiving=20, sent=STEADY_WINDOWS - 1), False),
        (seen(lines=100, receiving=0), False),
    ],
    ids=["nine of ten", "fewer", "too few lines", "not long enough", "one way"],
)
def test_practically_all_lines_must_receive(counts: Seen, is_two_way: bool):
    """Nine of ten of at least twenty lines, each seen for a minute: anything less proves nothing."""
    assert two_way_exporters(counts, lambda _: 7) == (frozenset({7}) if is_two_way else frozenset())


def test_each_exporter_is_told_by_its_own_lines():
    """Half of the lines behind an exporter that shows one way only: the other is still known."""
    counts = seen(lines=100, receiving=50)
    assert two_way_exporters(counts, lambda line: 1 if line <= 50 else 2) == frozenset({1})


def test_lines_without_an_exporter_say_nothing():
    """A line of which no sent record is held any more belongs to no exporter."""
    assert two_way_exporters(seen(lines=50, receiving=50), lambda _: None) == frozenset()


def test_no_line_no_exporter():
    """Before anything was seen nothing is known."""
    assert two_way_exporters(Seen(10), lambda _: 1) == frozenset()
