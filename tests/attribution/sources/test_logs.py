"""Lines of logs: their headers, their zone, and the file, datagram or connection that they come by."""

from __future__ import annotations

import socket
from datetime import UTC, timedelta, timezone
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.sources.blocks import ALLOC, ALLOCATED_MS, BSD
from sekisho.attribution.sources.cgnat import juniper
from sekisho.attribution.sources.events import Begin
from sekisho.attribution.sources.line_inputs import POLL_OCTETS, FileLines, TcpLines, UdpLines
from sekisho.attribution.sources.syslog import MAX_MESSAGE_OCTETS, Message, read_line
from sekisho.attribution.sources.translator_log import TranslatorLog
from sekisho.core.errors import InputError
from sekisho.core.reasons import SourceReason
from sekisho.core.time import JST, parse_time

UTC_ZONE = UTC
LINE = f"{BSD}{ALLOC}\n".encode()
LOOPBACK = (IPv4Address("127.0.0.1"),)


@pytest.mark.parametrize(
    ("header", "zone", "expected"),
    [
        ("<14>1 2026-06-30T17:44:26.000Z bng-1 ", None, "2026-06-30T17:44:26Z"),
        ("<14>1 2026-07-01T02:44:26+09:00 bng-1 ", UTC_ZONE, "2026-06-30T17:44:26Z"),
        ("2026-07-01T02:44:26 bng-1 ", JST, "2026-06-30T17:44:26Z"),
        ("<14>Jul  1 02:44:26 bng-1 ", JST, "2026-06-30T17:44:26Z"),
        ("<14>Jun 30 17:44:26 2025 bng-1 ", UTC_ZONE, "2025-06-30T17:44:26Z"),
        ("Jun 30 17:44:26.123 bng-1 ", UTC_ZONE, "2026-06-30T17:44:26Z"),
    ],
)
def test_headers(header, zone, expected):
    """RFC 5424 and ISO headers with their zone, BSD headers with the configured one."""
    message = read_line(f"{header}{ALLOC}".encode(), received_ms=ALLOCATED_MS, zone=zone)
    assert message == Message(at_ms=parse_time(expected), host="bng-1", text=ALLOC)


@pytest.mark.parametrize("header", ["<14>Jul  1 02:44:26 bng-1 ", "<14>1 2026-07-01T02:44:26 bng-1 "])
def test_a_time_without_zone_is_of_no_use(header):
    """Where neither the line nor the configuration has a zone, the line is dropped: it might be nine hours off."""
    assert read_line(f"{header}x".encode(), received_ms=ALLOCATED_MS, zone=None) is SourceReason.NO_ZONE


def test_a_header_of_last_year_is_last_years():
    """A line of 31 December that is read on 1 January has the year before; one far ahead has no year at all."""
    new_year = parse_time("2027-01-01T00:00:30Z")
    read = read_line(b"Dec 31 23:59:59 bng-1 x", received_ms=new_year, zone=UTC_ZONE)
    assert read.at_ms == parse_time("2026-12-31T23:59:59Z")
    assert read_line(b"Jan  3 00:00:00 bng-1 x", received_ms=new_year, zone=UTC_ZONE) is SourceReason.NO_TIME


def test_a_leap_day_has_its_year():
    """29 February exists in its own year only, and never falls into a neighbour's March."""
    read = read_line(b"Feb 29 12:00:00 h x", received_ms=parse_time("2028-02-29T12:00:01Z"), zone=UTC_ZONE)
    assert read.at_ms == parse_time("2028-02-29T12:00:00Z")
    assert read_line(b"Feb 30 12:00:00 h x", received_ms=ALLOCATED_MS, zone=UTC_ZONE) is SourceReason.NO_TIME


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"x" * (1 << 20), SourceReason.TOO_LONG),
        (b"<14>Jun 30 17:44:26 bng-1 a\0b", SourceReason.MALFORMED),
        (b"", SourceReason.MALFORMED),
        (b"\xff\xfe\xfd", SourceReason.MALFORMED),
        (b"<14>1 2026-99-99T00:00:00Z bng-1 x", SourceReason.NO_TIME),
    ],
)
def test_hostile_lines_have_reasons(line, reason):
    """A megabyte, NUL, nothing, no text and no time: each is dropped under its reason."""
    assert read_line(line, received_ms=ALLOCATED_MS, zone=UTC_ZONE) is reason


@given(st.binary(max_size=200), st.sampled_from([None, JST, timezone(timedelta(hours=-5))]))
def test_any_octets_are_a_message_or_have_a_reason(line, zone):
    """Any octets, also behind a valid beginning, are read or counted; nothing is raised."""
    for octets in (line, LINE[:20] + line, b"<14>1 2026-07-01T" + line):
        assert isinstance(read_line(octets, received_ms=ALLOCATED_MS, zone=zone), Message | SourceReason)


@pytest.fixture
def log():
    """Makes sources and closes them."""
    made = []

    def make(lines, zone=UTC_ZONE):
        made.append(TranslatorLog(name="cgn", lines=lines, read_message=juniper.read_message, zone=zone))
        return made[-1]

    yield make
    for source in made:
        source.lines.close()


def test_a_followed_file(tmp_path, log):
    """Lines come once, half a line waits, and what has been read is not read again after a restart."""
    path = tmp_path / "cgn.log"
    path.write_bytes(LINE + LINE[:30])
    source = log(FileLines(path=path))
    (event,) = source.poll(ALLOCATED_MS + 800)
    assert type(event) is Begin
    assert (event.at_ms, event.received_ms, event.server) == (ALLOCATED_MS, ALLOCATED_MS, "bng-1")
    assert source.poll(ALLOCATED_MS) == []
    with path.open("ab") as file:
        file.write(LINE[30:])
    again = log(FileLines(path=path, position=source.position))
    assert len(again.poll(ALLOCATED_MS)) == 1
    assert again.dropped.total() == 0


def test_the_delay_of_a_file_counts_once_its_end_was_seen(tmp_path, log):
    """An old file tells nothing of a delay; what is appended while we follow was received when it was read."""
    path = tmp_path / "cgn.log"
    path.write_bytes(LINE)
    source = log(FileLines(path=path))
    (old,) = source.poll(ALLOCATED_MS + 99_000_000)
    with path.open("ab") as file:
        file.write(LINE)
    (new,) = source.poll(ALLOCATED_MS + 800)
    assert (old.received_ms - old.at_ms, new.received_ms - new.at_ms) == (0, 800)


def test_rotation_and_truncation(tmp_path, log):
    """A renamed file is read to its end before the new one; a cut one is counted and read from its start."""
    path = tmp_path / "cgn.log"
    path.write_bytes(LINE)
    source = log(FileLines(path=path))
    assert len(source.poll(ALLOCATED_MS)) == 1
    with path.open("ab") as file:
        file.write(LINE)
    path.rename(tmp_path / "cgn.log.1")
    path.write_bytes(LINE * 3)
    assert [len(source.poll(ALLOCATED_MS)) for _ in range(3)] == [1, 3, 0]
    path.write_bytes(LINE)
    assert len(source.poll(ALLOCATED_MS)) == 1
    assert source.dropped == {SourceReason.FILE_GONE: 1}


def test_a_file_cut_while_nobody_read(tmp_path, log):
    """A saved place beyond the end, or in another file, is counted, and the file is read from its start."""
    path = tmp_path / "cgn.log"
    path.write_bytes(LINE)
    for position in (f"{path.stat().st_ino}:99999", "1:0"):
        source = log(FileLines(path=path, position=position))
        assert len(source.poll(ALLOCATED_MS)) == 1
        assert source.dropped == {SourceReason.FILE_GONE: 1}


def test_an_endless_line_is_passed_over(tmp_path, log):
    """Megabytes without a line feed are one dropped line, and the next one is read."""
    path = tmp_path / "cgn.log"
    path.write_bytes(b"x" * (2 * POLL_OCTETS + 5) + b"\n" + LINE)
    source = log(FileLines(path=path))
    events = [event for _ in range(4) for event in source.poll(ALLOCATED_MS)]
    assert len(events) == 1
    assert source.dropped == {SourceReason.TOO_LONG: 1}


def test_a_file_that_is_not_there(tmp_path, log):
    """A log that cannot be read is said by name."""
    with pytest.raises(InputError, match=r"nowhere\.log"):
        log(FileLines(path=tmp_path / "nowhere.log")).poll(0)


def test_a_line_without_zone_is_quarantined(tmp_path, log):
    """BSD lines without a configured zone give no event at all, and are counted as such."""
    path = tmp_path / "cgn.log"
    path.write_bytes(LINE * 2)
    source = log(FileLines(path=path), zone=None)
    assert source.poll(ALLOCATED_MS) == []
    assert source.dropped == {SourceReason.NO_ZONE: 2}


def _until(source, wanted):
    events = []
    for _ in range(200_000):
        events += source.poll(ALLOCATED_MS)
        if len(events) + source.dropped.total() >= wanted:
            return events
    pytest.fail(f"{len(events)} events, {source.dropped} after many polls")


def test_datagrams(log):
    """A datagram is a message; of an address that is not configured none is read."""
    lines = UdpLines(address="127.0.0.1", port=0, senders=LOOPBACK)
    port = lines.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(LINE, ("127.0.0.1", port))
        sender.sendto(b"y" * (MAX_MESSAGE_OCTETS + 1), ("127.0.0.1", port))
        source = log(lines)
        assert [type(event) for event in _until(source, 2)] == [Begin]
        assert source.dropped == {SourceReason.TOO_LONG: 1}
        lines.senders = (IPv4Address("192.0.2.1"),)
        sender.sendto(LINE, ("127.0.0.1", port))
        assert _until(source, 2) == []
        assert source.dropped[SourceReason.UNKNOWN_SENDER] == 1


@pytest.mark.parametrize("pieces", [[LINE * 2], [LINE[:7], LINE[7:] + LINE], [b"%d " % len(LINE), LINE * 2]])
def test_connections(pieces, log):
    """Messages by line feed or by counted octets, cut anywhere; half a message at the end is counted."""
    lines = TcpLines(address="127.0.0.1", port=0, senders=LOOPBACK)
    source = log(lines)
    with socket.create_connection(("127.0.0.1", lines.start())) as sender:
        for piece in pieces:
            sender.sendall(piece)
            source.poll(ALLOCATED_MS) if piece is not pieces[-1] else None
        assert len(_until(source, 2)) == 2
        sender.sendall(b"half")
    _until(source, 1)
    assert source.dropped == {SourceReason.MALFORMED: 1}


def test_a_connection_without_messages_is_ended(log):
    """A stream that never ends its message is closed at the limit; the next connection is served."""
    lines = TcpLines(address="127.0.0.1", port=0, senders=LOOPBACK)
    source = log(lines)
    port = lines.start()
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(b"x" * (MAX_MESSAGE_OCTETS + 1))
        _until(source, 1)
    assert source.dropped == {SourceReason.TOO_LONG: 1}
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(LINE)
        assert len(_until(source, 2)) == 1
