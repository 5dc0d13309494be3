"""RADIUS accounting records as events, and ``detail`` files as they grow."""

from __future__ import annotations

from datetime import timedelta, timezone
from ipaddress import ip_network

import pytest

from sekisho.attribution.sources.events import Begin, Confirm, End, Restarted
from sekisho.attribution.sources.radius.detail import DetailFile
from sekisho.attribution.sources.radius.records import Rules, event_of, line_of
from sekisho.core.reasons import SourceReason
from sekisho.core.time import JST, parse_time

NOON_MS = parse_time("2026-11-24T12:00:00+09:00")
START = {
    "Acct-Status-Type": "Start",
    "NAS-IP-Address": "192.0.2.1",
    "Acct-Session-Id": "0001",
    "User-Name": " Taro@Example.JP ",
    "Framed-IP-Address": "203.0.113.7",
}


def record(**more):
    values = START | {name.replace("_", "-"): value for name, value in more.items()}
    return {name: value if isinstance(value, list) else [value] for name, value in values.items() if value is not None}


def event(rules=None, **more):
    return event_of(record(**more), NOON_MS, rules or Rules())


def prefixes(**more):
    return {str(what.prefix) for what in event(**more).held}


def test_a_start_names_line_session_and_address():
    """The line is the normalised User-Name; the session belongs to its NAS; the time is the receipt."""
    start = event()
    assert isinstance(start, Begin)
    assert (start.holder, start.session, start.server) == ("taro@example.jp", "0001", "192.0.2.1")
    assert (start.at_ms, start.received_ms) == (NOON_MS, NOON_MS)
    assert prefixes() == {"203.0.113.7/32"}


def test_event_time():
    """Event-Timestamp where there is one, else the receipt less the time that the NAS kept trying."""
    assert event(Acct_Delay_Time="120").at_ms == NOON_MS - 120_000
    assert event(Event_Timestamp=str(NOON_MS // 1000 - 5), Acct_Delay_Time="120").at_ms == NOON_MS - 5000
    assert event(Event_Timestamp="Nov 24 2026 11:59:00 JST").at_ms == NOON_MS - 60_000
    assert event(Event_Timestamp="Nov 24 2026 12:00:00 IST") is SourceReason.NO_TIME
    assert event(Event_Timestamp=str(NOON_MS // 1000 + 9 * 3600)) is SourceReason.NO_TIME


def test_every_attribute_that_holds_something():
    """Addresses, netmask, routes and prefixes of both families; a /31 or /32 mask and the NAS's own choice are none."""
    assert prefixes(Framed_IP_Netmask="255.255.255.248") == {"203.0.113.0/29"}
    assert prefixes(Framed_IP_Netmask="255.255.255.255") == {"203.0.113.7/32"}
    routes = ["198.51.100.0/28 203.0.113.7 1", "198.51.101.0 203.0.113.7 1"]
    assert prefixes(Framed_Route=routes) == {"203.0.113.7/32", "198.51.100.0/28", "198.51.101.0/24"}
    assert prefixes(
        Framed_IP_Address=None,
        Framed_IPv6_Prefix="2001:db8:0:7::/64",
        Delegated_IPv6_Prefix="2001:db8:700::/56",
        Framed_IPv6_Route="2001:db8:800::/48 :: 1",
        Framed_IPv6_Address="2001:db8::7",
    ) == {"2001:db8:0:7::/64", "2001:db8:700::/56", "2001:db8:800::/48", "2001:db8::7/128"}
    assert event(Framed_IP_Address="255.255.255.254") is SourceReason.NOTHING_HELD


def test_interim_and_stop_tell_duration_and_octets():
    """Octets from the subscriber count on in gigawords."""
    interim = event(
        Acct_Status_Type="Interim-Update",
        Acct_Session_Time="600",
        Acct_Input_Octets="5",
        Acct_Input_Gigawords="2",
        Acct_Interim_Interval="300",
    )
    assert isinstance(interim, Confirm)
    assert (interim.since_ms, interim.octets_up) == (NOON_MS - 600_000, 5 + (2 << 32))
    assert interim.confirm_every_ms == 300_000
    assert isinstance(event(Acct_Status_Type="Stop"), End)
    assert isinstance(event(Acct_Status_Type="2"), End)


@pytest.mark.parametrize("status", ["Accounting-On", "Accounting-Off", "7", "8"])
def test_a_restart_needs_no_session(status):
    """On and Off are about the NAS."""
    assert isinstance(event(Acct_Status_Type=status, Acct_Session_Id=None, User_Name=None), Restarted)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"Acct_Status_Type": "Failed"}, SourceReason.UNKNOWN_SHAPE),
        ({"Acct_Session_Id": None}, SourceReason.NO_SESSION),
        ({"NAS_IP_Address": None}, SourceReason.NO_SESSION),
        ({"User_Name": None}, SourceReason.NO_HOLDER),
        ({"Framed_IP_Address": None}, SourceReason.NOTHING_HELD),
        ({"Framed_IP_Address": "203.0.113"}, SourceReason.MALFORMED),
        ({"Acct_Delay_Time": "soon"}, SourceReason.NO_TIME),
    ],
)
def test_what_cannot_be_used_has_a_reason(more, reason):
    """Nothing is guessed."""
    assert event(**more) is reason


def test_the_line_template_and_static_prefixes():
    """Other attributes may name the line; its static prefixes are held while its session is on."""
    static = {"ntt-42": [ip_network("198.51.100.0/29")]}
    rules = Rules(line="ntt-{Calling-Station-Id}", static=static, realm="vrf-1")
    held = event(rules, Calling_Station_Id="42").held
    assert {(str(what.prefix), what.realm) for what in held} == {
        ("203.0.113.7/32", "vrf-1"),
        ("198.51.100.0/29", "vrf-1"),
    }
    assert line_of(record(), "{Calling-Station-Id}") is None


def text(*, head="Tue Nov 24 12:00:00 2026", **more):
    lines = [f"\t{name} = {value!r}" for name, values in record(**more).items() for value in values]
    return "\n".join([head, *lines]).replace("'", '"') + "\n\n"


def detail(path, zone=JST):
    return DetailFile(path, name="radius", zone=zone)


def test_a_half_written_record_waits(tmp_path):
    """However the file is cut at the moment of reading, every record comes once and whole."""
    whole = (text() + text(Acct_Session_Id="0002")).encode()
    path = tmp_path / "detail"
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        source = detail(path)
        found = source.poll(NOON_MS)
        path.write_bytes(whole)
        found += source.poll(NOON_MS)
        assert [one.session for one in found] == ["0001", "0002"], cut
        assert [one.at_ms for one in found] == [NOON_MS] * 2
        assert not +source.dropped


def test_rotation_and_truncation(tmp_path):
    """The rest of a renamed file comes before the new one; a file that was cut is read from its beginning, counted."""
    path = tmp_path / "detail"
    source = detail(path)
    assert source.poll(NOON_MS) == []
    path.write_text(text())
    assert len(source.poll(NOON_MS)) == 1
    with path.open("a") as file:
        file.write(text(Acct_Session_Id="0002"))
    path.rename(tmp_path / "detail.1")
    path.write_text(text(Acct_Session_Id="0003"))
    assert [one.session for one in (*source.poll(NOON_MS), *source.poll(NOON_MS))] == ["0002", "0003"]
    path.write_text("")
    source.poll(NOON_MS)
    path.write_text(text(Acct_Session_Id="0004"))
    assert [one.session for one in source.poll(NOON_MS)] == ["0004"]
    assert source.dropped[SourceReason.FILE_GONE] == 1


def test_a_broken_end_of_a_rotated_file_holds_nothing_up(tmp_path):
    """Half a record at the end of the old file is counted once; then the new file is read."""
    path = tmp_path / "detail"
    path.write_text(text() + text()[:40])
    source = detail(path)
    assert len(source.poll(NOON_MS)) == 1
    path.rename(tmp_path / "detail.1")
    path.write_text(text(Acct_Session_Id="0002"))
    assert [one.session for _ in range(4) for one in source.poll(NOON_MS)] == ["0002"]
    assert source.dropped[SourceReason.FILE_GONE] == 1


def test_reading_goes_on_where_it_ended(tmp_path):
    """A new source with the saved position reads only what is new."""
    path = tmp_path / "detail"
    path.write_text(text())
    before = detail(path)
    before.poll(NOON_MS)
    with path.open("a") as file:
        file.write(text(Acct_Session_Id="0002"))
    after = detail(path)
    after.position = before.position
    assert [one.session for one in after.poll(NOON_MS)] == ["0002"]


def test_a_header_without_zone_gives_no_time(tmp_path):
    """Without a configured zone only records with a time of their own are used; nine hours off is seen in the delay."""
    path = tmp_path / "detail"
    path.write_text(text() + text(Event_Timestamp=str(NOON_MS // 1000)))
    source = detail(path, zone=None)
    assert [one.at_ms for one in source.poll(NOON_MS)] == [NOON_MS]
    assert source.dropped == {SourceReason.NO_ZONE: 1, SourceReason.FILE_GONE: 0}
    utc = detail(path, zone=timezone(timedelta(0)))
    assert [one.received_ms - one.at_ms for one in utc.poll(NOON_MS)] == [0, 9 * 3_600_000]


def test_the_timestamp_of_the_server_needs_no_zone(tmp_path):
    """FreeRADIUS writes its receipt in seconds since 1970 too; the head then does not matter."""
    path = tmp_path / "detail"
    path.write_text(text(Timestamp=str(NOON_MS // 1000 + 7)))
    for zone in (None, JST, timezone(timedelta(0))):
        assert [one.at_ms for one in detail(path, zone=zone).poll(NOON_MS)] == [NOON_MS + 7000]


def test_malformed_records_are_counted_and_passed_over(tmp_path):
    """What is no record between two records does not hide them."""
    path = tmp_path / "detail"
    path.write_text(text() + "nonsense\n\n" + "Tue Nov 24 12:00:00 2026\nno tab\n\n" + text(Acct_Session_Id="0002"))
    source = detail(path)
    assert [one.session for one in source.poll(NOON_MS)] == ["0001", "0002"]
    assert source.dropped[SourceReason.MALFORMED] == 2
