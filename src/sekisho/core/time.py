"""Time is integer milliseconds since 1970, UTC, inside; JST and the reader's zone only in texts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")
"""Japan has had no daylight saving time since 1952, so no zone database is needed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def parse_time(text: str) -> int:
    """Milliseconds of an ISO 8601 time that carries its zone.

    Raises:
        ValueError: not ISO 8601, or no zone (nine hours off is the usual mistake in Japan).
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time with its zone, such as 2026-11-24T12:00:00+09:00, not {text!r}")
    return (moment - _EPOCH) // _MILLISECOND


def to_datetime(milliseconds: int) -> datetime:
    """The same instant as an aware ``datetime`` in UTC."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def iso(milliseconds: int) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as every JSON of ours writes times."""
    return to_datetime(milliseconds).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(milliseconds) % 1000:03d}Z"


def jst_and_utc(milliseconds: int) -> str:
    """Both clocks for people, to the second: ``2026-11-24 12:00:00 JST (03:00:00 UTC)``."""
    moment = to_datetime(milliseconds)
    utc = moment.strftime("%H:%M:%S UTC")
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M:%S} JST ({utc})"
