"""Syslog messages (RFC 5424, and the older BSD form of RFC 3164): when, from whom, and what.

A BSD header has neither year nor zone. The zone is configured, or the message is of no use: in Japan it would be nine
hours off, and the wrong line. The year is that of the reception, or the one beside it that is nearer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sekisho.core.reasons import SourceReason
from sekisho.core.time import parse_time, to_datetime

MAX_MESSAGE_OCTETS = 8192
"""RFC 5424, 6.1 asks for 2,048 at least; a longer line is no message of a translator."""

_PRIORITY = r"(?:<\d{1,3}>)?"
_NEW = re.compile(_PRIORITY + r"1 (?P<time>\S{1,40}) (?P<host>\S{1,255}) (?P<message>.*)", re.DOTALL)
_ISO = re.compile(_PRIORITY + r"(?P<time>\d{4}-\d\d-\d\dT\S{8,32}) (?P<host>\S{1,255}) (?P<message>.*)", re.DOTALL)
_BSD = re.compile(
    _PRIORITY + r"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d{1,6})?"
    r" (?:(?P<year>\d{4}) )?(?P<host>\S{1,255}) (?P<message>.*)",
    re.DOTALL,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.

    Attributes:
        at_ms: milliseconds UTC, as its sender says.
    """

    at_ms: int
    host: str
    text: str


def read_line(line: bytes, *, received_ms: int, zone: tzinfo | None) -> Message | SourceReason:
    """A message of one line or datagram.

    Args:
        line: octets, with or without the line feed.
        received_ms: tells the year of a header without one.
        zone: of a header without one; None where none is configured.
    """
    if len(line) > MAX_MESSAGE_OCTETS:
        return SourceReason.TOO_LONG
    text = line.decode("utf-8", "replace").strip("\r\n\0 ")
    if "\0" in text:
        return SourceReason.MALFORMED
    for form in (_NEW, _ISO):
        if found := form.fullmatch(text):
            at_ms = _iso_ms(found["time"], zone)
            break
    else:
        found = _BSD.fullmatch(text)
        if found is None:
            return SourceReason.MALFORMED
        at_ms = _bsd_ms(found, received_ms, zone)
    if isinstance(at_ms, SourceReason):
        return at_ms
    return Message(at_ms=at_ms, host=found["host"], text=found["message"])


def _iso_ms(text: str, zone: tzinfo | None) -> int | SourceReason:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return parse_time(text)
        return SourceReason.NO_ZONE if zone is None else parse_time(moment.replace(tzinfo=zone).isoformat())
    except (ValueError, OverflowError):
        return SourceReason.NO_TIME


def _bsd_ms(found: re.Match[str], received_ms: int, zone: tzinfo | None) -> int | SourceReason:
    if zone is None:
        return SourceReason.NO_ZONE
    received = to_datetime(received_ms).astimezone(zone)
    years = (int(found["year"]),) if found["year"] else (received.year - 1, received.year, received.year + 1)
    moments = [moment for year in years if (moment := _moment(found, year, zone)) is not None]
    if not moments:
        return SourceReason.NO_TIME
    nearest = min(moments, key=lambda moment: abs(moment - received))
    # A header a day ahead of us is a wrong clock or an old file: without its year nobody can say which.
    if not found["year"] and nearest - received > timedelta(days=1):
        return SourceReason.NO_TIME
    return parse_time(nearest.isoformat())


def _moment(found: re.Match[str], year: int, zone: tzinfo) -> datetime | None:
    try:
        month = _MONTHS.index(found["month"]) + 1
        clock = datetime.strptime(found["clock"], "%H:%M:%S").time()  # noqa: DTZ007 - a clock, its zone is given
        return datetime.combine(datetime(year, month, int(found["day"]), tzinfo=zone), clock, tzinfo=zone)
    except ValueError:
        return None
