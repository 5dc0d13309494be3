"""The statements that choose lines on a cluster, on the engine that is at hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from detect.rows import BLOCK, table, target
from sekisho.detect.registry import DETECTORS
from sekisho.pipeline import narrowing
from sekisho.pipeline.narrowing import SLICE_MS, screened_sql, suspects_sql
from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.portable import check
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW

STATEMENTS = {name: text for name, text in vars(narrowing).items() if name.endswith("_SQL")}


def asked(sql: str, **tables: pa.Table) -> list[dict[str, Any]]:
    engine = DuckDBEngine()
    answer = engine.run(sql, tables).to_pylist()
    engine.close()
    return answer


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_portable(name: str):
    """What Spark is asked means the same to every engine."""
    assert check(STATEMENTS[name]) == []


def test_detectors_questions_are_portable_in_their_frame():
    """The screens as one statement, and each detector's suspects by slices."""
    assert check(screened_sql(DETECTORS)) == []
    assert [problem for detector in DETECTORS for problem in check(suspects_sql(detector))] == []


def test_the_boundary_that_saw_most_is_the_primary_one():
    """By line and side; of equals the first."""
    columns = {
        "line": [1, 1, 1, 2, 2],
        "side": [0, 0, 1, 0, 0],
        "boundary": [0, 1, 0, 3, 2],
        "octets": [10.0, 20.0, 5.0, 7.0, 7.0],
    }
    found = asked(narrowing.PRIMARY_SQL, every_window=pa.table(columns))
    assert {(row["line"], row["side"], row["boundary"]) for row in found} == {(1, 0, 1), (1, 1, 0), (2, 0, 2)}


def test_whatever_lies_an_hour_apart_is_in_one_slice():
    """Two blocks fifty minutes apart, wherever the hour ends between them, have a number in common."""
    hour = BLOCK // SLICE_MS * SLICE_MS
    for offset in range(6):
        blocks = [hour + 600_000 * offset, hour + 600_000 * (offset + 5)]
        rows = [target("203.0.113.5", 80, packets=1.0) | {"block_start_ms": block} for block in blocks]
        targets = table(LINE_TARGET, rows)
        slices = pa.Table.from_pylist(asked(narrowing.SLICES_SQL, targets=targets))
        sliced = asked(narrowing.SLICED_SQL, targets=targets, slices=slices)
        numbers = [{row["number"] for row in sliced if row["block_start_ms"] == block} for block in blocks]
        assert numbers[0] & numbers[1]


def test_late_is_what_the_windows_count_as_late():
    """A window closes at its end and the exporter's lateness; flows of no line and of no boundary are no matter."""
    flow = {"received_at": 200_000, "flow_start": 60_000, "flow_end": 70_000, "exporter": 0, "boundary": 0}
    rows = [
        flow | {"src_line": 1, "dst_line": 0},
        flow | {"src_line": 0, "dst_line": 1, "received_at": 170_000},
        flow | {"src_line": 0, "dst_line": 0},
        flow | {"src_line": 1, "dst_line": 0, "boundary": -1},
    ]
    cap = pa.table({"exporter": [0], "active_cap_ms": [60_000], "lateness_ms": [100_000]})
    assert asked(narrowing.LATE_SQL, attributed=pa.Table.from_pylist(rows), exporter_cap=cap) == [{"records": 1}]


def test_windows_of_other_boundaries_and_of_what_was_received_are_left_out():
    """Detectors see what a line sent, at its primary boundary."""
    rows = [
        {"line": 1, "side": side, "boundary": boundary, "window_start_ms": BLOCK, "packets": 1.0}
        for side in (0, 1)
        for boundary in (0, 1)
    ]
    primary = pa.table({"line": [1, 1], "side": [0, 1], "boundary": [1, 1]})
    found = asked(narrowing.WINDOWS_SQL, every_window=table(LINE_WINDOW, rows), primary_boundary=primary)
    assert [(row["side"], row["boundary"]) for row in found] == [(0, 1)]
