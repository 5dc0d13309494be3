"""An export of the accounting table: sessions that are open at the first start, and those that were."""

from __future__ import annotations

import pytest

from attribution.told import assignments
from sekisho.attribution.history.history import History
from sekisho.attribution.history.read import read_history
from sekisho.attribution.sources.radius.radacct import read_radacct
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.config import Attribution
from sekisho.core.errors import InputError
from sekisho.core.time import JST, parse_time

HEADER = "radacctid,acctsessionid,username,nasipaddress,acctstarttime,acctupdatetime,acctstoptime,framedipaddress\n"
NOON_MS = parse_time("2026-11-24T12:00:00+09:00")


def events(tmp_path, *rows):
    path = tmp_path / "radacct.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return list(read_radacct(path, zone=JST))


def test_open_and_closed_sessions(tmp_path):
    """NULL is no stop: the session is open; the times are those of the configured zone."""
    told = events(
        tmp_path,
        "1,s1,Taro,192.0.2.1,2026-11-24 12:00:00,2026-11-24 12:10:00,NULL,203.0.113.7",
        "2,s2,Jiro,192.0.2.1,2026-11-24 12:00:00,,2026-11-24 12:05:00,203.0.113.8",
    )
    with History() as history:
        history.apply("radacct", told)
        found = sorted((span.holder, span.from_ms, span.to_ms, span.inferred) for _, span in assignments(history))
        assert not history.quarantined()
    assert found == [("jiro", NOON_MS, NOON_MS + 300_000, False), ("taro", NOON_MS, OPEN_TO_MS, False)]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("1,s1,Taro,192.0.2.1,soon,,,203.0.113.7", "line 2: acctstarttime: expected a time, found 'soon'"),
        ("1,s1,,192.0.2.1,2026-11-24 12:00:00,,,203.0.113.7", "line 2: expected a session with its line"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path, row, found):
    """An export that is half right would leave lines without their addresses in silence."""
    with pytest.raises(InputError, match=found):
        events(tmp_path, row)


def test_it_is_told_from_a_detail_file(tmp_path):
    """Both are named under ``radius``; the export needs a zone."""
    events(tmp_path, "1,s1,Taro,192.0.2.1,2026-11-24 12:00:00,,,203.0.113.7")
    path = tmp_path / "radacct.csv"
    settings = Attribution(radius_zone="+09:00")
    with read_history(settings, radius=[path], kea=[], now_ms=NOON_MS) as history:
        assert [span.holder for _, span in assignments(history)] == ["taro"]
    with pytest.raises(InputError, match="radius_zone"):
        read_history(Attribution(), radius=[path], kea=[], now_ms=NOON_MS)


def test_a_missing_column_is_named(tmp_path):
    """By its name."""
    path = tmp_path / "radacct.csv"
    path.write_text("username\nTaro\n")
    with pytest.raises(InputError, match="found no acctsessionid"):
        list(read_radacct(path, zone=JST))
