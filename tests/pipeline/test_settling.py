"""Whose line it was, asked anew: the right line, another, or nobody can say; never a guess."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.cases.model import Evidence
from sekisho.cases.settling import NotSettled, OtherLine, SameLine
from sekisho.core.config import load_config
from sekisho.core.time import iso, parse_time
from sekisho.pipeline.settling import resolver

FIRST_MS = parse_time("2026-11-24T12:00:00+09:00")
LAST_MS = FIRST_MS + 600_000
BEFORE, AFTER = iso(FIRST_MS - 3_600_000), iso(LAST_MS + 3_600_000)

LINES = f"""line_id,prefix,port_first,port_last,valid_from,valid_to
L1,203.0.113.7/32,,,{BEFORE},{AFTER}
L2,203.0.113.8/32,,,{BEFORE},{iso(FIRST_MS + 60_000)}
L3,203.0.113.8/32,,,{iso(FIRST_MS + 60_000)},{AFTER}
S1,203.0.113.9/32,1024,2047,{BEFORE},{AFTER}
S2,203.0.113.9/32,2048,3071,{BEFORE},{AFTER}
M1,2001:db8:12:3400::/56,,,{BEFORE},{AFTER}
M2,2001:db8:12:3500::/56,,,{BEFORE},{iso(FIRST_MS + 60_000)}
M3,2001:db8:12:3500::/56,,,{iso(FIRST_MS + 60_000)},{AFTER}
"""
RULES = """[[rule]]
name = "r"
ipv6_prefix = "2001:db8::/40"
ipv4_prefix = "192.0.2.0/24"
ea_bits = 16
psid_offset = 6
"""


def evidence(source: str, *, first_ms: int = FIRST_MS, last_ms: int = LAST_MS) -> Evidence:
    return Evidence(
        kind="udp_flood",
        source=source,
        first_seen_ms=first_ms,
        last_seen_ms=last_ms,
        detected_at_ms=last_ms,
        packets=1,
        octets=1,
        peak_pps=1.0,
        peak_pps_interval_95=(1.0, 1.0),
        peak_bps=1.0,
        sampled_packets=1,
        targets=1,
        top_targets=[],
        confidence=1.0,
        numbers={},
        loss=0.0,
        coverage=None,
        event_id=None,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "lines.csv").write_text(LINES)
    (tmp_path / "map-e.toml").write_text(RULES)
    file = tmp_path / "sekisho.toml"
    file.write_text('[files]\nlines = ["lines.csv"]\nmap_e = ["map-e.toml"]\n')
    return file


@pytest.fixture
def asked(config: Path):
    resolve = resolver(load_config(config, {}))

    def ask(line_id: str, source: str):
        return resolve(line_id, evidence(source))

    return ask


def test_the_holder_of_the_whole_time_is_the_line(asked):
    """And anybody else is another line."""
    assert asked("L1", "203.0.113.7") == SameLine()
    assert isinstance(asked("L2", "203.0.113.7"), OtherLine)


def test_a_change_of_holder_in_between_is_nobodys(asked):
    """Neither the one before nor the one after is told."""
    assert isinstance(asked("L2", "203.0.113.8"), OtherLine)
    assert isinstance(asked("L3", "203.0.113.8"), OtherLine)


def test_a_part_of_a_shared_address_proves_nothing(asked):
    """The evidence holds no ports: it may have been the neighbour's part."""
    assert isinstance(asked("S1", "203.0.113.9"), NotSettled)
    assert isinstance(asked("S2", "203.0.113.9"), NotSettled)
    assert isinstance(asked("L1", "203.0.113.9"), OtherLine)


def test_with_map_e_the_lines_own_prefix_decides(asked):
    """The ports of a household follow from its prefix, so who held the prefix held the ports."""
    assert asked("M1", "192.0.2.18") == SameLine()
    assert asked("M1", "2001:db8:12:3400::/56") == SameLine()
    assert isinstance(asked("M2", "192.0.2.18"), OtherLine)
    assert isinstance(asked("M3", "192.0.2.18"), OtherLine)


def test_a_port_of_the_line_names_its_part_of_a_shared_address(config: Path):
    """With what the line had seemed to hold, realm and port decide; every part of it must be the line's."""
    resolve = resolver(load_config(config, {}))
    ports = {name: int(row.split(",")[2]) for row in LINES.splitlines() if (name := row[:2]) in {"S1", "S2"}}
    mine = {"prefix": "203.0.113.9/32", "realm": "", "port": ports["S1"]}
    alone = replace(evidence("203.0.113.9"), held=(mine,))
    assert resolve("S1", alone) == SameLine()
    assert isinstance(resolve("S2", alone), OtherLine)
    home = {"prefix": "203.0.113.7/32", "realm": "", "port": 0}
    assert isinstance(resolve("S1", replace(alone, held=(mine, home))), OtherLine)
    assert isinstance(resolve("S1", replace(alone, held=({**mine, "port": 0},))), NotSettled)


def test_each_hold_is_asked_about_for_its_own_time(config: Path):
    """A line that came back on another address held both; who had the first one afterwards is not meant."""
    resolve = resolver(load_config(config, {}))
    change_ms = FIRST_MS + 60_000
    first = {"prefix": "203.0.113.8/32", "realm": "", "port": 0, "from": iso(FIRST_MS), "to": iso(change_ms - 2_001)}
    second = {"prefix": "203.0.113.200/32", "realm": "", "port": 0, "from": iso(change_ms), "to": iso(LAST_MS)}
    both = replace(evidence("203.0.113.8"), held=(first, second))
    assert resolve("L2", both) == SameLine(), "nobody had the second one, so nobody else"
    assert isinstance(resolve("L2", replace(both, held=({**first, "to": iso(change_ms - 2_000)},))), OtherLine)
    assert isinstance(resolve("L2", replace(both, held=(second,))), OtherLine)
    assert isinstance(resolve("L3", both), OtherLine)


def test_without_an_address_nobody_can_ask(asked):
    """Nothing leaves on it."""
    assert isinstance(asked("L1", ""), NotSettled)


def test_a_source_that_goes_on_telling_must_have_told_enough(config: Path, tmp_path: Path):
    """A quarter of an hour beyond the evidence, whatever the lists say."""
    told_s = (FIRST_MS + 700_000) // 1000
    (tmp_path / "detail").write_text(
        f"""Tue Nov 24 02:00:00 2026
\tAcct-Status-Type = Start
\tAcct-Session-Id = "1"
\tUser-Name = "u"
\tNAS-IP-Address = 192.0.2.9
\tFramed-IP-Address = 203.0.113.200
\tEvent-Timestamp = {told_s}
\tTimestamp = {told_s}

"""
    )
    config.write_text(config.read_text() + 'radius = ["detail"]\n')
    resolve = resolver(load_config(config, {}))
    answer = resolve("L1", evidence("203.0.113.7"))
    assert isinstance(answer, NotSettled)
    assert "has told up to" in answer.why
    early = evidence("203.0.113.7", first_ms=FIRST_MS - 1_800_000, last_ms=FIRST_MS - 1_200_000)
    assert resolve("L1", early) == SameLine()
