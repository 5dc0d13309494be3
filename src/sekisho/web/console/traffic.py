"""What the line of a case sent, step by step, out of the flows that are kept: as a drawing and as a table.

Three things are told apart: traffic, silence in a minute in which the line could have been seen, and minutes of which
nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup

from sekisho.attribution.keys import UNKEYED, line_keys, read_key_file
from sekisho.cases.quiet import MINUTE_MS, counted_minutes
from sekisho.store.hunt import Period
from sekisho.store.traffic import traffic_of
from sekisho.web.console.timeline import BASE, LEFT, RIGHT, TOP, WIDTH, axis, line, text
from sekisho.web.report import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sekisho.cases.model import Case
    from sekisho.web.console.asking import Ask

BEFORE_MS, AFTER_MS = 10 * MINUTE_MS, 60 * MINUTE_MS
"""Shown beside what was seen: how it began, and whether it has stopped."""

LONGEST_MS = 24 * 60 * MINUTE_MS
MOST_STEPS = 240
"""A minute each up to four hours; longer steps beyond."""

PANEL = BASE + 40
"""Height of one of the two panels."""


class Known(StrEnum):
    """What is known of a step."""

    SENT = "sent"
    QUIET = "quiet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; rates are means over it, estimated from samples."""

    at_ms: int
    pps: float
    bps: float
    known: Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The series of one case.

    Attributes:
        steps: in order; () where no flow is kept at all.
        records: that it rests on.
        exporter: that reported them.
        picture: two panels over the same time; None where no flow of the line is kept.
    """

    steps: tuple[Step, ...]
    step_ms: int
    records: int
    exporter: str
    picture: Markup | None


def traffic_of_case(ask: Ask, case: Case) -> Traffic:
    """Read the flows of the case's line, around what was seen last.

    Raises:
        InputError: the store cannot be read.
    """
    config = ask.console.config
    if config.store.directory is None:
        return Traffic(steps=(), step_ms=MINUTE_MS, records=0, exporter="", picture=None)
    until_ms = min(ask.now_ms, case.last_seen_ms + AFTER_MS)
    from_ms = max(case.first_seen_ms - BEFORE_MS, until_ms - LONGEST_MS) // MINUTE_MS * MINUTE_MS
    step_ms = max(1, -(-(until_ms - from_ms) // (MOST_STEPS * MINUTE_MS))) * MINUTE_MS
    key = read_key_file(config.privacy.key_file) if config.privacy.key_file is not None else UNKEYED
    period = Period(from_ms=from_ms, until_ms=max(until_ms, from_ms + MINUTE_MS))
    found = traffic_of(config.store.directory, int(line_keys([case.line_id], key)[0]), period, step_ms=step_ms)
    with ask.reading() as connection:
        quiet = counted_minutes(connection, case.line_id, from_ms, until_ms)
    seconds = step_ms / 1000
    steps = tuple(
        Step(at_ms=at_ms, pps=packets / seconds, bps=octets * 8 / seconds, known=_known(packets, at_ms, step_ms, quiet))
        for at_ms, packets, octets in zip(
            range(from_ms, period.until_ms, step_ms), found.packets.tolist(), found.octets.tolist(), strict=True
        )
    )
    label = ask.console.pages.say(ask.language, "traffic_label")
    picture = draw(steps, step_ms, label=label) if found.records else None
    return Traffic(steps=steps, step_ms=step_ms, records=found.records, exporter=found.exporter, picture=picture)


def _known(packets: float, at_ms: int, step_ms: int, quiet: frozenset[int]) -> Known:
    if packets > 0:
        return Known.SENT
    minutes = range(at_ms // MINUTE_MS, (at_ms + step_ms) // MINUTE_MS)
    return Known.QUIET if all(minute in quiet for minute in minutes) else Known.UNKNOWN


def draw(steps: Sequence[Step], step_ms: int, *, label: str) -> Markup:
    """Packets above, bits below; a thin line is measured silence, a dotted one is what nobody knows."""
    root = ET.Element("svg", {"viewBox": f"0 0 {WIDTH} {2 * PANEL}", "role": "img", "aria-label": label})
    root.set("class", "timeline traffic")
    first, last = steps[0].at_ms, steps[-1].at_ms + step_ms
    for place, (rates, unit) in enumerate((([s.pps for s in steps], "pkt/s"), ([s.bps for s in steps], "bit/s"))):
        panel = ET.SubElement(root, "g", {"transform": f"translate(0 {place * PANEL})"})
        _panel(panel, steps, step_ms, rates, unit, (first, last))
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 (ElementTree has escaped every word)


def _panel(
    panel: ET.Element, steps: Sequence[Step], step_ms: int, rates: Sequence[float], unit: str, span: tuple[int, int]
) -> None:
    first, last = span

    def x(at_ms: float) -> float:
        return LEFT + (at_ms - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    highest = max(rates) or 1.0
    axis(panel, x, first, last)
    line(panel, LEFT, TOP, WIDTH - RIGHT, TOP, "grid")
    text(panel, LEFT - 8, TOP + 5, numbers.quantity(highest, unit), "end")
    text(panel, LEFT - 8, BASE, "0", "end")
    for step, rate in zip(steps, rates, strict=True):
        left, right, height = x(step.at_ms), x(step.at_ms + step_ms), rate / highest * (BASE - TOP)
        if step.known is Known.SENT:
            box = {"x": left, "y": BASE - height, "width": max(right - left, 1.0), "height": max(height, 1.5)}
            ET.SubElement(panel, "rect", {"class": "seen", **{name: f"{value:.1f}" for name, value in box.items()}})
        else:
            line(panel, left, BASE - 3, right, BASE - 3, step.known.value)
