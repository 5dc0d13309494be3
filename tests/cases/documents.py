"""Analysis documents as small as a test needs them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sekisho.core.time import iso, parse_time

T0_MS = parse_time("2026-11-24T03:00:00Z")
NOW_MS = T0_MS + 3_600_000
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


def detection(line_id: str = "L1", kind: str = "udp_flood", *, start: int = 0, stop: int = 5, **changes: Any) -> Any:
    """From minute ``start`` to minute ``stop`` after T0."""
    first, last = T0_MS + start * MINUTE_MS, T0_MS + stop * MINUTE_MS
    return {
        "line_id": line_id,
        "subject": "line",
        "source": "100.72.0.48",
        "kind": kind,
        "level": "act",
        "first_seen": iso(first),
        "last_seen": iso(last),
        "detected_at": iso(first + 20_000),
        "packets": 13_596_300,
        "octets": 8_157_780_000,
        "peak_pps": 45_321.0,
        "peak_pps_interval_95": [43_999.0, 46_888.0],
        "peak_bps": 231_000_000.0,
        "sampled_packets": 4532,
        "targets": 3,
        "top_targets": [{"prefix": "203.0.113.0/24", "port": 443, "protocol": 17, "share": 0.97}],
        "event": None,
        "confidence": 0.98,
        "evidence": {"packets": 453_210.0, "caps": []},
        "quality": {"loss": 0.001, "coverage": None},
    } | changes


def event(number: str = "E1", *, start: int = 0, stop: int = 5, **changes: Any) -> Any:
    return {
        "id": number,
        "target": "203.0.113.0/24",
        "port": 443,
        "protocol": 17,
        "first_seen": iso(T0_MS + start * MINUTE_MS),
        "last_seen": iso(T0_MS + stop * MINUTE_MS),
        "peak_bps": 9.3e9,
        "peak_pps": 1.8e6,
        "lines": 137,
        "exporters": ["192.0.2.2", "192.0.2.1"],
        "links": ["bng-1/0"],
    } | changes


def document(*detections: Any, events: list[Any] | None = None) -> Any:
    return {
        "schema": "sekisho.analysis/1",
        "input": {},
        "detections": list(detections),
        "unattributed_detections": [],
        "events": events or [],
        "impact": {},
    }


def content(path: Path) -> list[str]:
    """Everything that a database holds, as text."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
