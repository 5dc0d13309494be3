"""Detection over time: pulses, revisions, the tick that decided, what is reported."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from detect.traffic import SYN, T0, TICK_MS, Traffic, addresses, kinds
from sekisho.detect import judged
from sekisho.detect.detect import Detect
from sekisho.detect.level import LineInfo
from sekisho.detect.registry import DETECTORS
from sekisho.detect.verdict import verdict
from sekisho.query.duckdb import DuckDBEngine
from sekisho.schema.detection import Cap, Detection, Level, Quality
from sekisho.schema.subject import INTERFACE_BELOW

TCP = {"protocol": 6, "flags": SYN, "octets": 40}


def flood(traffic: Traffic, *, line: int = 1, start: float = 0, stop: float = 20, pps: float = 20_000) -> Traffic:
    return traffic.spray(["203.0.113.5"], range(1, 60_000), line=line, start=start, stop=stop, pps=pps, octets=600)


def mixed() -> Traffic:
    traffic = flood(Traffic(sampling=1000), line=3)
    traffic.spray(["203.0.113.9"], [80], line=2, pps=20_000, start=10, stop=40, **TCP)
    traffic.spray(addresses("198.18.0.0", 60_000), [23], line=1, pps=200, stop=120, **TCP)
    return traffic.talk("198.51.100.9", 443, line=4, pps=400, octets=80, answer_pps=1200, stop=120)


def test_pulses_are_one_episode_with_the_packets_of_all():
    """Three pulses of ten seconds, a minute apart: one detection from the first to the last."""
    traffic = Traffic(sampling=100)
    for start in (0, 60, 120):
        flood(traffic, start=start, stop=start + 10)
    (found,) = traffic.judge()
    assert (found.first_seen_ms, found.last_seen_ms) == (T0, T0 + 130_000)
    assert found.packets == pytest.approx(600_000, rel=0.05)
    assert found.peak_pps == pytest.approx(20_000, rel=0.1)
    low, high = found.peak_pps_interval_95
    assert low <= 20_000 <= high


def test_an_hour_of_silence_makes_two_episodes():
    """A flood that comes back beyond the gap is reported a second time, with its own time of detection."""
    traffic = flood(flood(Traffic(sampling=1000)), start=1200, stop=1220)
    first, second = traffic.judge()
    assert first.last_seen_ms + 900_000 < second.first_seen_ms
    assert first.detected_at_ms < T0 + 60_000 < T0 + 1_200_000 < second.detected_at_ms


@pytest.mark.parametrize("index", [0, 1, 2])
def test_cut_at_detected_at_it_is_there_and_one_tick_earlier_it_is_not(index: int):
    """The tick that is reported is the one that decided."""
    traffic = mixed()
    whole = traffic.judge()[index]
    there = kinds(traffic.judge(until_ms=whole.detected_at_ms))
    before = kinds(traffic.judge(until_ms=whole.detected_at_ms - TICK_MS))
    assert (whole.line, whole.kind) in there
    assert (whole.line, whole.kind) not in before


def test_the_same_input_gives_the_same_json():
    """Two runs agree to the last digit, and the order is that of the contract."""
    first, second = ([d.to_json() for d in mixed().judge()] for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert [d["kind"] for d in first] == ["scan", "udp_flood", "tcp_syn_flood"]


def test_a_verdict_is_made_again_only_when_what_it_rests_on_changes(monkeypatch: pytest.MonkeyPatch):
    """Thousands of episodes that are over cost a tick next to nothing; a loss that becomes known later is in all."""
    made: list[int] = []

    def counted(**given: Any) -> Detection:
        made.append(given["line"])
        return verdict(**given)

    monkeypatch.setattr(judged, "verdict", counted)
    loss = [0.0]
    watching = Detect(engine=DuckDBEngine(), quality=lambda *_: Quality(loss=loss[0]))
    first = mixed().judge(detect=watching)
    assert sorted(made) == sorted(d.line for d in first)
    assert watching.detections() == first
    assert len(made) == len(first)
    loss[0] = 0.2
    assert {d.quality.loss for d in watching.detections()} == {0.2}
    assert len(made) == 2 * len(first)


def test_targets_beyond_the_reach_of_a_detector_change_nothing():
    """Floods that come back after a block, a scan over three blocks: the same as with the targets of an hour."""
    traffic = flood(flood(Traffic(sampling=1000), line=3, stop=10), line=3, start=900, stop=910)
    traffic.spray(["203.0.113.9"], [80], line=2, pps=20_000, start=580, stop=620, **TCP)
    traffic.spray(addresses("198.18.0.0", 60_000), [23], line=1, pps=20, stop=1300, **TCP)
    far = Detect(engine=DuckDBEngine(), detectors=[replace(d, reach_ms=3_600_000) for d in DETECTORS])
    found = [d.to_json() for d in traffic.judge()]
    assert found == [d.to_json() for d in traffic.judge(detect=far)]
    assert sorted(d["kind"] for d in found) == ["scan", "tcp_syn_flood", "udp_flood"]


def test_every_line_has_its_own_kind_and_the_innocent_none():
    """Three lines with three kinds; the fourth, watching a video, has none."""
    assert kinds(mixed().judge()) == [(1, "scan"), (2, "tcp_syn_flood"), (3, "udp_flood")]


def test_answers_that_come_later_take_the_verdict_back():
    """An upload whose answers are exported after it is no flood in the end."""
    traffic = Traffic().talk("203.0.113.5", 443, pps=20_000, octets=1100, answer_pps=4000, stop=30)
    traffic.rows = [(row[0] + 20_000, *row[1:]) if row[7][-1] else row for row in traffic.rows]
    up_to_here = min(row[0] for row in traffic.rows) + 10_000
    traffic.talk("198.51.100.9", 443, pps=5, octets=80, answer_pps=5, stop=90)
    half, whole = (Detect(engine=DuckDBEngine(), line_info=lambda _: LineInfo(sees="both")) for _ in range(2))
    assert kinds(traffic.judge(until_ms=up_to_here, detect=half)) == [(1, "udp_flood")]
    assert traffic.judge(detect=whole) == []


def test_the_episode_begins_where_the_behaviour_began():
    """A slow scan proven after several minutes is reported from its first window."""
    traffic = Traffic(sampling=1000, seed=11).spray(addresses("198.18.0.0", 60_000), [23], pps=30, stop=600, **TCP)
    (found,) = traffic.judge()
    assert found.detected_at_ms > T0 + 120_000
    assert found.first_seen_ms < T0 + 90_000


@pytest.mark.parametrize(
    ("traffic", "info", "quality", "cap"),
    [
        (Traffic(sampling=1000, inferred=1), LineInfo(), Quality(), Cap.ATTRIBUTION_INFERRED),
        (Traffic(sampling=1, announced=0), LineInfo(), Quality(), Cap.SAMPLING_UNKNOWN),
        (Traffic(sampling=1000), LineInfo(up_bps=5_000_000), Quality(), Cap.FASTER_THAN_LINE),
        (Traffic(sampling=1000), LineInfo(), Quality(coverage=0.5), Cap.COVERAGE_ALARM),
    ],
)
def test_what_is_not_sure_is_for_a_person_to_look_at(traffic: Traffic, info: LineInfo, quality: Quality, cap: Cap):
    """The same flood is ``watch`` where line, sampling, speed or coverage is doubtful, and says why."""
    pps = 4000 if traffic.sampling == 1 else 20_000
    detect = Detect(engine=DuckDBEngine(), line_info=lambda _: info, quality=lambda *_: quality)
    (found,) = flood(traffic, pps=pps, stop=15).judge(detect=detect)
    assert (found.level, found.caps) == (Level.WATCH, (cap,))


def test_loss_widens_the_interval_and_lowers_the_confidence():
    """A fifth of the records lost: the upper limit is a quarter higher."""
    lossy = Detect(engine=DuckDBEngine(), quality=lambda *_: Quality(loss=0.2))
    (fine,) = flood(Traffic(sampling=1000)).judge()
    (found,) = flood(Traffic(sampling=1000)).judge(detect=lossy)
    assert found.peak_pps_interval_95[1] == pytest.approx(fine.peak_pps_interval_95[1] * 1.25)
    assert found.confidence < fine.confidence


def loss_of(loss: float) -> Detect:
    info = LineInfo(sees="both")
    return Detect(engine=DuckDBEngine(), line_info=lambda _: info, quality=lambda *_: Quality(loss=loss))


@pytest.mark.parametrize(
    ("kind", "protocol", "port", "caps"),
    [
        ("icmp_flood", 1, 8 * 256, ()),
        ("tcp_syn_flood", 6, 80, ()),
        ("gre_flood", 47, 0, (Cap.ANSWERS_MAY_BE_LOST,)),
    ],
)
def test_lost_answers_matter_only_where_answers_decide(kind: str, protocol: int, port: int, caps: tuple[Cap, ...]):
    """A fifth lost, one flow of twenty seconds: a flood that is told without answers stays at ``act``."""
    flags = SYN if protocol == 6 else 0
    octets = 600 if protocol == 47 else 60
    traffic = Traffic(sampling=100)
    for start in (0, 10):
        traffic.talk(
            "203.0.113.5", port, pps=8000, octets=octets, start=start, stop=start + 10, protocol=protocol, flags=flags
        )
    (fine,) = traffic.judge(detect=loss_of(0.0))
    (found,) = traffic.judge(detect=loss_of(0.2))
    assert (fine.kind, fine.caps) == (kind, ())
    assert (found.kind, found.caps) == (kind, caps)


def test_top_targets_name_network_port_and_share():
    """Two thirds on one network, a third on another: both are named, largest first."""
    traffic = Traffic(sampling=100)
    traffic.spray(["203.0.113.5"], [53413], pps=8000, octets=600, stop=30)
    traffic.spray(["198.51.100.77"], [3074], pps=4000, octets=600, stop=30)
    (found,) = traffic.judge()
    named = [(t["prefix"], t["port"], t["protocol"]) for t in found.to_json()["top_targets"]]
    assert named == [("203.0.113.0/24", 53413, 17), ("198.51.100.0/24", 3074, 17)]
    assert [t.share for t in found.top_targets] == pytest.approx([0.67, 0.33], abs=0.03)


def test_ipv6_targets_are_gathered_by_48():
    """Carpet bombing within a /48 is one target."""
    targets = [f"2001:db8:5:{k:x}::1" for k in range(200)]
    (found,) = Traffic(sampling=100).spray(targets, [80], pps=9000, octets=600, stop=20).judge()
    assert [t.prefix for t in found.top_targets] == ["2001:db8:5::/48"]


def test_an_operators_number_replaces_ours():
    """With a higher threshold in the configuration the same flood is none."""
    raised = Detect(
        engine=DuckDBEngine(), overrides={"udp_flood": {"one_way_pps": 1e6, "pps_10s": 1e6, "pps_60s": 1e6}}
    )
    assert flood(Traffic(sampling=1000)).judge(detect=raised) == []
    with pytest.raises(ValueError, match="no detector 'flood'"):
        Detect(engine=DuckDBEngine(), overrides={"flood": {}})


def test_detections_fit_the_committed_schema():
    """The JSON of a run with every kind validates; an unknown field does not."""
    schema = json.loads(files("sekisho.schema").joinpath("analysis.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    head = dict.fromkeys(("datagrams", "records", "records_lost", "late"), 0)
    head |= {"undecodable": {}, "unattributed": {"no_assignment": 3}, "first": None, "last": None}
    analysis = {"schema": "sekisho.analysis/1", "input": head, "detections": [d.to_json() for d in mixed().judge()]}
    analysis |= {"unattributed_detections": [], "events": [], "impact": {}}
    jsonschema.validate(analysis, schema)
    analysis["detections"][0]["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(analysis, schema)


@pytest.mark.parametrize(("key", "found"), [(-INTERFACE_BELOW - 5, True), (99, False)], ids=["address", "line"])
def test_an_address_without_a_line_receives_as_its_exporter_shows(key: int, found: bool):
    """It has no quiet traffic of its own; of a line that never receives, nothing is told from the others'."""
    traffic = Traffic(sampling=100)
    for line in range(1, 25):
        traffic.talk("198.51.100.9", 443, line=line, pps=40, octets=80, answer_pps=80, protocol=6, flags=16, stop=200)
    traffic.talk("203.0.113.5", 0, line=key, pps=12_000, octets=540, answer_pps=0, protocol=47, start=100, stop=190)
    assert (("gre_flood", key) in {(d.kind, d.line) for d in traffic.judge()}) is found
