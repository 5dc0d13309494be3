"""Files into a history: once and again, and what cannot be used is an error with its file."""

from __future__ import annotations

import pytest

from attribution.sources.test_radius_records import NOON_MS, text
from attribution.told import assignments
from sekisho.attribution.history.read import read_history
from sekisho.attribution.sources.zones import zone_of
from sekisho.core.config import Attribution
from sekisho.core.errors import InputError
from sekisho.core.time import JST


def test_a_file_is_read_on_from_where_it_was_left(tmp_path):
    """The second reading adds only what is new; the history holds both."""
    path = tmp_path / "detail"
    settings = Attribution(history=tmp_path / "history.db", radius_zone="+09:00")
    path.write_text(text())
    for more in ("", text(Acct_Session_Id="0002", User_Name="other", Framed_IP_Address="203.0.113.8")):
        with path.open("a") as file:
            file.write(more)
        with read_history(settings, radius=[path], kea=[], now_ms=NOON_MS) as history:
            holders = {span.holder for _, span in assignments(history)}
    assert holders == {"taro@example.jp", "other"}


@pytest.mark.parametrize(
    ("content", "zone", "found"),
    [
        (None, "+09:00", "expected a file that exists"),
        ("", "+09:00", "found none"),
        ("nonsense\n\n", "+09:00", r"found none \(malformed 1\)"),
        (text(), None, r"found none \(no_zone 1\)"),
        (text(Event_Timestamp=str(NOON_MS // 1000)) * 9, "+00:00", "found them 32400 s off"),
    ],
)
def test_what_cannot_be_used_is_an_error(tmp_path, content, zone, found):
    """No file, nothing in it, no zone, the wrong zone: nothing is answered from it."""
    path = tmp_path / "detail"
    if content is not None:
        path.write_text(content)
    settings = Attribution(radius_zone=zone) if zone else Attribution()
    with pytest.raises(InputError, match=found):
        read_history(settings, radius=[path], kea=[], now_ms=NOON_MS)


def test_zones():
    """East is plus."""
    assert zone_of("+09:00") == JST
    assert zone_of("-03:30").utcoffset(None).total_seconds() == -12_600
