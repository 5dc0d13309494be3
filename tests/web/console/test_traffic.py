"""What the line of a case sent: drawn, in numbers, and what cannot be known is said."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cases.documents import MINUTE_MS
from sekisho.attribution.keys import UNKEYED, line_keys
from sekisho.cases.database import writing
from sekisho.cases.quiet import LineMinute, note_minutes
from sekisho.core.config import Config
from sekisho.store.segments import Segments
from sekisho.web.console.traffic import Known, Step, draw
from store.flows import Clock, numbered
from web.console.world import NOW, World

SENT_MS = NOW - 5 * MINUTE_MS
"""Case 4 is line L-0002, seen until nine minutes ago."""


def stored(console: World, folder: Path, line_id: str) -> None:
    """A flow of a minute in a store, and what the configuration says of it."""
    batch = numbered(
        0, 1, received_ms=NOW, exporters=["192.0.2.1"], src_line=line_keys([line_id], UNKEYED), packets=60,
        octets=6000, sampling_interval=100.0, flow_start=SENT_MS, flow_end=SENT_MS + MINUTE_MS,
    )  # fmt: skip
    writer = Segments(folder, collector="c1", clock=Clock(NOW), floor_octets=0)
    writer.start()
    writer.append(batch)
    writer.close()
    console.console.config = Config.model_validate({"store": {"directory": str(folder)}})


def test_the_series_of_a_case_stands_on_its_page(console: World, tmp_path: Path) -> None:
    """Scaled means, measured silence and what nobody knows, as a picture and as a table; the purpose is on record."""
    stored(console, tmp_path / "flows", "L-0002")
    with writing(console.console.url) as connection:
        minute = LineMinute(line_id="L-0002", at_ms=NOW - 3 * MINUTE_MS, online=True, delivered=True, covered=True)
        note_minutes(connection, [minute])
    page = console.post("/cases/4/traffic", "operator", purpose="necessity").text
    picture = ET.fromstring(re.findall(r'<svg[^>]*class="timeline traffic".*?</svg>', page, re.DOTALL)[0])
    drawn = [element.get("class") for element in picture.iter() if element.tag in {"rect", "line"}]
    assert (drawn.count("seen"), drawn.count("quiet")) == (2, 2)
    table = page.split("The numbers as a table")[-1]
    assert table.count("100\u00a0pkt/s") == 1, table
    assert table.count("80.0\u00a0kbit/s") == 1
    assert table.count("measured, nothing sent") == 1
    assert "not known" in table
    assert "203.0.113" not in table
    query = "SELECT who, purpose, case_id FROM audit WHERE action = 'traffic'"
    assert console.database(query) == [("operator", "necessity", 4)]


def test_what_cannot_be_known_is_said(console: World, tmp_path: Path) -> None:
    """No store; a store without flows of this line; a purpose that is missing."""
    assert "no [store] is configured" in console.post("/cases/4/traffic", "operator", purpose="necessity").text
    stored(console, tmp_path / "flows", "L-0001")
    text = console.post("/cases/4/traffic", "operator", purpose="necessity").text
    assert "No flow of this line" in text
    assert 'class="timeline traffic"' not in text
    assert console.post("/cases/4/traffic", "operator").status_code == 409


@pytest.mark.parametrize("count", [1, 240])
def test_bars_stay_within_the_drawing(count: int) -> None:
    """Whatever the rates: the tallest reaches the top, nothing leaves the panel."""
    steps = [
        Step(at_ms=NOW + n * MINUTE_MS, pps=float(n), bps=9.0 * n, known=Known.SENT if n % 2 else Known.QUIET)
        for n in range(count)
    ]
    root = ET.fromstring(draw(steps, MINUTE_MS, label='"<x>'))
    for bar in root.iter("rect"):
        assert float(bar.get("y", "")) >= 26
        assert float(bar.get("height", "")) >= 1.5


THEME = files("sekisho.web.base").joinpath("static", "theme.css").read_text("utf-8")
STYLE = files("sekisho.web.console").joinpath("static", "console.css").read_text("utf-8")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_what_charts_draw_can_be_told_from_their_ground(theme: int) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for every mark of a chart that means something; lines of the grid do not."""
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", THEME.split("color-scheme:")[theme + 1]))
    used = re.findall(
        r"^\.(?:timeline|spark) (?!\.grid|text)[^{]*\{[^}]*(?:fill|stroke): var\(--([a-z-]+)\)", STYLE, re.MULTILINE
    )
    assert {"bad", "good", "muted", "accent", "line"} <= set(used)
    ground = luminance(colours["panel"])
    for name in used:
        high, low = sorted((luminance(colours[name]), ground), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3.0, name
