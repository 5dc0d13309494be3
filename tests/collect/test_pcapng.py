"""pcapng: sections, interfaces with their own clocks, every kind of packet block, damage."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_builders import RAW_IPV6, SLL, TIME_S, Pcapng, export, frame, ipv4, ipv6, udp
from sekisho.collect import window
from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters
from sekisho.collect.pcapng import MAX_INTERFACES
from sekisho.core.reasons import FrameReason


@pytest.fixture
def read(tmp_path):
    def read(octets):
        """(exporter, milliseconds) of each datagram, and the capture."""
        path, exporters = tmp_path / "capture.pcapng", Exporters()
        path.write_bytes(octets)
        capture = read_capture(path, exporters=exporters)
        rows = [
            (exporters.texts[code], int(time))
            for block in capture
            for code, time in zip(block.exporter, block.received_at, strict=True)
        ]
        return rows, capture

    return read


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_octet_orders(read, order):
    """A section is read in the order of the machine that wrote it; without if_tsresol, ticks are microseconds."""
    write = Pcapng(order)
    rows, capture = read(write.section() + write.interface() + write.packet(frame(), TIME_S * 10**6 + 1_999))
    assert rows == [("192.0.2.1", TIME_S * 1000 + 1)]
    assert (capture.frames, capture.drops, capture.damage) == (1, {}, None)


@pytest.mark.parametrize(
    ("resolution", "ticks"),
    [
        (0, TIME_S),
        (2, TIME_S * 100 + 12),
        (3, TIME_S * 1000 + 123),
        (6, TIME_S * 10**6 + 123_999),
        (9, TIME_S * 10**9 + 123_999_999),
        (0x80, TIME_S),
        (0x80 | 10, TIME_S << 10 | 126),
        (0x80 | 31, TIME_S << 31 | int(0.1239 * 2**31)),
        (0x80 | 32, TIME_S << 32 | int(0.1239 * 2**32)),
    ],
)
def test_time_resolutions(read, resolution, ticks):
    """Decimal and binary resolutions give the millisecond they stand in, never a later one."""
    write = Pcapng()
    rows, _ = read(write.section() + write.interface(resolution=resolution) + write.packet(frame(), ticks))
    fraction = {0: 0, 0x80: 0, 2: 120}.get(resolution, 123)
    assert rows == [("192.0.2.1", TIME_S * 1000 + fraction)]


@pytest.mark.parametrize(("resolution", "ticks", "expected_ms"), [(12, 10**12, 1000), (0x80 | 50, 1 << 49, 500)])
def test_resolutions_finer_than_any_clock(read, resolution, ticks, expected_ms):
    """Picoseconds and 2^-50 s are computed without overflow."""
    write = Pcapng()
    rows, _ = read(write.section() + write.interface(resolution=resolution) + write.packet(frame(), ticks))
    assert rows == [("192.0.2.1", expected_ms)]


@pytest.mark.parametrize("offset_s", [TIME_S, -3600])
def test_time_offset(read, offset_s):
    """if_tsoffset, in seconds and signed, is added."""
    write = Pcapng()
    rows, _ = read(write.section() + write.interface(offset_s=offset_s) + write.packet(frame(), 7200 * 10**6))
    assert rows == [("192.0.2.1", (offset_s + 7200) * 1000)]


def test_each_interface_has_its_link_type_and_clock(read):
    """Packets name their interface; an interface may be described after packets of another."""
    write = Pcapng(">")
    cooked = bytes(14) + b"\x08\x00" + ipv4(udp(export()), source="192.0.2.2")
    rows, _ = read(
        write.section()
        + write.interface()
        + write.packet(frame(), TIME_S * 10**6)
        + write.interface(SLL, resolution=9)
        + write.packet(cooked, TIME_S * 10**9, interface=1)
        + write.interface(RAW_IPV6, resolution=3)
        + write.packet(ipv6(udp(export())), TIME_S * 1000, interface=2)
        + write.packet(frame(), TIME_S * 10**6)
    )
    assert rows == [(s, TIME_S * 1000) for s in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.1")]


def test_a_new_section_starts_anew(read):
    """Captures may be put behind each other: interfaces and octet order belong to the section."""
    little, big = Pcapng("<"), Pcapng(">")
    rows, capture = read(
        little.section()
        + little.interface(resolution=9)
        + little.packet(frame(), TIME_S * 10**9)
        + big.section()
        + big.interface()
        + big.packet(frame(), TIME_S * 10**6)
    )
    assert rows == [("192.0.2.1", TIME_S * 1000)] * 2
    assert capture.damage is None


def test_a_simple_packet_has_the_export_time_of_its_header(read):
    """Simple packet blocks tell no time: v5, v9 and IPFIX headers do, in seconds."""
    write = Pcapng()
    frames = [frame(export(version, export_time_s=TIME_S + version)) for version in (5, 9, 10)]
    rows, _ = read(write.section() + write.interface() + b"".join(map(write.simple_packet, frames)))
    assert [time for _, time in rows] == [(TIME_S + version) * 1000 for version in (5, 9, 10)]


def test_a_simple_packet_of_sflow_has_no_time(read):
    """There is no export time in sFlow: the datagram is handed on with time zero."""
    write = Pcapng()
    rows, _ = read(write.section() + write.interface() + write.simple_packet(frame(b"\0\0\0\5".ljust(40, b"\1"))))
    assert [time for _, time in rows] == [0]


def test_a_simple_packet_without_room_for_a_time(read):
    """A datagram too short for its header is handed on with time zero: the decoder counts it."""
    write = Pcapng()
    rows, _ = read(write.section() + write.interface() + write.simple_packet(frame(b"\0\x09")))
    assert rows == [("192.0.2.1", 0)]


def test_a_simple_packet_is_cut_by_its_interface(read):
    """A simple packet's captured length is the smaller of its length and the interface's snapshot length."""
    write = Pcapng()
    cut = write.simple_packet(frame()[:60], wire=len(frame()))
    rows, capture = read(write.section() + write.interface(snaplen=60) + cut + write.simple_packet(frame()[:60]))
    assert (rows, capture.drops) == ([], {FrameReason.TRUNCATED_FRAME: 1, FrameReason.BAD_IP_HEADER: 1})


def test_obsolete_packet_blocks(read):
    """Packet blocks of old files hold a 16-bit interface and a drop count."""
    write = Pcapng()
    rows, _ = read(write.section() + write.interface() + write.obsolete_packet(frame(), TIME_S * 10**6))
    assert rows == [("192.0.2.1", TIME_S * 1000)]


@pytest.mark.parametrize("octets", [0, 400, 3000])
def test_other_blocks_are_skipped(read, monkeypatch, octets):
    """Names, statistics, secrets and private blocks are skipped, also where one is longer than what is held at once."""
    monkeypatch.setattr(window, "BLOCK_OCTETS", 1000)
    write = Pcapng()
    other = b"".join(write.block(kind, b"x" * octets) for kind in (4, 5, 10, 0x0BAD, 0x80000001))
    packet = write.packet(frame(), TIME_S * 10**6, options=bytes(8))
    rows, capture = read(write.section() + write.interface() + other + packet + other + packet)
    assert rows == [("192.0.2.1", TIME_S * 1000)] * 2
    assert (capture.frames, capture.damage) == (2, None)


@pytest.mark.parametrize("held", [1000, 4 << 20])
def test_a_file_that_ends_inside_a_skipped_block(read, monkeypatch, held):
    """The end is noticed also where the block is longer than what is held at once."""
    monkeypatch.setattr(window, "BLOCK_OCTETS", held)
    write = Pcapng()
    head = write.section() + write.interface() + write.packet(frame(), TIME_S * 10**6)
    rows, capture = read(head + write.block(10, bytes(3000))[:-1])
    assert (len(rows), capture.drops) == (1, {FrameReason.TRUNCATED_FILE: 1})
    assert f"ends inside a record, at octet {len(head) + 3011};" in capture.damage


@pytest.mark.parametrize(
    "tail",
    [
        lambda write: write.packet(frame(), 0, interface=1),
        lambda _: b"\x06\0\0\0" + b"\x0b\0\0\0" + bytes(40),
        lambda _: b"\x06\0\0\0" + b"\0\0\0\xff" + bytes(40),
        lambda write: write.interface(offset_s=1 << 60),
        lambda write: write.packet(frame(), (1 << 63) - 1),
        lambda write: write.packet(frame(), 0)[:20] + b"\xff\xff\0\0" + write.packet(frame(), 0)[24:],
        lambda write: write.simple_packet(frame(), wire=5000),
        lambda write: write.block(1, bytes(70_000)),
        lambda write: write.block(0x0A0D0D0A, b""),
        lambda write: write.block(6, bytes(8)),
    ],
)
def test_damage_ends_the_reading(read, tail):
    """What contradicts the format ends the reading there; what stands before is used, and the place is said."""
    write = Pcapng()
    head = write.section() + write.interface(resolution=3) + write.packet(frame(), TIME_S * 1000)
    rows, capture = read(head + tail(write) + write.packet(frame(), TIME_S * 1000))
    assert rows == [("192.0.2.1", TIME_S * 1000)]
    assert capture.drops == {FrameReason.TRUNCATED_FILE: 1}
    assert f"holds no valid record at octet {len(head)}; the 1 frames" in capture.damage


def test_a_packet_before_any_interface_is_damage(read):
    """A packet cannot be understood without its interface."""
    write = Pcapng()
    rows, capture = read(write.section() + write.simple_packet(frame()))
    assert (rows, capture.drops) == ([], {FrameReason.TRUNCATED_FILE: 1})


def test_interfaces_are_limited(read):
    """A file that describes interfaces without end is damaged, not followed."""
    write = Pcapng()
    octets = write.section() + write.interface() * (MAX_INTERFACES + 1)
    assert read(octets)[1].drops == {FrameReason.TRUNCATED_FILE: 1}


@pytest.mark.parametrize("cut", [1, 30, 80])
def test_a_file_that_ends_early(read, cut):
    """A cut last block is not used and is said."""
    write = Pcapng()
    packet = write.packet(frame(), TIME_S * 10**6)
    rows, capture = read((write.section() + write.interface() + packet * 2)[:-cut])
    assert (len(rows), capture.drops) == (1, {FrameReason.TRUNCATED_FILE: 1})
    assert "ends inside a record" in capture.damage


@settings(max_examples=100, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5), cut=st.integers(28, 400))
def test_any_octets_are_read_or_counted(tmp_path_factory, changes, cut):
    """Invariant: any change to a file ends in datagrams or counts, within the octets that are there."""
    write = Pcapng()
    whole = write.section() + write.interface(resolution=9, offset_s=5) + write.packet(frame(), 1) * 2
    octets = bytearray((whole + write.simple_packet(frame()))[:cut])
    for at, value in changes:
        if 12 <= at < len(octets):
            octets[at] = value
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.pcapng"
    path.write_bytes(bytes(octets))
    capture = read_capture(path, exporters=Exporters())
    read = sum(len(block) for block in capture)
    assert read + capture.drops.total() == capture.frames + (capture.damage is not None)
