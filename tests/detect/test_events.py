"""Events: who belongs together, since when, how much; lines that only the event shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detect.traffic import SYN, T0, Traffic, addresses
from sekisho.detect import weak
from sekisho.detect.detect import Detect
from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.portable import check
from sekisho.schema.detection import Cap, Level

TCP = {"protocol": 6, "flags": SYN, "octets": 40}


def reported(traffic: Traffic):
    detect = Detect(engine=DuckDBEngine())
    traffic.judge(detect=detect)
    return detect.report()


def herd(lines: int, pps: float, *, traffic: Traffic | None = None, stop: float = 120, target: str = "203.0.113.5"):
    traffic = traffic or Traffic(sampling=100)
    for line in range(1, lines + 1):
        traffic.spray([target], range(1, 60_000), line=line, pps=pps, octets=600, stop=stop)
        traffic.talk("198.51.100.9", 443, line=line, pps=40, octets=80, answer_pps=80, protocol=6, flags=16, stop=stop)
    return traffic


def test_two_lines_and_one_target_are_an_event():
    """Both floods carry its id; the rate is that of both together, the span that of the longer one."""
    traffic = Traffic(sampling=100)
    traffic.spray(["203.0.113.5"], range(1, 60_000), line=1, pps=9000, octets=600, stop=60)
    traffic.spray(["203.0.113.9"], range(1, 60_000), line=2, pps=7000, octets=600, start=20, stop=90)
    traffic.spray(["198.51.100.9"], range(1, 60_000), line=3, pps=9000, octets=600, stop=60)
    detections, (event,) = reported(traffic)
    assert {d.line: d.event for d in detections} == {1: event.id, 2: event.id, 3: None}
    assert (event.lines, event.members, event.target.prefix) == (2, (1, 2), "203.0.113.0/24")
    assert (event.first_seen_ms, event.last_seen_ms) == (T0, T0 + 90_000)
    assert event.peak_pps == pytest.approx(16_000, rel=0.1)
    assert event.peak_bps == pytest.approx(16_000 * 4800, rel=0.1)


def test_other_ports_other_kinds_of_targets_other_times_are_other_events():
    """The same network hit by SYN is not the same event; after an hour it is a new one with a new id."""
    traffic = Traffic(sampling=100)
    for line in (1, 2):
        traffic.spray(["203.0.113.5"], [53413], line=line, pps=9000, octets=600, stop=30)
        traffic.spray(["203.0.113.5"], [53413], line=line, pps=9000, octets=600, start=3600, stop=3630)
        traffic.spray(["203.0.113.5"], [80], line=line + 2, pps=9000, stop=30, **TCP)
    detections, events = reported(traffic)
    assert [(e.target.protocol, e.target.port, e.lines) for e in events].count((17, 53413, 2)) == 2
    assert [(e.target.protocol, e.target.port, e.lines) for e in events].count((6, 80, 2)) == 1
    assert len({e.id for e in events}) == len(events) == 3
    assert all(d.event for d in detections)


def test_a_scan_is_part_of_no_event():
    """Two scanners of the same networks have no target in common that suffers."""
    traffic = Traffic(sampling=100)
    for line in (1, 2):
        traffic.spray(addresses("198.18.0.0", 60_000), [23], line=line, pps=300, stop=60, **TCP)
    detections, events = reported(traffic)
    assert (len(detections), events) == (2, [])


def test_many_weak_lines_are_found_together_and_watched():
    """Twenty lines of 150 packets a second: none is a flood; together they are an event, each at ``watch``."""
    detections, (event,) = reported(herd(20, 150))
    assert {(d.kind, d.level, d.caps) for d in detections} == {("udp_flood", Level.WATCH, (Cap.WEAK_ALONE,))}
    assert {d.line for d in detections} == set(event.members) == set(range(1, 21))
    assert {d.event for d in detections} == {event.id}
    assert {weak.quiet(d.evidence, "en").count("100 packets a second a line") for d in detections} == {1}
    assert event.peak_pps == pytest.approx(20 * 150, rel=0.1)
    intervals = [detection.peak_pps_interval_95 for detection in detections]
    assert sum(low < 150 < high for low, high in intervals) >= 17


def test_a_strong_line_stands_alone_beside_the_weak():
    """The line that is a flood by itself is reported once, at ``act``, in the same event."""
    traffic = herd(12, 150)
    traffic.spray(["203.0.113.5"], range(1, 60_000), line=50, pps=9000, octets=600, stop=120)
    traffic.talk("198.51.100.9", 443, line=50, pps=40, octets=80, answer_pps=80, protocol=6, flags=16, stop=120)
    detections, (event,) = reported(traffic)
    assert [(d.level, d.event) for d in detections if d.line == 50] == [(Level.ACT, event.id)]
    assert event.lines == 13


@pytest.mark.parametrize(
    "traffic",
    [
        herd(weak.LINES - 1, 150),
        herd(20, 30),
        herd(9, 150),
        herd(20, 150, traffic=Traffic(sampling=100, two_way=False)),
    ],
    ids=["too few lines", "retries of a game", "little together", "answers cannot be seen"],
)
def test_what_is_no_event(traffic: Traffic):
    """Below the number of lines, of packets a line, of packets together; where nothing tells it from a popular one."""
    assert reported(traffic) == ([], [])


@pytest.mark.parametrize("sampling", [1, 1000, 4096])
def test_a_popular_destination_that_is_out_of_order_is_no_event(sampling: int):
    """Three hundred lines retry with three SYN a second each for ten minutes: as many packets as a flood, and none."""
    traffic = Traffic(sampling=sampling)
    for line in range(1, 301):
        traffic.spray(["203.0.113.5"], [443], line=line, pps=3, octets=60, protocol=6, flags=SYN, stop=600)
    assert reported(traffic) == ([], [])


def test_weak_lines_that_are_answered_in_the_end_are_forgotten():
    """Answers that are exported later than the questions take the event back."""
    traffic = Traffic()
    for line in range(1, 21):
        traffic.talk("203.0.113.5", 5000, line=line, pps=150, octets=600, answer_pps=100, stop=200)
    assert reported(traffic) == ([], [])


def test_a_popular_destination_answers_some_and_is_no_event():
    """At 1:4096 many of its uploads show no answer; that others of the same minutes do tells it from a target."""
    traffic = Traffic(sampling=4096)
    for line in range(1, 41):
        traffic.talk("203.0.113.5", 443, line=line, pps=900, octets=1280, answer_pps=45, stop=60)
    assert reported(traffic) == ([], [])


@pytest.mark.parametrize(("answered", "found"), [(0.01, True), (0.03, False)])
def test_a_network_that_answers_two_in_a_hundred_is_popular(answered: float, found: bool):
    """The share is of all lines' datagrams, though one line alone of twenty-one was answered."""
    traffic = herd(20, 150)
    traffic.talk("203.0.113.5", 5000, line=30, pps=300, octets=600, answer_pps=3300 * answered, stop=120)
    lines = {d.line for d in reported(traffic)[0]}
    assert lines == (set(range(1, 21)) if found else set())


def test_a_network_of_which_few_answers_were_sampled_is_not_taken_for_a_target():
    """Two measurements at line rate, one datagram in 36 answered: by chance fewer than one in 50 was sampled."""
    traffic = Traffic(sampling=4096)
    for line in (1, 2):
        traffic.talk("203.0.113.5", 8443, line=line, pps=90_000, octets=1280, answer_pps=2500, stop=10)
    for line in range(3, 15):
        traffic.spray(["203.0.113.5"], [443], line=line, pps=250, octets=1280, stop=100)
    for line in range(1, 15):
        traffic.talk(
            "198.51.100.9", 443, line=line, pps=800, octets=80, answer_pps=1600, protocol=6, flags=16, stop=120
        )
    assert reported(traffic) == ([], [])


@pytest.mark.parametrize("sql", [weak.SQL, weak.SUSPECTS], ids=["parts", "suspects"])
def test_the_statement_is_portable(sql: str):
    """Every engine can run it."""
    assert check(sql) == []


def test_an_id_does_not_change_when_a_line_joins():
    """The event that was shown a minute ago is the same one."""
    traffic = herd(2, 9000)
    _, (before,) = reported(replace(traffic, rows=list(traffic.rows)))
    traffic.spray(["203.0.113.5"], range(1, 60_000), line=9, pps=9000, octets=600, start=60, stop=120)
    _, (after,) = reported(traffic)
    assert (before.id, before.lines, after.lines) == (after.id, 2, 3)
