"""Intervals against published tables, by coverage, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.detect.interval import interval_95

GARWOOD = {
    1: (0.0253, 5.5716),
    2: (0.2422, 7.2247),
    5: (1.6235, 11.6683),
    10: (4.7954, 18.3904),
    100: (81.3640, 121.6268),
}
"""Exact 95 % limits of a Poisson mean for a count, from published tables."""


@pytest.mark.parametrize("count", sorted(GARWOOD))
def test_small_counts_have_the_exact_poisson_limits(count: int):
    """A variance equal to the count is a Poisson count: the limits are Garwood's."""
    assert interval_95(count, count) == pytest.approx(GARWOOD[count], abs=1e-4)


def test_the_approximation_for_large_counts_meets_the_exact_one():
    """Where the exact computation ends, both agree to one in ten thousand."""
    exact, approximate = interval_95(198.0, 198.0), interval_95(202.0, 202.0)
    for near, far in zip(exact, approximate, strict=True):
        assert far / near == pytest.approx(202 / 198, rel=2e-3)


def test_what_was_counted_needs_no_interval():
    """Without sampling the limits are the value itself."""
    assert interval_95(5000.0, 0.0) == (5000.0, 5000.0)
    assert interval_95(0.0, 0.0) == (0.0, 0.0)


def test_loss_raises_the_upper_limit_only():
    """A fifth of the records lost: the true value may be a quarter higher."""
    assert interval_95(800.0, 0.0, loss=0.2) == pytest.approx((800.0, 1000.0))


@pytest.mark.parametrize(("interval", "packets"), [(2, 60), (10, 400), (1000, 20_000), (4096, 100_000)])
def test_nineteen_of_twenty_intervals_hold_the_truth(interval: int, packets: int):
    """Binomial sampling of a known count: at least 94 % of the intervals contain it."""
    seen = np.random.default_rng(5).binomial(packets, 1 / interval, 2000)
    limits = [interval_95(float(k * interval), float(k * interval * (interval - 1))) for k in seen if k]
    held = sum(low <= packets <= high for low, high in limits)
    assert held / len(limits) >= 0.94


@pytest.mark.parametrize("seen", [3, 20, 400])
@pytest.mark.parametrize("windows", [2, 15, 360])
def test_the_interval_of_the_highest_holds_the_truth_as_well(windows: int, seen: int):
    """Of equal windows the highest estimate is too high; with their number known its interval still holds the truth."""
    highest = np.random.default_rng(5).poisson(seen, (1000, windows)).max(axis=1)
    limits = [interval_95(float(k), float(k), highest_of=windows) for k in highest]
    held = sum(low <= seen <= high for low, high in limits)
    assert held / len(limits) >= 0.95
    alone = [interval_95(float(k), float(k)) for k in highest]
    assert sum(low <= seen <= high for low, high in alone) <= held
