"""Which line starts what, and when."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.simulate.applications import app
from sekisho.simulate.conversations import Conversations, Use, Uses
from sekisho.simulate.flows import TCP
from sekisho.simulate.lines import build_lines
from sekisho.simulate.scenario import LineCounts
from sekisho.simulate.ways import Ways

V4_LO = np.full(20, 7)


def conversations(*, from_ms=0, until_ms=10**9, activity_at=lambda _at_ms: 1.0, times=1.0, **values):
    usual = {"duration_s": 30.0, "up_pps": 1, "down_pps": 1, "up_octets": 100, "down_octets": 100}
    row = app("one", TCP, (443,), **(usual | values))
    lines, rng = build_lines(LineCounts(pppoe=20), np.random.default_rng(1)), np.random.default_rng(1)
    use = Use(application=row, lines=np.arange(20), times=times, from_ms=from_ms, until_ms=until_ms)
    uses = Uses([use])
    return Conversations(uses, Ways(uses, lines, rng), rng, activity_at=activity_at)


def sent(flows):
    return flows.select(flows.outbound == 1)


def test_as_many_go_on_at_the_start_as_later():
    """A scenario begins in the middle: the conversations open at its first instant are as many as after an hour."""
    talking = conversations(starts_per_hour=60, spread=1.0, times=200.0)
    at_ms = 10**7
    at_once = sent(talking.running(at_ms, V4_LO))
    later_ms = at_ms + 3_600_000
    begun = sent(talking.starting(at_ms, later_ms, V4_LO))
    open_later = (at_once.end_ms > later_ms).sum() + (begun.end_ms > later_ms).sum()
    assert len(at_once.line) == pytest.approx(open_later, rel=0.05)
    left_at_once = (at_once.end_ms - at_ms).mean()
    left_later = (begun.end_ms[begun.end_ms > later_ms] - later_ms).mean()
    assert left_at_once == pytest.approx(left_later, rel=0.1)


def test_a_fixed_pace_is_kept_across_steps():
    """Every so many seconds one conversation a line starts, whatever the steps are, within the time of its use."""
    talking = conversations(from_ms=5000, until_ms=60_000, every_s=7.5, after_s=1.0)
    starts = np.concatenate([sent(talking.starting(at, at + 1000, V4_LO)).start_ms for at in range(0, 90_000, 1000)])
    assert sorted(set(starts.tolist())) == [6000 + n * 7500 for n in range(8)]
    assert len(starts) == 8 * 20


def test_parallel_conversations_start_together():
    """Connections in parallel start at one instant, from one line, each from another port."""
    flows = sent(conversations(starts_per_hour=600, parallel=4).starting(0, 60_000, V4_LO))
    groups, sizes = np.unique(np.stack([flows.line, flows.start_ms]), axis=1, return_counts=True)
    assert groups.shape[1] > 50
    assert (sizes % 4 == 0).all()
    assert len(np.unique(flows.ports)) > 0.9 * len(flows.ports)


def test_activity_scales_what_starts():
    """Half the activity, half the conversations."""
    counts = [
        len(conversations(starts_per_hour=6000, activity_at=lambda _at_ms, f=f: f).starting(0, 60_000, V4_LO).line)
        for f in (1.0, 0.5)
    ]
    assert counts[1] == pytest.approx(counts[0] / 2, rel=0.15)


def test_no_conversation_outlasts_its_use():
    """What has an end ends then, also what was running already."""
    talking = conversations(until_ms=50_000, starts_per_hour=600, duration_s=500.0, always=2)
    flows = [talking.running(0, V4_LO), talking.starting(0, 49_000, V4_LO)]
    assert max(sent(f).end_ms.max() for f in flows) <= 50_000
