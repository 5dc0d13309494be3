"""Times are milliseconds in UTC inside; what comes in must name its zone, what goes out names it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.time import iso, jst_and_utc, parse_time

FIRST, LAST = 0, 253_402_300_799_999


@given(st.integers(FIRST, LAST))
def test_iso_and_back(milliseconds: int):
    """The text of a time is that time."""
    assert parse_time(iso(milliseconds)) == milliseconds


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00+09:00", "2026-11-24T03:00:00Z", "2026-11-24T03:00:00.000+00:00"])
def test_the_zone_counts(text: str):
    """Noon in Tokyo is three in the morning in UTC."""
    assert parse_time(text) == 1_795_489_200_000


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00", "2026-11-24", "yesterday", ""])
def test_a_time_without_zone_is_refused(text: str):
    """Nine hours off is the usual mistake in Japan: no zone is assumed."""
    with pytest.raises(ValueError, match=r"its zone|isoformat"):
        parse_time(text)


def test_people_see_both_clocks():
    """JST first, UTC behind it."""
    assert jst_and_utc(1_795_489_200_000) == "2026-11-24 12:00:00 JST (03:00:00 UTC)"
