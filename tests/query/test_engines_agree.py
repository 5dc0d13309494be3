"""Every statement that ships, on every engine: the definitions of both tables, and each detector at its thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.rows import table, udp_target
from query.engines import spark as on_spark
from query.threshold_cases import cases_of, tables_of
from sekisho.detect import weak
from sekisho.detect.detector import Detector
from sekisho.detect.question import columns_named, screen_sql
from sekisho.detect.registry import DETECTORS
from sekisho.query.duckdb import DuckDBEngine
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW
from sekisho.windows.sql import LINE_TARGET_SQL, LINE_WINDOW_SQL
from windows_flows import T0, V4, batch_of, definition_tables

pytestmark = list(on_spark)

LEAST_CASES = 5
"""Questions that a detector's tests ask at least; fewer would mean that they are not found any more."""


def sorted_rows(table: pa.Table) -> dict[str, np.ndarray]:
    """Columns as arrays, rows in the order of whole-numbered columns and texts."""
    kinds = {field.name: field.type for field in table.schema}
    whole = [name for name, kind in kinds.items() if not pa.types.is_floating(kind)]
    rest = [name for name in kinds if name not in whole]
    ordered = table.sort_by([(name, "ascending") for name in (*whole, *rest)]) if len(table) else table
    return {name: np.array(ordered[name].to_pylist()) for name in table.column_names}


def agree(engines: tuple[Any, Any], sql: str, tables: dict[str, pa.Table]) -> int:
    """Rows of both answers; whole numbers and texts are equal, sums to nine digits."""
    ours, theirs = (engine.run(sql, tables) for engine in engines)
    assert theirs.column_names == ours.column_names
    left, right = sorted_rows(ours), sorted_rows(theirs)
    for name, values in left.items():
        assert len(values) == len(right[name]), name
        if values.dtype.kind == "f" or right[name].dtype.kind == "f":
            np.testing.assert_allclose(right[name].astype(float), values.astype(float), rtol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(right[name], values, err_msg=name)
    return ours.num_rows


@pytest.fixture
def engines(spark: Any) -> Any:
    duckdb = DuckDBEngine()
    yield duckdb, spark
    duckdb.close()


def flows(count: int = 1500) -> dict[str, pa.Table]:
    """Flows of every kind and direction, late ones among them, sampled in every way, seen at several boundaries."""
    rng = np.random.default_rng(11)
    received = T0 + np.sort(rng.integers(0, 900_000, count))
    end = received - rng.integers(-200, 120_000, count) * (rng.random(count) < 0.6)
    ours = rng.choice([1, 2, 3], count)
    columns = {
        "received_at": received,
        "flow_end": end,
        "flow_start": end - rng.integers(-50, 90_000, count) * (rng.random(count) < 0.5),
        "exporter": rng.integers(0, 2, count),
        "boundary": rng.choice([-1, 0, 1, 1, 2], count),
        "sampling_interval": rng.choice([0.0, 1.0, 10.0, 1000.0, 1.5], count),
        "src_line": np.where(ours & 1, rng.integers(1, 6, count), 0),
        "dst_line": np.where(ours & 2, rng.integers(1, 6, count), 0),
        "src_lo": V4 + rng.integers(0, 30, count),
        "dst_lo": V4 + rng.integers(0, 30, count),
        "src_hi": rng.choice([0, 0, 0x20010DB8 << 32], count),
        "dst_hi": rng.choice([0, 0, -(1 << 62)], count),
        "src_port": rng.choice([0, 53, 80, 123, 443], count),
        "dst_port": rng.choice([0, 22, 25, 53, 123, 443], count),
        "icmp_type_code": rng.choice([-1, 0, 768, 2048, 33_024, 65_535], count),
        "protocol": rng.choice([1, 6, 6, 17, 17, 47, 50, 58], count),
        "tcp_flags": rng.choice([0, 2, 2, 16, 18, 4, 20, 27, 31], count),
        "packets": rng.choice([0, 1, 1, 3, 1000], count),
        "fragment": rng.random(count) < 0.1,
        "forwarding_status": rng.choice([-1, 64, 127, 128, 191, 192], count),
        "src_inferred": rng.random(count) < 0.2,
        "dst_inferred": rng.random(count) < 0.2,
    }
    columns["octets"] = columns["packets"] * rng.choice([40, 1199, 1200, 1500], count)
    return definition_tables([batch_of(columns)], np.array([60_000, 300_000]), np.array([45_000, 330_000]))


@pytest.mark.parametrize("sql", [LINE_WINDOW_SQL, LINE_TARGET_SQL], ids=["line_window", "line_target"])
def test_definitions_of_the_tables(engines: Any, sql: str):
    """Flows become the same windows and targets."""
    assert agree(engines, sql, flows()) > 100


every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)

AT_EVERY_CHANGE = {"dns_flood", "icmp_flood"}
"""A minute and a half of Spark is more than every change can wait for; `make prove` asks about all of them."""


@pytest.mark.parametrize(
    "detector",
    [
        pytest.param(each, id=each.name, marks=() if each.name in AT_EVERY_CHANGE else pytest.mark.prove)
        for each in DETECTORS
    ],
)
def test_detectors_at_their_thresholds(engines: Any, detector: Detector):
    """Whatever a detector's own tests ask just below, at and just above a number is answered alike."""
    cases = cases_of(detector)
    assert len(cases) >= LEAST_CASES
    tables = tables_of(detector, cases)
    found = f"select c.*, w.packets as all_packets from ({detector.candidates}) c join line_window w"
    found += " on w.line = c.line and w.window_start_ms = c.window_start_ms and w.side = 0"
    assert 0 < agree(engines, found, tables) < len(tables["line_window"])


@pytest.mark.prove
@every_detector
def test_targets_and_suspects(engines: Any, detector: Detector):
    """Where it went, and whom to ask at all; half a minute more of Spark than every change can wait for."""
    tables = tables_of(detector, cases_of(detector))
    agree(engines, detector.targets, tables)
    if suspects := detector.least(detector.suspects):
        narrow = tables["line_target"].select(columns_named(suspects, LINE_TARGET))
        agree(engines, suspects, {**tables, "line_target": narrow})


@pytest.mark.prove
def test_the_screen_of_all_detectors(engines: Any):
    """One statement lets the same rows through for each of them."""
    screen = screen_sql({detector.name: detector.least(detector.screen) for detector in DETECTORS})
    parts = [tables_of(detector, cases_of(detector))["line_window"] for detector in DETECTORS]
    windows = pa.concat_tables(parts).select(columns_named(screen, LINE_WINDOW))
    ours, theirs = (engine.run(screen, {"line_window": windows}) for engine in engines)
    assert sorted(map(tuple, ours.to_pylist())) == sorted(map(tuple, theirs.to_pylist()))
    for name in ours.column_names:
        assert sum(ours[name].to_pylist()) == sum(theirs[name].to_pylist()), name


@pytest.mark.parametrize("sql", [weak.SUSPECTS, weak.SQL], ids=["suspects", "shares"])
@pytest.mark.parametrize("lines", [weak.LINES - 1, weak.LINES, weak.LINES + 1])
def test_lines_that_are_weak_alone(engines: Any, sql: str, lines: int):
    """Seven, eight and nine lines on one target, each below every threshold of its own."""
    per_line = weak.JOINT_PPS * 60 / weak.LINES
    targets = [
        udp_target("203.0.113.7", 80, per_line, line=line, until_s=60, records=per_line) for line in range(1, lines + 1)
    ]
    params = pa.table({"line": list(range(1, lines + 1)), "two_way": [1] * lines})
    rows = agree(engines, sql, {"line_target": table(LINE_TARGET, targets), "params": params})
    assert rows == (lines if lines >= weak.LINES else 0)
