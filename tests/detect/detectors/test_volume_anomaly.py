"""Unusual volume: rows at each threshold, history that is too short, and the level."""

from __future__ import annotations

from typing import Any

import pytest

from detect.engine import engine
from detect.inputs import HOUR_MS, baseline
from detect.rows import BLOCK, Row, ask, target, window
from detect.traffic import T0, Traffic
from sekisho.detect.baseline import Baseline
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.volume_anomaly import DETECTOR
from sekisho.detect.episodes import Window
from sekisho.schema.detection import Cap, Level

GB = 1e9
INTO_HOUR_S = BLOCK % HOUR_MS // 1000
"""The rows' first block begins this long into an hour."""


def sent(octets: float, at_s: float = 0, *, sampled: float = 1000, protocol: int = 6, **values: Any) -> Row:
    counts = {"packets": octets / 1000, "octets": octets, "sampled_packets": sampled}
    return target("203.0.113.5", 443, at_s=at_s, protocol=protocol, **(counts | values))


def judge(*targets: Row, group: str = "home", octets: float = 1e8, **usual: float) -> list[Window]:
    rows = [window(at, packets=octets / 1000, octets=octets, sampled_packets=100) for at in range(0, 1200, 10)]
    return ask(DETECTOR, rows, targets, group=group, inputs={"baseline": baseline([1], **usual)})


@pytest.mark.parametrize(("octets", "found"), [(1.99 * GB, 0), (2.0 * GB, 120), (2.01 * GB, 120)])
def test_an_hour_is_large_from_two_gigabytes_on(octets: float, found: int):
    """Below it nobody is harmed, usual or not."""
    assert len(judge(sent(octets))) == found


@pytest.mark.parametrize(("usual", "found"), [(0.51 * GB, 0), (0.5 * GB, 120), (0.49 * GB, 120)])
def test_three_spreads_of_a_factor_of_two_are_eight_times_the_usual(usual: float, found: int):
    """A narrow spread counts as a factor of two, since three weeks tell it poorly."""
    assert len(judge(sent(4 * GB), usual_octets=usual, spread=0.1)) == found


@pytest.mark.parametrize(("spread", "found"), [(1.36, 0), (1.33, 120), (1.3, 120)])
def test_a_line_whose_hours_differ_anyway_needs_more(spread: float, found: int):
    """Two to the fourth is sixteen times the usual."""
    assert len(judge(sent(16 * GB), usual_octets=1 * GB, spread=spread)) == found


@pytest.mark.parametrize(("weeks", "found"), [(2, 0), (3, 120), (4, 120)])
def test_three_weeks_of_that_hour_are_needed(weeks: int, found: int):
    """Silent until then."""
    assert len(judge(sent(9 * GB), weeks=weeks)) == found


@pytest.mark.parametrize(("sampled", "found"), [(39, 0), (40, 120), (41, 120)])
def test_the_hour_must_be_known_well_enough(sampled: float, found: int):
    """Forty sampled packets."""
    assert len(judge(sent(9 * GB, sampled=sampled))) == found


def test_the_blocks_of_an_hour_are_added_and_those_of_the_next_are_not():
    """1.2 GB each in two blocks: an anomaly where both are in one hour."""
    blocks = [sent(1.2 * GB, at_s=at) for at in (0, 600)]
    assert len(judge(*blocks)) == 120
    assert INTO_HOUR_S % 600 == 0
    last = HOUR_MS // 1000 - INTO_HOUR_S - 600
    assert judge(*(sent(1.2 * GB, at_s=last + at) for at in (0, 600))) == []


def test_what_the_cap_on_targets_left_out_counts():
    """The rest row has no target, but its octets were sent."""
    assert len(judge(sent(1.9 * GB), sent(0.2 * GB, protocol=-1))) == 120


def test_windows_at_the_usual_pace_are_no_part_of_it():
    """Nothing of an evening's ordinary traffic is called unusual."""
    assert judge(sent(9 * GB), usual_octets=1 * GB, octets=1 * GB / 361) == []


def test_a_business_line_may_send_more():
    """The same hour is none there."""
    assert len(judge(sent(9 * GB))) == 120
    assert judge(sent(9 * GB), group="business") == []


def upload() -> Traffic:
    """2.5 GB in a quarter of an hour, acknowledged."""
    return Traffic().talk("203.0.113.5", 443, pps=2500, octets=1100, answer_pps=1200, protocol=6, flags=24, stop=900)


def test_an_unusual_hour_is_watch_and_says_how_much():
    """Never more than watch, by what detector it is; the evidence holds the hour, the usual and the weeks."""
    inputs = {"baseline": lambda lines, _at_ms: baseline(lines)}
    (found,) = upload().judge(detect=Detect(engine=engine(), inputs=inputs))
    assert (found.kind, found.level, found.caps) == ("volume_anomaly", Level.WATCH, (Cap.FOR_A_PERSON,))
    assert found.evidence["hour_octets"] > 2e9
    assert (found.evidence["usual_octets"], found.evidence["weeks"]) == (5e7, 4)
    assert found.first_seen_ms == T0
    assert [t.prefix for t in found.top_targets] == ["203.0.113.0/24"]


def test_without_history_it_is_silent_and_learns_by_the_way():
    """A baseline that has just begun knows no line; an hour later it does."""
    empty = Baseline(lines_limit=4)
    on = Detect(engine=engine(), inputs={"baseline": empty.for_lines}, learner=empty)
    traffic = upload()
    traffic.talk("203.0.113.5", 443, pps=1, octets=100, answer_pps=1, protocol=6, flags=24, stop=9000)
    assert traffic.judge(detect=on) == []
    assert len(empty) == 1


def test_without_a_baseline_the_detector_is_off():
    """It ships off."""
    assert upload().judge() == []
