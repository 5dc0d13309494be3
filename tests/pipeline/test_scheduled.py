"""The scheduled batch: each day once, whatever happens to the run; slow scans, heavy days, indicators that are new."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sekisho.attribution.keys import UNKEYED, line_keys
from sekisho.cli.main import app
from sekisho.core.config import load_config
from sekisho.core.errors import Unavailable
from sekisho.core.time import to_datetime
from sekisho.detect.baseline import Baseline
from sekisho.detect.daily import DAY_DETECTORS
from sekisho.detect.detector import GROUPS
from sekisho.pipeline import daily_flows, scheduled
from sekisho.pipeline.batch import load_attributor
from sekisho.pipeline.daily import bounds, day_of, judge
from sekisho.pipeline.daily_flows import DayFlows, HereAsked
from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.spark import SparkEngine
from sekisho.simulate.run import simulate
from sekisho.simulate.scenario import load
from sekisho.store import audit
from sekisho.store.compact import Compactor
from sekisho.store.layout import HOUR_MS
from sekisho.store.read import snapshot
from sekisho.store.segments import Segments
from sekisho.store.space import SpaceFloor
from store.flows import V4, Clock, numbered
from stored_network import store_of
from tools import needs

DAY = date(2026, 11, 23)
NEXT = DAY + timedelta(days=1)
OURS = V4 + int(ip_address("100.72.0.0"))
THEIRS = V4 + int(ip_address("198.18.0.0"))
C2 = int(ip_address("203.0.113.9"))

CONFIG = """
[network]
prefixes = ["100.72.0.0/16"]
[files]
lines = ["assignments.csv", "lines.csv"]
[store]
directory = "flows"
[detect]
indicators = ["feed.txt"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty lines, a feed of one address, and no flow yet."""
    (tmp_path / "sekisho.toml").write_text(CONFIG)
    rows = [f"L{n},100.72.0.{n},,,2020-01-01T00:00:00Z," for n in range(1, 21)]
    head = "line_id,prefix,port_first,port_last,valid_from,valid_to"
    (tmp_path / "assignments.csv").write_text("\n".join([head, *rows]) + "\n")
    head = "line_id,access_kind,group,up_bps,down_bps,link"
    (tmp_path / "lines.csv").write_text(f"{head}\nL20,fixed,building,,,\n")
    (tmp_path / "feed.txt").write_text("203.0.113.9\n")
    return tmp_path


def keep(folder: Path, *batches: Any, compacted: bool = True) -> None:
    """Put flows into the store."""
    root = folder / "flows"
    clock = Clock(bounds(DAY)[0])
    writer = Segments(root, collector="c1", clock=clock, space=SpaceFloor(root, 1, measure=lambda _: 1 << 40))
    writer.start()
    for batch in batches:
        writer.append(batch)
    writer.close()
    if compacted:
        Compactor(root, clock=clock).run(everything=True)


def sent(line: int, received_ms: Any, **columns: Any) -> Any:
    """Flows of a line, one a time of reception."""
    usual = {"src_lo": OURS + line, "dst_lo": THEIRS, "src_line": 0, "exporter": 0}
    return numbered(0, np.size(received_ms), received_ms=received_ms, **{**usual, **columns})


def knocks(line: int, targets: int, *, hours: int = 6, day: date = DAY, **columns: Any) -> Any:
    """Lone SYN to so many addresses, in turn over some hours."""
    number = np.arange(targets)
    received = bounds(day)[0] + number % hours * HOUR_MS + 600_000 + number
    usual = {"dst_lo": THEIRS + number, "dst_port": 23, "protocol": 6, "tcp_flags": 2, "octets": 40}
    return sent(line, received, **{**usual, **columns})


def all_day(line: int, gb: float, *, day: date = DAY) -> Any:
    """So many GB, the same in each hour."""
    return sent(line, bounds(day)[0] + np.arange(24) * HOUR_MS + 60_000, octets=int(gb * 1e9 / 24), packets=1000)


def run(folder: Path, *, after: date = NEXT, spark: SparkEngine | None = None) -> scheduled.Done:
    """What a timer does an hour after a day has begun."""
    config = load_config(folder / "sekisho.toml", {})
    attributor = load_attributor(config, (), None, lambda *_: None)
    attributor.start()
    return scheduled.run(
        config,
        folder / "batch",
        folder / "flows",
        attributor=attributor,
        engine=scheduled.Engine(here=DuckDBEngine(), spark=spark),
        now_ms=bounds(after)[0] + HOUR_MS,
        who="timer",
        on_progress=lambda *_: None,
    )


def found(document: dict[str, Any]) -> dict[str, list[str]]:
    """Detector -> lines."""
    answer: dict[str, list[str]] = {}
    for finding in document["findings"]:
        answer.setdefault(finding["detector"], []).append(finding["line_id"])
    return answer


def usual_hours(folder: Path, per_hour: dict[int, float]) -> None:
    """Four weeks in which each line sent the same in every hour."""
    keys = line_keys([f"L{line}" for line in per_hour], UNKEYED)
    order = np.argsort(keys)
    baseline, end = Baseline(lines_limit=50), bounds(DAY)[0] // HOUR_MS
    for hour in range(end - 4 * 168, end):
        baseline.remember(hour, keys[order], np.array(list(per_hour.values()))[order])
    (folder / "batch").mkdir()
    baseline.save(folder / "batch" / "baseline-2026-11-22.parquet")


def many_lines(folder: Path) -> None:
    """Lines just below, at and just above each threshold, and those that only look like it."""
    opened = {"src_lo": THEIRS + np.arange(300), "dst_lo": OURS + 7, "src_port": 23, "dst_port": 0, "tcp_flags": 18}
    crawler = knocks(10, 400, dst_lo=THEIRS + 5000 + np.arange(400), tcp_flags=24, packets=5)
    keep(
        folder,
        *(knocks(1, 300), knocks(2, 301), knocks(3, 299)),
        knocks(4, 300, hours=5),
        knocks(5, 300, dst_port=6881),
        knocks(6, 300, dst_lo=THEIRS + np.arange(300) % 11),
        *(knocks(7, 300), knocks(7, 300, **opened)),
        *(knocks(10, 300), crawler),
        *(knocks(8, 12, packets=1, sampling_interval=25.0), knocks(9, 11, sampling_interval=1000.0)),
        *(knocks(20, 599, hours=8), knocks(19, 3000, hours=8, dst_port=443), knocks(18, 2999, hours=8, dst_port=443)),
        *(all_day(11, 24), all_day(12, 24), all_day(13, 19.9), all_day(14, 24)),
        sent(15, bounds(DAY)[0] + 5 * HOUR_MS, dst_lo=V4 + C2, dst_port=4444, protocol=6),
    )
    usual_hours(folder, {11: 0.1e9, 12: 0.3e9, 13: 0.1e9, **dict.fromkeys((*range(1, 11), 15, 18, 19, 20), 1e4)})


@pytest.mark.parametrize("rows", [daily_flows.PART_ROWS, 1])
def test_what_only_a_day_tells(folder: Path, monkeypatch: pytest.MonkeyPatch, rows: int):
    """At each threshold, and not below; those that were answered, were brief or whose day is usual stay quiet.

    However often the sums of parts are added up on the way.
    """
    monkeypatch.setattr(daily_flows, "PART_ROWS", rows)
    many_lines(folder)
    (day,) = run(folder).days
    assert found(day) == {"slow_scan": ["L1", "L19", "L2", "L8"], "day_volume": ["L11"]}
    assert {finding["level"] for finding in day["findings"]} == {"watch"}
    assert (day["day"], day["hours"], day["hours_without_flows"]) == ("2026-11-23", 24, [])
    assert all(finding["explanation"]["ja"] and finding["explanation"]["en"] for finding in day["findings"])


@pytest.mark.prove
@pytest.mark.tool("java")
def test_the_same_on_spark(folder: Path):
    """Days, baselines and hunts are those of this process."""
    needs("java")
    many_lines(folder)
    keep(folder, knocks(16, 400, day=NEXT), compacted=False)
    copy = folder / "before"
    shutil.copytree(folder / "batch", copy)
    here = run(folder, after=NEXT + timedelta(days=1)).to_json()
    shutil.rmtree(folder / "batch")
    copy.rename(folder / "batch")
    spark = SparkEngine(master="local[2]")
    try:
        there = run(folder, after=NEXT + timedelta(days=1), spark=spark).to_json()
    finally:
        spark.close()
    assert [day["day"] for day in here["days"]] == ["2026-11-23", "2026-11-24"]
    # How much had to be read is each engine's own.
    assert here["hunt"].pop("reading") != there["hunt"].pop("reading")
    assert there == here


@pytest.mark.prove
def test_what_a_day_costs(tmp_path: Path, record_property: Callable[[str, object], None]):
    """Read, attributed and summed in this process: what ``docs/explanation/scale.md`` counts with."""
    simulate(load("demo"), tmp_path, seed=7)
    root = store_of(tmp_path, tmp_path / "flows")
    config = load_config(tmp_path / "sekisho.toml", {})
    files = [tmp_path / "assignments.csv", tmp_path / "lines.csv"]
    attributor = load_attributor(config, files, tmp_path / "map-e.toml", lambda *_: None)
    attributor.start()
    costs = []
    with snapshot(root) as store:
        stored = sum(file.rows for file in store.files)
        day = day_of(store.files[0].hour_ms)
        for _ in range(4):
            flows, began = DayFlows.of(store, *bounds(day)), time.process_time()
            asked = HereAsked(flows, DuckDBEngine(), config, attributor)
            document = judge(day, flows, asked, attributor, Baseline())
            costs.append((time.process_time() - began) * 1e6 / stored)
    record_property("records", stored)
    record_property("CPU-s a million records, the least of 4", round(min(costs), 2))
    assert 0 < document["records"] <= stored


def test_run_twice_it_does_nothing(folder: Path):
    """A day that has its report is done, and an indicator that was hunted is known."""
    keep(folder, knocks(1, 300))
    first = run(folder)
    assert (len(first.days), first.hunt is not None) == (1, True)
    assert run(folder) == scheduled.Done(days=(), hunt=None, missed=())


def test_a_run_that_was_killed_does_the_day_again(folder: Path):
    """Killed before the report: what was learnt of the day is there already, and counts for nothing."""
    keep(folder, knocks(1, 300), all_day(11, 24))
    usual_hours(folder, {1: 1e4, 11: 0.1e9})
    shutil.copy(folder / "batch" / "baseline-2026-11-22.parquet", folder / "usual.parquet")
    first = run(folder)
    usual, batch = folder / "usual.parquet", folder / "batch"
    for name in ("2026-11-23.json", "indicators.json"):
        (batch / name).unlink()
    usual.replace(batch / "baseline-2026-11-22.parquet")
    assert found(first.days[0]) == {"slow_scan": ["L1"], "day_volume": ["L11"]}
    assert run(folder) == first
    assert [path.name for path in batch.glob("baseline-*")] == ["baseline-2026-11-23.parquet"]


def test_days_that_nobody_ran_are_caught_up_with(folder: Path):
    """In order, so that each knows what the one before was; the day that runs is not whole and waits."""
    days = [DAY + timedelta(days=n) for n in range(4)]
    keep(folder, *(knocks(1, 300 + n, day=day) for n, day in enumerate(days)))
    done = run(folder, after=days[-1])
    assert [day["day"] for day in done.days] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert [day["findings"][0]["evidence"]["probes"] for day in done.days] == [300, 301, 302]


def test_days_of_which_nothing_is_left_are_told_once(folder: Path):
    """The retention was shorter than the pause."""
    keep(folder, knocks(1, 300))
    run(folder)
    later = DAY + timedelta(days=4)
    keep(folder, knocks(1, 300, day=later))
    done = run(folder, after=later + timedelta(days=1))
    lost = ("2026-11-24", "2026-11-25", "2026-11-26")
    assert done.missed == lost
    assert [tuple(day["missed_days"]) for day in done.days] == [lost]
    assert run(folder, after=later + timedelta(days=1)).missed == ()


def test_what_is_not_compacted_yet_counts(folder: Path):
    """Flows of the last minutes of a day are in a segment still, and those of the next day are none of it."""
    keep(folder, knocks(1, 200))
    keep(folder, knocks(1, 100, dst_lo=THEIRS + 200 + np.arange(100)), knocks(2, 300, day=NEXT), compacted=False)
    (day,) = run(folder).days
    assert found(day) == {"slow_scan": ["L1"]}


def test_a_day_begins_in_japan(folder: Path):
    """Midnight there is 15:00 UTC of the day before."""
    keep(folder, sent(1, bounds(DAY)[0]), sent(2, bounds(NEXT)[0] - 1), sent(3, bounds(NEXT)[0]))
    (day,) = run(folder).days
    assert (day["from"], day["until"], day["records"]) == ("2026-11-22T15:00:00.000Z", "2026-11-23T15:00:00.000Z", 2)
    assert len(day["hours_without_flows"]) == 22
    assert to_datetime(bounds(DAY)[0]).hour == 15


def test_only_new_indicators_are_hunted(folder: Path):
    """Each once over all that is stored, as the audit file of the store says."""
    keep(folder, sent(1, bounds(DAY)[0], dst_lo=V4 + C2), sent(2, bounds(DAY)[0], dst_lo=V4 + C2 + 1))
    first = run(folder).hunt
    (folder / "feed.txt").write_text("203.0.113.9\n203.0.113.10\n")
    second = run(folder).hunt
    assert first is not None
    assert second is not None
    assert [(each["label"], each["records"]) for each in first["indicators"]] == [("feed.txt", 1)]
    assert (second["entries"], second["total"]["records"]) == (1, 1)
    trail = folder / "flows" / audit.AUDIT
    entries = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [(each["who"], each["purpose"], each["asked"]["entries"]) for each in entries] == [
        ("timer", "own_network_protection", 1),
        ("timer", "own_network_protection", 1),
    ]
    assert audit.first_break(trail) is None


def test_one_at_a_time(folder: Path):
    """A timer that fires while a long run goes on does not do the day twice."""
    keep(folder, knocks(1, 300))
    with scheduled.alone(folder / "batch"), pytest.raises(Unavailable, match="another batch runs"):
        run(folder)


@pytest.mark.parametrize(("lang", "says"), [("en", "about 300 addresses on port 23"), ("ja", "約 300 個のアドレス")])
def test_the_command_says_what_it_did(folder: Path, monkeypatch: pytest.MonkeyPatch, lang: str, says: str):
    """The day, what was learnt, what was found, and afterwards that nothing is due."""
    monkeypatch.setattr("sekisho.core.time.now_ms", lambda: bounds(NEXT)[0] + HOUR_MS)
    keep(folder, knocks(1, 300))
    command = ["batch", "run", "--config", str(folder / "sekisho.toml"), "--lang", lang]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert says in first.stdout
    assert "2026-11-23" in first.stdout
    assert (folder / "state" / "batch" / "2026-11-23.json").stat().st_mode & 0o077 == 0
    second = CliRunner().invoke(app, command)
    assert second.stdout.startswith("Nothing is due" if lang == "en" else "実行すべき処理はありません")


def test_every_group_has_thresholds():
    """As of the detectors that look at an hour."""
    assert all(set(detector.params) == set(GROUPS) for detector in DAY_DETECTORS)
