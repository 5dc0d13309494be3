"""Drawings: within their edges, with round times in Japan, and without a style of their own."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cases.documents import DAY_MS, MINUTE_MS, NOW_MS, T0_MS, detection, document
from notices.samples import case_of
from sekisho.cases.database import reading
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.web.console.sparkline import HEIGHT, WIDTH, sparkline
from sekisho.web.console.timeline import WIDTH as WHOLE
from sekisho.web.console.timeline import Marks, ticks, timeline


@pytest.mark.parametrize("days", [0, 1, 40, 400])
def test_episodes_and_marks_stay_within_the_drawing(days: int, tmp_path: Path) -> None:
    """The tallest bar is the highest rate; a short episode is still seen a year later."""
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    found = [detection("<b>", peak_bps=1e9, start=0, stop=1), detection("<b>", "scan", peak_bps=5e8, start=1, stop=9)]
    record_analysis(url, document(*found), now_ms=NOW_MS)
    with reading(url) as connection:
        case = get_case(connection, 1)
    marks = Marks(told_ms=[NOW_MS], answered_ms=[NOW_MS + 1], now_ms=NOW_MS + days * DAY_MS)
    root = ET.fromstring(timeline(case, marks, label='"<script>'))
    bars = [{k: float(bar.get(k, "")) for k in ("x", "width", "height")} for bar in root.iter("rect")]
    assert len(bars) == 2
    assert all(bar["x"] >= 0 and bar["width"] > 1 and bar["x"] + bar["width"] <= WHOLE for bar in bars)
    assert min(bar["height"] for bar in bars) == pytest.approx(max(b["height"] for b in bars) / 2)
    assert 2 <= len([t for t in root.iter("text") if ":" in (t.text or "") or "-" in (t.text or "")]) <= 8
    assert not any("style" in element.attrib for element in root.iter())


@pytest.mark.parametrize("minute", range(0, 600, 37))
def test_an_answer_at_almost_the_time_of_a_notice_does_not_hide_it(minute: int) -> None:
    """Wherever it stands in the drawing: two signs side by side."""
    case, told_ms = case_of("scan"), NOW_MS + minute * MINUTE_MS
    marks = Marks(told_ms=[told_ms], answered_ms=[told_ms + 3 * MINUTE_MS], now_ms=NOW_MS + DAY_MS)
    words = [text.text or "" for text in ET.fromstring(timeline(case, marks, label="")).iter("text")]
    assert [word for word in words if "✉" in word or "☎" in word] == ["✉☎"]


def test_times_are_round_in_japan() -> None:
    """Noon is noon; a longer span has days."""
    hour = list(ticks(T0_MS, T0_MS + 60 * MINUTE_MS))
    assert [text for _, text in hour] == ["12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]
    assert [text for _, text in ticks(T0_MS, T0_MS + 5 * DAY_MS)] == ["11-25", "11-26", "11-27", "11-28", "11-29"]


@pytest.mark.parametrize("counts", [[], [0, 0], [3], list(range(60))])
def test_a_sparkline_has_its_size_whatever_it_shows(counts: list[int]) -> None:
    """From nothing to an hour; the label is escaped."""
    root = ET.fromstring(sparkline(counts, label="<x>"))
    assert root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    assert root.get("aria-label") == "<x>"
