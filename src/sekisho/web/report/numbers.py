"""Numbers as people read them: three digits that count, SI prefixes, both clocks."""

from __future__ import annotations

from sekisho.core.time import JST, parse_time, to_datetime

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def scale(largest: float, unit: str) -> tuple[float, str]:
    """Divisor and unit with its prefix for an axis that reaches ``largest``."""
    for factor, prefix in _PREFIXES:
        if largest >= factor:
            return factor, f"{prefix}{unit}"
    return 1.0, unit


def quantity(value: float, unit: str = "") -> str:
    """Three significant digits with a prefix: ``45.1 k``, ``230 Mbit/s``."""
    factor, scaled_unit = scale(abs(value), unit)
    number = value / factor
    digits = 0 if number >= 99.95 or (factor == 1.0 and number == round(number)) else 1 if number >= 9.995 else 2
    return f"{number:,.{digits}f}\u00a0{scaled_unit}".rstrip("\u00a0")


def interval(value: float, low: float, high: float, unit: str = "") -> str:
    """A value and its 95 % interval in one unit: ``45.1 k (44.2–46.0)``."""
    factor, scaled_unit = scale(max(abs(value), 1e-9), unit)
    digits = 1 if factor > 1 else 0
    texts = [f"{number / factor:,.{digits}f}" for number in (value, low, high)]
    whole = f"{texts[0]}\u00a0{scaled_unit}".rstrip("\u00a0")
    return f"{whole} ({texts[1]}–{texts[2]})"


def share(value: float) -> str:
    """Percent; what is there but too little for the digits is not shown as nothing."""
    if 0 < value < 0.001:
        return "< 0.1\u00a0%"
    return f"{value * 100:.1f}\u00a0%" if value < 0.995 else f"{value * 100:.0f}\u00a0%"


def seconds(value: float) -> str:
    """A duration: ``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(value)
    if whole < 120:
        return f"{whole}\u00a0s"
    if whole < 7200:
        return f"{whole // 60}\u00a0min {whole % 60:02d}\u00a0s"
    return f"{whole // 3600}\u00a0h {whole % 3600 // 60:02d}\u00a0min"


def jst(time: str) -> str:
    """Date and time in Japan of an ISO 8601 time."""
    return f"{to_datetime(parse_time(time)).astimezone(JST):%Y-%m-%d %H:%M:%S}"


def jst_clock(time: str) -> str:
    """The time of day in Japan alone."""
    return f"{to_datetime(parse_time(time)).astimezone(JST):%H:%M:%S}"


def utc_clock(time: str) -> str:
    """The time of day in UTC alone."""
    return f"{to_datetime(parse_time(time)):%H:%M:%S}"
