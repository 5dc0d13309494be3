"""Dynamic addresses and who holds them."""

from __future__ import annotations

import numpy as np

from sekisho.simulate.lines import build_lines
from sekisho.simulate.scenario import LineCounts
from sekisho.simulate.sessions import REST_MS, Sessions

START, END = 1_793_530_800_000, 1_793_530_800_000 + 3_600_000


def changes(forced=None, lines=200, rate=3.0):
    built = build_lines(LineCounts(pppoe=lines), np.random.default_rng(1))
    sessions = Sessions(
        built, np.random.default_rng(2), start_ms=START, end_ms=END, reconnects_per_hour=rate, forced=forced or {}
    )
    return list(sessions.changes())


def test_in_order_of_time():
    """Changes come in order of time, all before the end."""
    times = [change.at_ms for change in changes()]
    assert times == sorted(times)
    assert times[-1] < END


def test_an_address_has_one_holder_and_rests_between_two():
    """No address is given out while it is held, nor before it has rested, and no line holds two."""
    holder: dict[int, int] = {}
    left: dict[int, int] = {}
    for change in changes():
        if change.up:
            assert change.address_lo not in holder
            assert change.line not in holder.values()
            assert change.at_ms - left.get(change.address_lo, 0) >= REST_MS
            holder[change.address_lo] = change.line
        else:
            assert holder.pop(change.address_lo) == change.line
            left[change.address_lo] = change.at_ms


def test_addresses_change_hands():
    """Within an hour many addresses are held by several lines: attribution has something to get wrong."""
    holders: dict[int, set[int]] = {}
    for change in changes():
        holders.setdefault(change.address_lo, set()).add(change.line)
    assert sum(len(lines) > 1 for lines in holders.values()) > 50


def test_a_forced_line_is_cut_then_and_only_then():
    """A line with forced cuts loses its connection at those instants and at no other."""
    cuts = [change.at_ms for change in changes({5: [START + 60_000]}) if change.line == 5 and not change.up]
    assert cuts == [START + 60_000]


def test_without_reconnects_nothing_changes():
    """At a rate of 0 each line keeps its address."""
    assert all(change.up and change.at_ms < START for change in changes(rate=0.0))
