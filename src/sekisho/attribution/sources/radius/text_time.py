"""Times as FreeRADIUS writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

HEADER = "%a %b %d %H:%M:%S %Y"
"""Head of a ``detail`` record, in the server's local time, without its zone."""

STAMP = "%b %d %Y %H:%M:%S"

_ZONES = {"UTC": timedelta(0), "GMT": timedelta(0), "JST": timedelta(hours=9)}
"""Abbreviations that mean one thing; others, such as IST, do not."""


def head_ms(text: str, zone: timezone | None) -> int | None:
    """Milliseconds UTC of a header; None where it has no zone and none is configured.

    Raises:
        ValueError: not a header.
    """
    moment = datetime.strptime(" ".join(text.split()), HEADER).replace(tzinfo=zone)
    return None if zone is None else int(moment.timestamp() * 1000)


def with_zone(text: str) -> int:
    """Milliseconds UTC of an ``Event-Timestamp`` in words; FreeRADIUS adds the zone.

    Raises:
        ValueError: another form, or a zone that is not known for certain.
    """
    body, _, zone = " ".join(text.split()).rpartition(" ")
    if zone not in _ZONES:
        raise ValueError(f"a time with the zone {' or '.join(_ZONES)}, not {text!r}")
    moment = datetime.strptime(body, STAMP).replace(tzinfo=timezone(_ZONES[zone]))
    return int(moment.timestamp() * 1000)
