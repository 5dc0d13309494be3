"""Packet selection."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sekisho.simulate.flows import OWN_KEYS, from_rows
from sekisho.simulate.sampling import sample


def flows(patterns):
    return from_rows([{"period_ms": 1.0, "end_ms": 10**6, "pattern": number} for number in patterns])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 400)), min_size=1, max_size=20), st.integers(2, 30))
def test_selected_packets_exist_once(counts, interval):
    """Every selected packet is one of those that left in the step, and none is selected twice."""
    before, sent = np.array(counts).T
    chosen = sample(flows([OWN_KEYS] * len(counts)), before, sent, interval, np.random.default_rng(1))
    assert (chosen.packets == 1).all()
    assert (chosen.nth >= before[chosen.row]).all()
    assert (chosen.nth < (before + sent)[chosen.row]).all()
    assert len(set(zip(chosen.row.tolist(), chosen.nth.tolist(), strict=True))) == len(chosen.row)


def test_one_in_n():
    """Of two million packets one in a hundred is selected, within five standard deviations, in every flow alike."""
    sent = np.array([1_000_000, 600_000, 400_000])
    chosen = sample(flows([OWN_KEYS] * 3), np.zeros(3, np.int64), sent, 100, np.random.default_rng(1))
    share = np.bincount(chosen.row) - sent / 100
    assert (np.abs(share) < 5 * np.sqrt(sent / 100)).all()


def test_neighbours_are_independent():
    """Selection is random, not every n-th: the gaps between selected packets are geometric (mean N, deviation N)."""
    chosen = sample(flows([OWN_KEYS]), np.array([0]), np.array([5_000_000]), 50, np.random.default_rng(1))
    gaps = np.diff(chosen.nth)
    assert abs(gaps.mean() - 50) < 1
    assert abs(gaps.std() - np.sqrt(50 * 49)) < 1


def test_without_sampling_a_flow_is_one_observation_and_a_pattern_many():
    """At 1:1 the packets of a conversation stay together; those of a pattern have keys of their own."""
    chosen = sample(flows([OWN_KEYS, 0]), np.array([4, 2]), np.array([3, 3]), 1, np.random.default_rng(1))
    rows = list(zip(chosen.row.tolist(), chosen.nth.tolist(), chosen.packets.tolist(), strict=True))
    assert rows == [(0, 4, 3), (1, 2, 1), (1, 3, 1), (1, 4, 1)]


def test_nothing_sent_nothing_selected():
    """No flow, or flows without packets, give no observation at any interval."""
    for interval in (1, 10):
        for count in (0, 2):
            nothing = np.zeros(count, np.int64)
            assert len(sample(flows([OWN_KEYS] * count), nothing, nothing, interval, np.random.default_rng(1)).row) == 0
