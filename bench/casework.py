"""``python -m bench.casework``: what a tick costs the case database with 5,000 open cases of two kinds each."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import best_of
from sekisho.cases.database import writing
from sekisho.cases.policy import Policy
from sekisho.cases.quiet import MINUTE_MS, LineMinute, note_minutes
from sekisho.cases.work import Done, Told, work
from sekisho.core.time import iso
from sekisho.detect.detectability import seen_within_hours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CASES = 5_000
LINES = 100_000
EXPORTER = "192.0.2.1"
T0_MS = 1_795_500_000_000
KINDS = ("udp_flood", "scan")


def main() -> None:
    """Print CPU seconds of a tick: where everything changed, where nothing did, and where cases may be over."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'cases.db')}"
        figures = {name: round(seconds, 3) for name, seconds in _ticks(url)}
    print(json.dumps({"cases": CASES, "lines": LINES, "cpu_s": figures}, indent=1))


def _ticks(url: str) -> Iterable[tuple[str, float]]:
    first, again = told(5), told(6)
    yield "opened", _cost(lambda: _tick(url, first, ()))
    yield "changed", _cost(lambda: _tick(url, again, ()))
    yield "unchanged", _cost(lambda: _tick(url, again, ()))
    for hour in range(73):
        silent = [minute for n in range(60) for minute in _minutes(6 + hour * 60 + n)]
        with writing(url) as connection:
            note_minutes(connection, silent)
    later = Told(
        at_ms=T0_MS + 80 * 60 * MINUTE_MS,
        document=again.document,
        exporter_of=again.exporter_of,
        lines_of=again.lines_of,
    )
    yield "quiet begins", _cost(lambda: _tick(url, later, _minutes(80 * 60)))
    yield "asked whether it is over", _cost(lambda: _tick(url, later, _minutes(80 * 60)))


def _tick(url: str, told: Told, minutes: Iterable[LineMinute]) -> Done:
    with writing(url) as connection:
        return work(
            connection, Policy(), told, minutes=minutes, changed={}, seen_within=seen_within_hours, now_ms=told.at_ms
        )


def _cost(tick: Callable[[], object]) -> float:
    return best_of(1, tick).cpu_s


def _minutes(at: int) -> list[LineMinute]:
    return [
        LineMinute(line_id=f"L{n}", at_ms=T0_MS + at * MINUTE_MS, online=True, delivered=True, covered=True)
        for n in range(CASES)
    ]


def told(minute: int) -> Told:
    """What a run knows at a minute: every line with an episode of each kind."""
    detections = [_detection(f"L{n}", kind, minute) for n in range(CASES) for kind in KINDS]
    return Told(
        at_ms=T0_MS + minute * MINUTE_MS,
        document={"detections": detections, "events": []},
        exporter_of={f"L{n}": EXPORTER for n in range(CASES)},
        lines_of={EXPORTER: LINES},
    )


def _detection(line_id: str, kind: str, minute: int) -> dict[str, Any]:
    return {
        "line_id": line_id,
        "subject": "line",
        "source": "100.72.0.48",
        "kind": kind,
        "level": "act",
        "first_seen": iso(T0_MS),
        "last_seen": iso(T0_MS + minute * MINUTE_MS),
        "detected_at": iso(T0_MS + 20_000),
        "packets": 1_000_000 * minute,
        "octets": 500_000_000 * minute,
        "peak_pps": 4_000.0,
        "peak_pps_interval_95": [3_900.0, 4_100.0],
        "peak_bps": 20e6,
        "sampled_packets": 1_000 * minute,
        "targets": 3,
        "top_targets": [{"prefix": "203.0.113.0/24", "port": 443, "protocol": 17, "share": 0.97}],
        "event": None,
        "confidence": 0.98,
        "evidence": {"packets": 1_000.0, "caps": []},
        "quality": {"loss": 0.001, "coverage": None},
    }


if __name__ == "__main__":
    main()
