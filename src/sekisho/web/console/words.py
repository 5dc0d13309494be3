"""How the console's pages write kinds, times and numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sekisho.core.time import JST, to_datetime
from sekisho.web.report import numbers
from sekisho.web.report.texts import texts as report_texts
from sekisho.web.report.view import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.cases.model import Evidence
    from sekisho.measures.model import Language


def kind_name(kind: str, language: Language) -> str:
    """What the desk calls a kind; one without a text is shown by its code."""
    return name("kind", kind, language)


def name(family: str, code: str, language: Language) -> str:
    """A code in the words of the report, such as a reason; one that it does not know stays a code."""
    text = report_texts().get(f"{family}_{code}")
    return text[language] if text is not None else code


def clock(milliseconds: int) -> str:
    """Both clocks, short enough for a table: ``11-24 12:00 (03:00)``; the head of the column names the zones."""
    moment = to_datetime(milliseconds)
    return f"{moment.astimezone(JST):%m-%d %H:%M} ({moment:%H:%M})"


def exact(milliseconds: int) -> str:
    """Both clocks to the second, with their zones."""
    moment = to_datetime(milliseconds)
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M:%S} JST ({moment:%H:%M:%S} UTC)"


def protocol(number: int) -> str:
    """``UDP``; the IANA number where it has no name here."""
    return PROTOCOLS.get(number, str(number))


def packet_rate(evidence: Evidence) -> str:
    """The peak with its 95 % interval."""
    return numbers.interval(evidence.peak_pps, *evidence.peak_pps_interval_95, "pkt/s")


_HELD = {
    "held_new_lines": re.compile(r"(?P<count>\d+) new lines at act within ten minutes, more than (?P<limit>\d+)"),
    "held_exporter_lines": re.compile(
        r"(?P<count>\d+) of (?P<lines>\d+) lines of (?P<exporter>.+) at act, more than (?P<share>[\d.]+%)"
    ),
}
"""Why ``cases/brake.py`` pulled the brake: the sentence of the trail -> the text that says it in both languages."""


def why_held(reason: str) -> tuple[str, dict[str, str]] | None:
    """Name and values of the text for a reason of the program's; None for the words of a person."""
    for text, sentence in _HELD.items():
        if found := sentence.fullmatch(reason):
            return text, found.groupdict()
    return None


SHARED: Mapping[str, object] = {
    "quantity": numbers.quantity,
    "packet_rate": packet_rate,
    "share": numbers.share,
    "duration": numbers.seconds,
    "kind_name": kind_name,
    "word": name,
    "clock": clock,
    "exact": exact,
    "protocol": protocol,
    "why_held": why_held,
}
"""What every template may use."""
