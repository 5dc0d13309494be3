"""Every row of the table of detectors keeps the rules of a detector."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.engine import engine
from detect.inputs import C2, C2_PORT, INPUTS
from detect.traffic import SYN, Traffic, addresses
from sekisho.detect.detect import Detect
from sekisho.detect.detector import CANDIDATE, GROUPS, TARGET, Detector, Language
from sekisho.detect.level import LineInfo
from sekisho.detect.question import columns_named, params_table, screen_sql
from sekisho.detect.quiet import figure
from sekisho.detect.registry import DETECTORS
from sekisho.query.portable import check
from sekisho.schema.detection import KINDS, Detection
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW
from sekisho.windows.conditions import conditions
from windows_flows import V4

SCREEN = screen_sql({d.name: d.least(d.screen) for d in DETECTORS})
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)
TCP = {"protocol": 6, "flags": SYN, "octets": 40}


def inputs_of(detector: Detector) -> dict[str, pa.Table]:
    return {name: INPUTS[name]([], 0) for name in detector.inputs}


def answer_columns(detector: Detector, sql: str) -> list[str]:
    tables = {t.name: t.arrow_schema().empty_table() for t in (LINE_WINDOW, LINE_TARGET)} | inputs_of(detector)
    params = params_table(detector, [1], [LineInfo()], [True])
    return engine().run(sql, {**tables, "params": params}).column_names


@every_detector
def test_statements_are_portable_and_have_the_columns_of_the_contract(detector: Detector):
    """Every engine can run them; candidates and targets have their columns."""
    suspects = [detector.least(detector.suspects)] if detector.suspects else []
    assert [check(sql) for sql in (detector.candidates, detector.targets, *suspects)] == [[]] * (2 + len(suspects))
    assert set(CANDIDATE) <= set(answer_columns(detector, detector.candidates))
    assert answer_columns(detector, detector.targets) == list(TARGET)


@every_detector
def test_suspects_run_over_the_columns_that_they_name(detector: Detector):
    """At every tick all touched lines are asked, so no other column is read for them."""
    sql = detector.least(detector.suspects)
    columns = columns_named(sql, LINE_TARGET)
    table = LINE_TARGET.arrow_schema().empty_table().select(columns)
    assert engine().run(sql, {"line_target": table, **inputs_of(detector)}).column_names == ["line"]
    assert len(columns) < len(LINE_TARGET.names) / 2


@pytest.mark.parametrize("detector", [d for d in DETECTORS if d.pairs], ids=lambda d: d.name)
def test_suspects_need_no_pair_that_meets_none_of_the_conditions(detector: Detector):
    """Which pairs are read decides nothing: the same lines are suspected of pairs of every kind."""
    random = np.random.default_rng(3)
    rows = 3_000
    columns = {name: random.integers(0, 3_000, rows) for name in LINE_TARGET.names}
    # Most numbers decide nothing; of lines, services and answers there are few, so that all branches are met.
    columns |= {
        "line": random.integers(1, 30, rows),
        "block_start_ms": np.zeros(rows, dtype=np.int64),
        "target_hi": np.zeros(rows, dtype=np.int64),
        "target_lo": V4 + random.integers(0, 3_000, rows),
        "protocol": random.choice([-1, 1, 6, 17, 47, 58], rows),
        "port": random.choice([-1, 23, 25, 53, 443], rows),
        "own_port": random.choice([0, 0, 53], rows),
        "answered_packets": random.choice([0, 1, 100], rows),
        "answered_syn_ack_packets": random.choice([0, 1], rows),
    }
    table = pa.table(columns).cast(LINE_TARGET.arrow_schema())
    asked, sql = engine(), detector.least(detector.suspects)
    where = " or ".join(f"({detector.least(condition)})" for condition in detector.pairs)
    read = asked.run(f"select * from line_target where {where}", {"line_target": table})
    lines, all_lines = (set(asked.run(sql, {"line_target": each})["line"].to_pylist()) for each in (read, table))
    assert lines == all_lines
    conditions(tuple(detector.least(condition) for condition in detector.pairs))


def test_the_screen_runs_over_the_columns_that_it_names():
    """A fraction of those that a window has."""
    columns = columns_named(SCREEN, LINE_WINDOW)
    table = LINE_WINDOW.arrow_schema().empty_table().select(columns)
    answer = engine().run(SCREEN, {"line_window": table})
    assert answer.column_names == [detector.name for detector in DETECTORS]
    assert len(columns) < len(LINE_WINDOW.names) / 2


def test_the_screen_is_portable():
    """The one statement over all touched lines runs on every engine."""
    assert check(SCREEN) == []


@every_detector
def test_every_group_has_numbers_with_unit_and_reason(detector: Detector):
    """The reference page is derived from them."""
    assert tuple(detector.params) == GROUPS
    for number in fields(detector.params["home"]):
        assert number.metadata["unit"]
        assert len(number.metadata["why"]) > 15
    assert set(detector.kinds) <= set(KINDS)


@every_detector
def test_every_detector_has_a_test_of_its_own(detector: Detector):
    """A detector without near misses in its tests is not finished."""
    assert (Path(__file__).parent / "detectors" / f"test_{detector.name}.py").exists()


def test_an_override_for_one_group_wins_over_one_for_all():
    """``pps_10s`` changes every group, ``business.pps_10s`` that group, in any order of the file."""
    flood = DETECTORS[0].with_overrides({"business.pps_10s": 9000, "pps_10s": 4000})
    assert flood.params["business"].pps_10s == 9000
    assert flood.params["home"].pps_10s == flood.params["server"].pps_10s == 4000
    assert DETECTORS[0].params["home"].pps_10s == 1500


@pytest.mark.parametrize("key", ["pps", "office.pps_10s", "business.", ""])
def test_an_unknown_threshold_is_named(key: str):
    """A wrong key says what there is."""
    with pytest.raises(ValueError, match="there are: pps_10s"):
        DETECTORS[0].with_overrides({key: 1})


EXAMPLES = {
    "udp_flood": lambda: Traffic(sampling=100).spray(["203.0.113.5"], range(1, 60_000), pps=9000, octets=600, stop=20),
    "tcp_syn_flood": lambda: Traffic(sampling=100).spray(["203.0.113.5"], [80], pps=9000, stop=20, **TCP),
    "tcp_flood": lambda: Traffic(sampling=100).spray(
        ["203.0.113.5"], range(1, 60_000), pps=9000, octets=600, stop=20, protocol=6, flags=24
    ),
    "icmp_flood": lambda: Traffic(sampling=100).talk("203.0.113.5", 2048, pps=9000, octets=84, protocol=1, stop=20),
    "gre_flood": lambda: Traffic(sampling=100).spray(
        addresses("203.0.113.0", 256), [0], pps=9000, octets=540, protocol=47, stop=20
    ),
    "fragment_flood": lambda: Traffic(sampling=100).talk("203.0.113.5", 0, pps=9000, octets=1500, stop=20),
    "http_flood": lambda: Traffic(sampling=100).connect(["203.0.113.5"], [443], per_s=300, packets=8, octets=190),
    "dns_flood": lambda: Traffic(sampling=100).spray(["203.0.113.53"], [53], pps=3000, octets=75, answered=0.6),
    "reflection": lambda: Traffic(sampling=100).spray(
        ["203.0.113.5"], range(1024, 60_000), pps=3000, octets=1500, answered=1, answer_octets=70, own=53
    ),
    "scan": lambda: Traffic(sampling=100).spray(addresses("198.18.0.0", 60_000), [23], pps=300, stop=20, **TCP),
    "brute_force": lambda: Traffic().connect(["203.0.113.5"], [22], per_s=4, packets=14, octets=110),
    "spam": lambda: Traffic().connect(addresses("203.0.113.0", 200), [25], per_s=4, packets=18, octets=700),
    "c2_contact": lambda: Traffic().talk(
        C2, C2_PORT, pps=0.1, octets=54, answer_pps=0.1, protocol=6, flags=24, stop=500
    ),
    "volume_anomaly": lambda: Traffic().talk(
        "203.0.113.5", 443, pps=2500, octets=1100, answer_pps=1200, protocol=6, flags=24, stop=900
    ),
    "spoofed_source": lambda: Traffic(sampling=100).spray(["203.0.113.5"], [80], line=-5, pps=9000, octets=600),
}


def numbers(say: Callable[[Mapping[str, Any], Language], str], found: Detection) -> list[str]:
    """Figures of a sentence about a detection, which are the same in Japanese and English."""
    evidence = {**found.evidence, **found.texts}
    ja, en = say(evidence, "ja"), say(evidence, "en")
    assert re.search(r"[\u3041-\u30ff]", ja)
    assert ja.endswith("。")
    assert en.isascii()
    assert en.endswith(".")
    figures = [
        sorted(n for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text.replace(", ", " ")) if n not in {"1", "10"})
        for text in (ja, en)
    ]
    assert figures[0] == figures[1] != []
    return figures[0]


@every_detector
def test_explanations_in_both_languages_hold_the_same_numbers(detector: Detector):
    """A detection is explained in Japanese and in English from its own evidence, with the same figures."""
    (found,) = EXAMPLES[detector.name]().judge(detect=Detect(engine=engine(), inputs=INPUTS))
    assert found.kind == detector.name
    numbers(detector.explain, found)


QUIET: dict[str, Callable[[Any], tuple[float, ...]]] = {
    "udp_flood": lambda p: (p.one_way_pps,),
    "tcp_syn_flood": lambda p: (p.pps_10s, p.pps_60s, 100 * p.syn_share),
    "tcp_flood": lambda p: (p.one_way_pps,),
    "icmp_flood": lambda p: (p.pps_10s, p.pps_60s),
    "gre_flood": lambda p: (p.one_way_pps,),
    "fragment_flood": lambda p: (p.one_way_pps,),
    "http_flood": lambda p: (p.connections_10s, p.connections_60s, p.packets_most),
    "dns_flood": lambda p: (p.pps_10s, p.pps_60s, p.unanswered_pps_10s, p.unanswered_pps_60s),
    "reflection": lambda p: (p.pps_10s, p.pps_60s, p.dns_octets, p.amplification),
    "scan": lambda p: (p.device_targets_10min, p.device_targets_60min, p.probes_an_other),
    "brute_force": lambda p: (p.remote_10min, p.remote_60min, p.any_10min, p.packets_most),
    "spam": lambda p: (p.targets_10min, p.targets_60min),
    "c2_contact": lambda p: (p.contact_packets, p.contact_s),
    "spoofed_source": lambda p: (p.pps_10s,),
    "volume_anomaly": lambda p: (p.octets_60min / 1e6, 2 ** (p.spreads * p.least_spread)),
}
"""Thresholds that decide about the example."""


@every_detector
def test_what_would_have_kept_it_quiet_holds_the_thresholds_of_the_lines_group(detector: Detector):
    """A business whose numbers are a little below those of a home is told its own, in both languages."""
    home = detector.params["home"]
    own = {f"business.{f.name}": 0.95 * getattr(home, f.name) for f in fields(home)}
    business = LineInfo(group="business")
    detect = Detect(engine=engine(), inputs=INPUTS, overrides={detector.name: own}, line_info=lambda _line: business)
    found = next(each for each in EXAMPLES[detector.name]().judge(detect=detect) if each.kind == detector.name)
    expected = QUIET[detector.name](detector.with_overrides(own).params["business"])
    assert numbers(detector.quiet, found) == sorted(figure(value) for value in expected)
