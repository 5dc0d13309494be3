"""Dates, rates and numbers as a subscriber reads them, and the phrases around them, in both languages."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from math import floor, log10
from typing import TYPE_CHECKING

from sekisho.core.time import JST, to_datetime
from sekisho.measures.model import Language, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MINUTE_MS = 60_000

_DATE = {Language.JA: "y年M月d日", Language.EN: "d MMMM y"}
_UNITS = {
    Language.JA: ("ビット", "キロビット", "メガビット", "ギガビット"),
    Language.EN: ("bits", "kilobits", "megabits", "gigabits"),
}


@cache
def phrases() -> Mapping[str, Text]:
    """Every phrase by its name."""
    tables = tomllib.loads(files(__package__).joinpath("texts", "phrases.toml").read_text("utf-8"))
    return {name: Text.of(table) for name, table in tables.items()}


def say(name: str, language: Language, **values: object) -> str:
    """A phrase that reads the same at both levels."""
    return phrases()[name].render(language, **values)


def date(milliseconds: int, language: Language) -> str:
    """The day in Japan."""
    return _day(to_datetime(milliseconds).astimezone(JST), language)


def period(first_ms: int, last_ms: int, language: Language) -> str:
    """From when to when, to the minute, in JST and in UTC; the last minute is told as a whole."""
    until_ms = -(-last_ms // MINUTE_MS) * MINUTE_MS
    first, last = to_datetime(first_ms), to_datetime(until_ms)
    return say(
        "period",
        language,
        first=_moment(first.astimezone(JST), language),
        last=_moment(last.astimezone(JST), language, after=first.astimezone(JST)),
        first_utc=_moment(first, language),
        last_utc=_moment(last, language, after=first),
    )


def moment(milliseconds: int, language: Language) -> str:
    """One moment to the minute, in JST and in UTC; a minute that has begun is told as a whole."""
    whole = to_datetime(-(-milliseconds // MINUTE_MS) * MINUTE_MS)
    return say("moment", language, moment=_moment(whole.astimezone(JST), language), moment_utc=_moment(whole, language))


def rounded(value: float, digits: int = 2) -> int:
    """So many digits that count; more would look surer than an estimate is."""
    if value < 1:
        return 0
    step = 10 ** max(0, floor(log10(value)) - digits + 1)
    return int((value + step / 2) // step * step)


def count(value: float) -> str:
    """Two digits that count, grouped by thousands; at least one."""
    return f"{max(1, rounded(value)):,}"


def bits(bits_per_second: float, language: Language) -> str:
    """``230 megabits``."""
    value, units = rounded(bits_per_second), _UNITS[language]
    size = min(len(units) - 1, max(0, (len(str(value)) - 1) // 3))
    return f"{value / 1000**size:g}{'' if language is Language.JA else ' '}{units[size]}"


def lines(number: int, language: Language) -> str:
    """How many lines, so rounded that nobody can be counted out of it."""
    if number < 10:
        return say("lines_few", language)
    return say("lines", language, count=f"{rounded(number, 2 if number >= 100 else 1):,}")


def listed(parts: list[str], language: Language) -> str:
    """One after another."""
    return say("listed", language).join(parts)


def _moment(moment: datetime, language: Language, *, after: datetime | None = None) -> str:
    """Date and time, or the time alone where the date was just told."""
    clock = f"{moment:%H:%M}"
    if after is not None and after.date() == moment.date():
        return clock
    separator = " " if language is Language.JA else ", "
    return f"{_day(moment, language)}{separator}{clock}"


def _day(moment: datetime, language: Language) -> str:
    from babel.dates import format_date

    return format_date(moment.date(), _DATE[language], locale=language.value)
