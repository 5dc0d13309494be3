"""Zones of times that carry none."""

from __future__ import annotations

from datetime import timedelta, timezone


def zone_of(offset: str) -> timezone:
    """The zone of an offset such as ``+09:00``."""
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(ahead if offset[0] == "+" else -ahead)
