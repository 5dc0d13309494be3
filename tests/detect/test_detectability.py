"""What can be seen at all: against drawn samples, at the thresholds, and in which direction each condition moves it."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.detect.detectability import HIGHEST_PPS, LONGEST_H, lowest_rate_pps, seen_within_hours
from sekisho.detect.interval import at_least
from sekisho.detect.needs import NEEDS, Connections, Look
from sekisho.detect.registry import DETECTORS

UNKNOWN = {"volume_anomaly"}
every_kind = pytest.mark.parametrize("kind", sorted(NEEDS))


def test_every_kind_that_packets_alone_decide_has_its_needs():
    """A new detector says what it needs, or that it needs something else."""
    assert {kind for detector in DETECTORS for kind in detector.kinds} == set(NEEDS) | UNKNOWN


@pytest.mark.parametrize(("count", "mean"), [(1, 0.05), (20, 27.9), (199, 180.0), (201, 220.0), (15_000, 14_900.0)])
def test_the_chance_of_a_count_is_that_of_poisson(count: int, mean: float):
    """Against a million draws, on both sides of where the exact sum ends."""
    drawn = np.random.default_rng(5).poisson(mean, 1_000_000)
    assert at_least(count, mean) == pytest.approx(np.mean(drawn >= count), abs=0.002)


def test_the_chance_of_a_count_has_its_ends():
    """Nothing is always there, and of nothing there is none; a mean far above is certain."""
    assert (at_least(0, 0.0), at_least(1, 0.0), at_least(3, 1e9)) == (1.0, 0.0, 1.0)


@every_kind
def test_the_lowest_rate_falls_with_time_and_rises_with_sampling_and_loss(kind: str):
    """Longer traffic, denser samples and complete records never need a higher rate."""
    rates = [lowest_rate_pps(kind, sampling, 3600) or HIGHEST_PPS for sampling in (1, 100, 1000, 4096)]
    longer = [lowest_rate_pps(kind, 1000, s) or HIGHEST_PPS for s in (60, 600, 3600, 86_400)]
    assert longer == sorted(longer, reverse=True)
    assert (lowest_rate_pps(kind, 1000, 600, loss=0.2) or 0) > longer[1]
    if kind in {"scan", "brute_force", "spam", "c2_contact"}:
        # Of floods the rate decides: a coarser sample takes more of those below it for one.
        assert rates == sorted(rates)


@every_kind
def test_what_is_seen_within_a_time_is_what_its_lowest_rate_says(kind: str):
    """Both answers are one: just above the lowest rate of an hour it is seen within one, far below never."""
    rate = lowest_rate_pps(kind, 1000, 3600)
    assert rate
    assert (seen_within_hours(kind, 1.01 * rate, 1000, 0.0) or LONGEST_H) <= 1.0
    assert seen_within_hours(kind, rate / 1000, 1000, 0.0) is None


def test_floods_are_seen_from_the_threshold_on_where_all_packets_are_records():
    """Unsampled, ten minutes: the rate of a minute, and not a tenth below it."""
    rate = lowest_rate_pps("udp_flood", 1, 600)
    assert rate == pytest.approx(600, rel=0.03)
    business = lowest_rate_pps("udp_flood", 1, 600, group="business")
    assert business == pytest.approx(1500, rel=0.03)


def test_one_way_exports_need_higher_rates_of_floods_that_answers_tell():
    """Without answers the flood must be faster; what never needed them stays."""
    assert lowest_rate_pps("udp_flood", 100, 600, two_way=False) > 2 * lowest_rate_pps("udp_flood", 100, 600)  # type: ignore[operator]
    assert lowest_rate_pps("icmp_flood", 100, 600, two_way=False) == lowest_rate_pps("icmp_flood", 100, 600)


def test_an_operators_thresholds_decide():
    """Twice the threshold is twice the rate."""
    changed = [
        detector.with_overrides({"pps_10s": 3000, "pps_60s": 1200}) if detector.name == "udp_flood" else detector
        for detector in DETECTORS
    ]
    usual, twice = (lowest_rate_pps("udp_flood", 1, 600, detectors=each) for each in (DETECTORS, changed))
    assert twice == pytest.approx(2 * usual, rel=0.02)  # type: ignore[operator]


def test_contact_with_a_controller_is_not_seen_within_a_minute():
    """It must be repeated over three minutes, however many packets there are."""
    assert lowest_rate_pps("c2_contact", 1, 60) is None
    assert lowest_rate_pps("c2_contact", 1, 600) is not None


@pytest.mark.parametrize("kind", ["volume_anomaly", "x_own", "nothing"])
def test_of_other_kinds_nothing_is_promised(kind: str):
    """What depends on a line's own past, or on an operator's detector, is never said to be seen."""
    assert lowest_rate_pps(kind, 1, 86_400) is None
    assert seen_within_hours(kind, 1e6, 1, 0.0) is None


def test_silence_is_not_waited_for_without_end():
    """A scan of a packet in ten minutes at 1:4096 would take months."""
    assert seen_within_hours("scan", 1 / 600, 4096, 0.0) is None
    assert seen_within_hours("scan", 40.0, 4096, 0.0) is not None


def test_all_records_lost_show_nothing():
    """Neither a rate nor a time."""
    assert lowest_rate_pps("scan", 1, 600, loss=1.0) is None
    assert seen_within_hours("scan", 1000.0, 1, 1.0) is None


def test_a_sure_estimate_needs_as_many_samples_as_its_lower_limit_says():
    """The estimate k N less twice the root of k N (N - 1) reaches the packets with k samples, and not with one less."""
    look = Look(period_s=60, packets=9000, sure=True)
    needed = look.needs(1000, 60)
    lower = [k * 1000 - 2 * (k * 1000 * 999) ** 0.5 for k in (needed - 1, needed)]
    assert lower[0] < 9000 <= lower[1]


def test_connections_are_sure_with_as_many_requests_as_both_lower_limits_say():
    """Fifty a second for ten minutes at 1:1000: the requests less twice their root, their packets' share likewise."""
    look = Connections(period_s=600, share=1 / 6, per_s=50, each=6)
    sure = [(c - 2 * c**0.5) * (1 - 2 / (6 * c) ** 0.5) for c in (look.needs(1000, 600) + k for k in (-1, 0))]
    assert sure[0] < 30 <= sure[1]
    assert look.needs(1, 600) == 30_000


def test_no_ten_seconds_stand_out_of_a_record():
    """Thresholds alike, a flood that is one flow must be faster: chance favours no window of it."""
    same = {"pps_10s": 1500, "pps_60s": 600}
    detectors = [d.with_overrides(same) if d.name in {"udp_flood", "icmp_flood"} else d for d in DETECTORS]
    scattered, one_flow = (
        lowest_rate_pps(kind, 1000, 600, detectors=detectors) for kind in ("udp_flood", "icmp_flood")
    )
    assert one_flow > 1.05 * scattered  # type: ignore[operator]
