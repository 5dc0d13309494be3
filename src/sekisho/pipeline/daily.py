"""One day of a store: what each line sent by the hour, what only a whole day tells, and what is usual from then on."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sekisho.core.time import JST, iso, to_datetime
from sekisho.detect.daily import (
    DAY_DETECTORS,
    DOOR_PARTS_BY,
    DOOR_PARTS_SQL,
    HOUR_PARTS_BY,
    HOUR_PARTS_SQL,
    LINE_HOUR_SQL,
    LONE_SYN_ASKED,
)
from sekisho.detect.detector import thresholds_of
from sekisho.store.layout import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.attribution.attributor import Attributor
    from sekisho.detect.baseline import Baseline
    from sekisho.detect.daily import DayDetector
    from sekisho.pipeline.daily_flows import Asked, DayFlows

SCHEMA = "sekisho.day/1"
LANGUAGES = ("ja", "en")


def day_of(at_ms: int) -> date:
    """The day of a time, in Japan: that of the desk and of its daily cap."""
    return to_datetime(at_ms).astimezone(JST).date()


def bounds(day: date) -> tuple[int, int]:
    """Begin and end of a day, milliseconds UTC; both are whole hours."""
    begin_ms = round(datetime.combine(day, time(), JST).timestamp() * 1000)
    return begin_ms, begin_ms + 24 * HOUR_MS


def judge(day: date, flows: DayFlows, asked: Asked, attributor: Attributor, baseline: Baseline) -> dict[str, Any]:
    """Ask about a day, and let the baseline learn it: the JSON of ``sekisho.day/1``.

    A baseline that has learnt the day already answers the same, since it compares with the days and weeks before.
    """
    from_ms, until_ms = bounds(day)
    parts = asked.parts(HOUR_PARTS_SQL, {}, by=HOUR_PARTS_BY)
    hours = asked.run(LINE_HOUR_SQL, {"part": parts}) if len(parts) else None
    findings = _findings(hours, asked, attributor, baseline, from_ms) if hours is not None else []
    missed, refused = baseline.hours_missed, baseline.lines_refused
    learnt = _learn(hours, baseline) if hours is not None else 0
    there = flows.hours
    return {
        "schema": SCHEMA,
        "day": day.isoformat(),
        "from": iso(from_ms),
        "until": iso(until_ms),
        "records": pc.sum(parts["records"]).as_py() if len(parts) else 0,
        "lines": pc.count_distinct(hours["line"]).as_py() if hours is not None else 0,
        "hours": len(there),
        "hours_without_flows": [iso(hour) for hour in range(from_ms, until_ms, HOUR_MS) if hour not in there],
        "baseline": {
            "lines": len(baseline),
            "hours_learnt": learnt,
            "hours_missed": baseline.hours_missed - missed,
            "lines_refused": baseline.lines_refused - refused,
        },
        "findings": findings,
    }


def _findings(
    hours: pa.Table, asked: Asked, attributor: Attributor, baseline: Baseline, from_ms: int
) -> list[dict[str, Any]]:
    lines = sorted(hours["line"].unique().to_pylist())
    tables = {
        "line_hour": hours,
        "line_day_door": _doors(hours, asked),
        # Each answer holds the hour that is asked for and the one before it.
        "baseline": pa.concat_tables([baseline.for_lines(lines, from_ms + hour * HOUR_MS) for hour in range(1, 24, 2)]),
    }
    found = []
    for detector in DAY_DETECTORS:
        params = _params(detector, lines, attributor)
        rows = asked.run(detector.sql, {**tables, "params": params}).to_pylist()
        found += [_finding(detector, row, attributor) for row in rows]
    return sorted(
        found, key=lambda finding: (finding["line_id"], finding["detector"], finding["evidence"].get("port", 0))
    )


def _doors(hours: pa.Table, asked: Asked) -> pa.Table:
    """Where the lines with lone SYN knocked."""
    sums = hours.group_by("line").aggregate([("lone_syn", "sum")]).to_pylist()
    knocking = sorted(row["line"] for row in sums if row["lone_syn_sum"] >= LONE_SYN_ASKED)
    lines = pa.table({"line": pa.array(knocking, pa.int64())})
    return asked.parts(DOOR_PARTS_SQL, {"asked": lines}, by=DOOR_PARTS_BY)


def _params(detector: DayDetector, lines: list[int], attributor: Attributor) -> pa.Table:
    known = [attributor.line(line) for line in lines]
    thresholds = thresholds_of(detector.params, [info.group if info is not None else "home" for info in known])
    return pa.table(
        {"line": pa.array(lines, pa.int64())}
        | {name: pa.array(rows, pa.float64()) for name, rows in thresholds.items()}
    )


def _finding(detector: DayDetector, row: dict[str, Any], attributor: Attributor) -> dict[str, Any]:
    evidence = {name: round(value, 1) for name, value in row.items() if name != "line"}
    return {
        "line_id": attributor.line_id(row["line"]),
        "kind": detector.kind,
        "level": "watch",
        "detector": detector.name,
        "evidence": evidence,
        "explanation": {lang: detector.explain(row, lang) for lang in LANGUAGES},
    }


def _learn(hours: pa.Table, baseline: Baseline) -> int:
    """Teach the baseline the hours in which anything was sent; how many."""
    learnt = 0
    for hour, lines, octets in _by_hour(hours):
        baseline.remember(hour, lines, octets)
        learnt += 1
    return learnt


def _by_hour(hours: pa.Table) -> Iterator[tuple[int, Any, Any]]:
    line, start, octets = (hours[name].to_numpy() for name in ("line", "hour_start_ms", "octets"))
    for begins in np.unique(start).tolist():
        of_hour = np.flatnonzero(start == begins)
        order = of_hour[np.argsort(line[of_hour])]
        yield begins // HOUR_MS, line[order], octets[order]
