"""Sampled packets drawn directly, against packet by packet."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.simulate.applications import APPLICATIONS
from sekisho.simulate.conversations import Conversations, Use, Uses
from sekisho.simulate.lines import build_lines
from sekisho.simulate.look_alikes import LOOK_ALIKES
from sekisho.simulate.scenario import LineCounts
from sekisho.simulate.thinning import Thinning
from sekisho.simulate.ways import Ways

INTERVAL = 100
SPAN_MS = 60_000
SEEN = {row.name: row for row in (*APPLICATIONS, *(a for look in LOOK_ALIKES.values() for a in look.applications))}
BY_CHANCE = {name: row for name, row in SEEN.items() if row.starts_per_hour}
MEASURES = ("flows", "packets", "octets", "packets sent")


def lines_of(row):
    counts = LineCounts(pppoe=40, map_e=40, ipoe=40, fixed=40)
    lines = build_lines(counts, np.random.default_rng(1))
    return lines, np.flatnonzero(np.isin(lines.access, row.lines))


def conversations_of(row, seed):
    """Conversations of one application, enough of them that some leave packets."""
    lines, able = lines_of(row)
    wanted = 6000 / max(1.0, row.starts_per_hour / 60 * len(able))
    uses = Uses([Use(application=row, lines=able, times=wanted)])
    rng = np.random.default_rng(seed)
    return Conversations(uses, Ways(uses, lines, rng), rng), lines, rng


def sums(flows, sampled):
    """Sums of the measures, and their variance if conversations are independent."""
    some = sampled > 0
    values = np.array([some, sampled, sampled * flows.octets, sampled * (flows.outbound == 1)], np.float64)
    # Both ways of a conversation, and parallel ones, go together: their covariance is at most as much again.
    return values.sum(axis=1), 2 * (values**2).sum(axis=1)


@pytest.mark.parametrize("name", BY_CHANCE)
def test_the_same_as_packet_by_packet(name):
    """Flows with sampled packets, packets, octets, packets sent agree within five deviations, for any application."""
    row = BY_CHANCE[name]
    v4_lo = np.full(160, 7)
    conversations, _, rng = conversations_of(row, 2)
    flows = conversations.starting(0, SPAN_MS, v4_lo)
    plain, plain_variance = sums(flows, rng.binomial(flows.total(), 1 / INTERVAL))
    conversations, lines, rng = conversations_of(row, 3)
    thinned, thinned_variance = sums(*Thinning(conversations, lines, INTERVAL, rng).starting(0, SPAN_MS, v4_lo))
    assert plain[1] > 5
    deviation = np.sqrt(plain_variance + thinned_variance)
    parallel = np.sqrt(row.parallel)
    for measure, one, other, allowed in zip(MEASURES, plain, thinned, 5 * parallel * deviation, strict=True):
        assert abs(one - other) <= allowed, (measure, one, other)


def test_the_cost_follows_what_is_sampled():
    """At 1:10,000 few proposals are drawn of many conversations, and most of them are kept."""
    row = SEEN["dns"]
    lines, able = lines_of(row)
    uses = Uses([Use(application=row, lines=able, times=1000.0)])
    rng = np.random.default_rng(1)
    conversations = Conversations(uses, Ways(uses, lines, rng), rng)
    thinning = Thinning(conversations, lines, 10_000, rng)
    drawn, _, bound = thinning._proposed(0, SPAN_MS)
    thinned = thinning.starting(0, SPAN_MS, np.full(160, 7))
    started = uses.starts_per_ms.sum() * SPAN_MS
    assert len(drawn.line) < started / 500
    assert len(thinned.flows.line) > len(drawn.line) / 6
    assert bound.max() <= 1


def test_nothing_is_kept_that_leaves_nothing():
    """Every flow that is kept has a sampled packet, and not more than it has packets but by replacement."""
    conversations, lines, rng = conversations_of(SEEN["web_tcp"], 1)
    flows, sampled = Thinning(conversations, lines, INTERVAL, rng).starting(0, SPAN_MS, np.full(160, 7))
    assert (sampled > 0).all()
    assert (sampled <= flows.total() + 1).all()
