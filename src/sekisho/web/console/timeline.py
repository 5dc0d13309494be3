"""A case over time as a drawing: episodes as high as their peak, notices and answers as marks, JST below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup

from sekisho.core.time import JST, to_datetime
from sekisho.web.report import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sekisho.cases.model import Case

WIDTH, HEIGHT = 960, 190
LEFT, RIGHT, TOP, BASE = 78, 12, 26, 150
"""Edges of what is drawn; the words of the axes stand outside of them."""

_TICKS = 6
_HALF_A_TIME = 24
_SIGN = 16
"""How wide a sign is."""

_NARROWEST = 2.5
"""An episode of seconds in a month is still seen."""

_MOST_DRAWN = 400
"""More bars than that are no picture; the largest are drawn."""

_STEPS_S = (60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is marked beside the traffic, milliseconds UTC."""

    told_ms: Sequence[int]
    answered_ms: Sequence[int]
    now_ms: int


def timeline(case: Case, marks: Marks, *, label: str) -> Markup:
    """The drawing; colours come from the style sheet."""
    end = case.closed_at_ms or max(marks.now_ms, case.last_seen_ms)
    inner = max(end - case.first_seen_ms, 60_000)
    first, last = case.first_seen_ms - inner * 0.02, end + inner * 0.02
    root = ET.Element("svg", {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": label})
    root.set("class", "timeline")

    def x(at_ms: float) -> float:
        return LEFT + (at_ms - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    axis(root, x, first, last)
    peak = max((e.peak_bps for e in case.evidence), default=0.0) or 1.0
    text(root, LEFT - 8, TOP + 5, numbers.quantity(peak, "bit/s"), "end")
    line(root, LEFT, TOP, WIDTH - RIGHT, TOP, "grid")
    for evidence in sorted(case.evidence, key=lambda e: -e.peak_bps)[:_MOST_DRAWN]:
        left, right = x(evidence.first_seen_ms), x(evidence.last_seen_ms)
        height = max(evidence.peak_bps / peak, 0.03) * (BASE - TOP)
        bar = {"x": left, "y": BASE - height, "width": max(right - left, _NARROWEST), "height": height}
        ET.SubElement(root, "rect", {"class": "seen", **{name: f"{value:.1f}" for name, value in bar.items()}})
    _marks(
        root, [("told", "✉", x(at)) for at in marks.told_ms] + [("answered", "☎", x(at)) for at in marks.answered_ms]
    )
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 (ElementTree has escaped every word)


def _marks(root: ET.Element, marks: Sequence[tuple[str, str, float]]) -> None:
    """Above what was seen, which they do not hide; what happened at almost the same time stands side by side."""
    places: list[list[tuple[str, str, float]]] = []
    for mark in sorted(marks, key=lambda mark: mark[2]):
        if places and mark[2] - places[-1][0][2] < _SIGN:
            places[-1].append(mark)
        else:
            places.append([mark])
    for together in places:
        for name, _, at in together:
            line(root, at, TOP - 10, at, TOP, name)
        signs = "".join(dict.fromkeys(sign for _, sign, _ in together))
        text(root, together[0][2], TOP - 12, signs, "middle")


def ticks(first_ms: float, last_ms: float) -> Iterator[tuple[int, str]]:
    """Round instants in Japan, and how they are written."""
    span_s = (last_ms - first_ms) / 1000
    step_s = next((step for step in _STEPS_S if span_s / step <= _TICKS), _STEPS_S[-1])
    start = to_datetime(int(first_ms)).astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
    begin_ms = round(start.timestamp() * 1000)
    skipped = max(0, int((first_ms - begin_ms) // (step_s * 1000)) + 1)
    at_ms = begin_ms + skipped * step_s * 1000
    pattern = "%m-%d" if step_s >= timedelta(days=1).total_seconds() else "%m-%d %H:%M" if span_s > 86_400 else "%H:%M"
    while at_ms <= last_ms:
        yield at_ms, to_datetime(at_ms).astimezone(JST).strftime(pattern)
        at_ms += step_s * 1000


def axis(root: ET.Element, x: Callable[[float], float], first: float, last: float) -> None:
    """The time below, in JST."""
    line(root, LEFT, BASE, WIDTH - RIGHT, BASE, "axis")
    for at_ms, words in ticks(first, last):
        place = x(at_ms)
        line(root, place, BASE, place, BASE + 5, "axis")
        # At the right edge a time would be cut in two.
        is_last = place > WIDTH - RIGHT - _HALF_A_TIME
        text(root, WIDTH - 2 if is_last else place, BASE + 20, words, "end" if is_last else "middle")
    text(root, LEFT - 30, BASE + 20, "JST", "end")


def line(root: ET.Element, x1: float, y1: float, x2: float, y2: float, name: str) -> None:
    """A line; the style sheet knows its name."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    ET.SubElement(root, "line", {"class": name, **{key: f"{value:.1f}" for key, value in ends.items()}})


def text(root: ET.Element, x: float, y: float, words: str, anchor: str) -> None:
    """Words at a place."""
    ET.SubElement(root, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = words
