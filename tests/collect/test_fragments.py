"""IP fragments become the datagram they were, within stated bounds, and are counted where they do not."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_builders import SOURCE, SOURCE6, TIME_S, Pcapng, ethernet, export, frame, ipv4, ipv6, pcap, udp
from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters
from sekisho.collect.fragments import MAX_FRAGMENTS, MAX_INCOMPLETE, TIMEOUT_MS
from sekisho.core.reasons import FrameReason

BIG = export(octets=4000)


def pieces(datagram, size=1480):
    """(octets / 8, has more, octets) of the fragments of a datagram."""
    return [(at // 8, at + size < len(datagram), datagram[at : at + size]) for at in range(0, len(datagram), size)]


def fragments4(payload=BIG, *, identification=7, size=1480, source=SOURCE):
    return [
        ethernet(ipv4(part, source=source, identification=identification, fragment=more << 13 | at))
        for at, more, part in pieces(udp(payload), size)
    ]


def fragments6(payload=BIG, *, identification=7, size=1448):
    return [
        ethernet(ipv6(part, next_header=44, extensions=struct.pack(">BBHI", 17, 0, at << 3 | more, identification)))
        for at, more, part in pieces(udp(payload), size)
    ]


@pytest.fixture
def read(tmp_path):
    def read(frames, times=None):
        path, exporters = tmp_path / "fragments.pcap", Exporters()
        path.write_bytes(pcap(frames, times=times))
        return rows_of(read_capture(path, exporters=exporters), exporters)

    return read


def rows_of(capture, exporters):
    rows = [
        (exporters.texts[code], bytes(block.payload[at : at + length]), int(time))
        for block in capture
        for code, at, length, time in zip(block.exporter, block.offset, block.length, block.received_at, strict=True)
    ]
    return rows, dict(capture.drops)


@pytest.mark.parametrize(("parts", "source"), [(fragments4(), SOURCE), (fragments6(), SOURCE6)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_fragments_in_any_order(read, parts, source, order):
    """A datagram of three fragments is whole when the last of them came, at that time."""
    rows, drops = read([parts[row] for row in order])
    assert rows == [(source, BIG, TIME_S * 1000)]
    assert drops == {}


def test_it_stands_where_its_last_fragment_stood(read):
    """Whole datagrams before and between the fragments come first, later ones follow."""
    first, second, third = fragments4()
    rows, _ = read([frame(export(5)), first, second, frame(export(10)), third, frame()])
    assert [payload for _, payload, _ in rows] == [export(5), export(10), BIG, export()]


def test_a_repeated_fragment_changes_nothing(read):
    """The network may deliver a fragment twice."""
    first, second, third = fragments4()
    rows, drops = read([first, first, second, second, third])
    assert ([row[1] for row in rows], drops) == ([BIG], {})


def test_datagrams_are_told_apart(read):
    """Source and identification are the key, so that interleaved fragments find their own."""
    one, two, three = fragments4(), fragments4(export(10, octets=3000), identification=8), fragments6()
    rows, drops = read([part for parts in zip(two, one, three, strict=True) for part in parts])
    assert [(source, len(payload)) for source, payload, _ in rows] == [(SOURCE, 3000), (SOURCE, 4000), (SOURCE6, 4000)]
    assert drops == {}


def test_a_fragment_repeated_too_late_is_counted(read):
    """A copy that comes after its datagram was whole starts another that stays incomplete."""
    parts = fragments4()
    rows, drops = read([*parts, parts[-1]])
    assert (len(rows), drops) == (1, {FrameReason.FRAGMENT_INCOMPLETE: 1})


def test_a_missing_fragment_is_counted(read):
    """Frames of a datagram that never became whole are counted one by one."""
    assert read(fragments4()[:2]) == ([], {FrameReason.FRAGMENT_INCOMPLETE: 2})


@pytest.mark.parametrize(("wait_ms", "whole"), [(TIMEOUT_MS, 1), (TIMEOUT_MS + 1, 0)])
def test_waiting_ends_in_stream_time(read, wait_ms, whole):
    """A fragment that comes after the timeout finds nothing to complete."""
    start = TIME_S * 1_000_000
    rows, drops = read(fragments4(size=2960), times=[start, start + wait_ms * 1000])
    assert len(rows) == whole
    assert drops == ({} if whole else {FrameReason.FRAGMENT_INCOMPLETE: 2})


def test_the_oldest_leaves_at_the_limit(read):
    """One incomplete datagram more than the limit makes the first one leave, counted."""
    firsts = [fragments4(identification=row)[0] for row in range(MAX_INCOMPLETE + 1)]
    rows, drops = read(firsts)
    assert (rows, drops) == (
        [],
        {FrameReason.FRAGMENT_LIMIT: 1, FrameReason.FRAGMENT_INCOMPLETE: MAX_INCOMPLETE},
    )


@pytest.mark.parametrize(
    "extra",
    [(4, True, b"x" * 16), (0, True, b"x" * 1480), (600, True, b"x" * 8), (8191, True, b"x" * 8)],
    ids=["inside", "same place, other octets", "behind the end", "beyond 65,535"],
)
def test_overlapping_fragments_discard_the_datagram(read, extra):
    """RFC 5722: where fragments contradict each other, none of them is used."""
    at, more, octets = extra
    first, *_, last = fragments4()
    rows, drops = read([first, last, ethernet(ipv4(octets, identification=7, fragment=more << 13 | at))])
    assert (rows, drops) == ([], {FrameReason.BAD_IP_HEADER: 3})


def test_too_many_fragments_discard_the_datagram(read):
    """Fragments of eight octets are an attack on whoever puts them together."""
    rows, drops = read(fragments4(size=8)[: MAX_FRAGMENTS + 1])
    assert (rows, drops) == ([], {FrameReason.BAD_IP_HEADER: MAX_FRAGMENTS + 1})


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (udp(export(1, octets=4000)), FrameReason.NOT_AN_EXPORT),
        (udp(BIG, length=9), FrameReason.NOT_AN_EXPORT),
        (udp(BIG, length=4009), FrameReason.BAD_UDP_HEADER),
        (udp(BIG, length=7), FrameReason.BAD_UDP_HEADER),
    ],
)
def test_a_whole_datagram_that_is_no_export(read, datagram, reason):
    """What is put together is judged like what came in one piece; all its frames count."""
    frames = [ethernet(ipv4(part, identification=1, fragment=more << 13 | at)) for at, more, part in pieces(datagram)]
    assert read(frames) == ([], {reason: 3})


def test_fragments_of_other_protocols_are_not_held(read):
    """Only UDP is put together."""
    frames = [
        ethernet(ipv4(bytes(1480), protocol=6, fragment=0x2000)),
        ethernet(ipv4(bytes(8), protocol=6, fragment=185)),
    ]
    assert read(frames) == ([], {FrameReason.NOT_UDP: 2})


def test_the_middle_of_an_ipv6_datagram_is_not_read_as_headers(read):
    """A later fragment may start with anything: what its next header names is in the first one only."""
    fragment = struct.pack(">BBHI", 60, 0, 8, 7)
    frames = [ethernet(ipv6(b"\x11\0" + bytes(30), next_header=44, extensions=fragment))]
    assert read(frames) == ([], {FrameReason.NOT_UDP: 1})


@pytest.mark.parametrize("version_word", [b"\0\5", b"\0\x09", b"\0\x0a", b"\0\0\0\5"])
def test_exports_of_every_protocol(read, version_word):
    """What is put together is an export by its version word, sFlow's four octets among them."""
    payload = version_word.ljust(4000, b"\0")
    rows, drops = read(fragments4(payload))
    assert ([row[:2] for row in rows], drops) == ([(SOURCE, payload)], {})


def test_without_times_the_export_time_counts(tmp_path):
    """Simple packet blocks tell no time: a reassembled datagram takes it from its header too."""
    write, path, exporters = Pcapng(), tmp_path / "simple.pcapng", Exporters()
    frames = fragments4(export(10, octets=3000, export_time_s=TIME_S + 5))
    path.write_bytes(write.section() + write.interface() + b"".join(map(write.simple_packet, frames)))
    rows, _ = rows_of(read_capture(path, exporters=exporters), exporters)
    assert [time for *_, time in rows] == [(TIME_S + 5) * 1000]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(range(9)), max_size=30))
def test_every_frame_is_in_a_datagram_or_counted(tmp_path_factory, choice):
    """Invariant: whatever fragments come in whatever order, frames are neither lost nor counted twice."""
    some = [*fragments4(), *fragments4(export(5, octets=3000), identification=8), frame(), frame(b"no"), b""]
    path, exporters = tmp_path_factory.mktemp("fuzz") / "fuzz.pcap", Exporters()
    path.write_bytes(pcap([some[row % len(some)] for row in choice]))
    rows, drops = rows_of(read_capture(path, exporters=exporters), exporters)
    whole = sum(len(payload) == len(export()) for _, payload, _ in rows)
    assert whole + sum(drops.values()) <= len(choice)
    assert {payload for _, payload, _ in rows} <= {BIG, export(5, octets=3000), export()}
