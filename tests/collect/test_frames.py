"""Link layers, IP and UDP headers: what carries an export datagram, and the reason for everything else."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capture_builders as build
from capture_builders import ethernet, export, ipv4, ipv6, pcap, udp
from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters
from sekisho.core.reasons import FrameReason

V4, V6 = ipv4(udp(export())), ipv6(udp(export()))


@pytest.fixture
def outcome(tmp_path):
    def read(frame, *, link_type=build.ETHERNET, snaplen=None):
        """The exporter, port and payload of the one frame's datagram, or the reason why there is none."""
        path, exporters = tmp_path / "one.pcap", Exporters()
        path.write_bytes(pcap([frame], link_type=link_type, snaplen=snaplen))
        capture = read_capture(path, exporters=exporters)
        for block in capture:
            end = block.offset[0] + block.length[0]
            return exporters.texts[0], int(block.source_port[0]), bytes(block.payload[block.offset[0] : end])
        ((reason, count),) = capture.drops.items()
        assert count == 1
        return reason

    return read


FOUND4, FOUND6 = (build.SOURCE, 40_000, export()), (build.SOURCE6, 40_000, export())


@pytest.mark.parametrize(
    ("link_type", "header"),
    [
        (build.ETHERNET, lambda packet: bytes(12) + build.ethertype(packet)),
        (build.SLL, lambda packet: bytes(14) + build.ethertype(packet)),
        (build.SLL2, lambda packet: build.ethertype(packet) + bytes(18)),
        (build.RAW, lambda _: b""),
        (12, lambda _: b""),
        (14, lambda _: b""),
        (build.NULL, lambda _: b"\x02\0\0\0"),
        (build.LOOP, lambda _: b"\0\0\0\x02"),
    ],
)
@pytest.mark.parametrize(("packet", "found"), [(V4, FOUND4), (V6, FOUND6)])
def test_link_layers(outcome, link_type, header, packet, found):
    """Ethernet, Linux cooked v1 and v2, raw IP and loopback, each with IPv4 and IPv6."""
    assert outcome(header(packet) + packet, link_type=link_type) == found


@pytest.mark.parametrize(("link_type", "packet", "found"), [(build.RAW_IPV4, V4, FOUND4), (build.RAW_IPV6, V6, FOUND6)])
def test_raw_link_types_of_one_version(outcome, link_type, packet, found):
    """LINKTYPE_IPV4 and LINKTYPE_IPV6 hold the packet alone."""
    assert outcome(packet, link_type=link_type) == found


@pytest.mark.parametrize("vlans", [(0x8100,), (0x88A8, 0x8100), (0x9100, 0x8100), (0x8100, 0x8100, 0x8100)])
def test_vlan_tags(outcome, vlans):
    """One tag, QinQ with either outer type, and three tags."""
    assert outcome(ethernet(V4, vlans=vlans)) == FOUND4


def test_vlan_tags_behind_a_cooked_header(outcome):
    """Linux cooked capture writes the tag behind its own header."""
    assert outcome(bytes(14) + b"\x81\0\0\x07\x08\0" + V4, link_type=build.SLL) == FOUND4


def test_ipv4_options(outcome):
    """The header length counts, not twenty octets."""
    assert outcome(ethernet(ipv4(udp(export()), options=b"\x94\x04\0\0" * 10))) == FOUND4


def test_a_total_length_of_zero(outcome):
    """Segmentation offload leaves zero in captures of the sending host."""
    assert outcome(ethernet(ipv4(udp(export()), total=0))) == FOUND4


def test_ethernet_padding_is_no_payload(outcome):
    """Octets behind the IP packet do not belong to it."""
    short = ethernet(ipv4(udp(export(octets=16)))).ljust(60, b"\0")
    assert outcome(short) == (build.SOURCE, 40_000, export(octets=16))


def header(next_header, octets=8, *, length=None):
    return struct.pack("BB", next_header, (octets // 8 - 1) if length is None else length).ljust(octets, b"\0")


@pytest.mark.parametrize(
    ("first", "extensions"),
    [
        (0, header(17)),
        (60, header(17, 24)),
        (43, header(17, 16)),
        (135, header(17)),
        (51, header(17, 24, length=4)),
        (0, header(60) + header(43, 16) + header(51) + header(17, 24, length=4)),
        (44, struct.pack(">BBHI", 17, 0, 0, 7)),
        (0, header(44) + struct.pack(">BBHI", 60, 0, 0, 7) + header(17)),
    ],
)
def test_ipv6_extension_headers(outcome, first, extensions):
    """Headers are skipped by their own length unit; a fragment header of a whole datagram (RFC 6946) is one more."""
    assert outcome(ethernet(ipv6(udp(export()), next_header=first, extensions=extensions))) == FOUND6


@pytest.mark.parametrize("version", [5, 9, 10])
def test_the_version_word_decides(outcome, version):
    """NetFlow v5, v9 and IPFIX on any port are exports."""
    assert outcome(build.frame(export(version)))[2] == export(version)


def test_sflow_has_a_version_word_of_four_octets(outcome):
    """On any port, whole or without a whole header: the decoder counts what it lacks."""
    for octets in (4, 28):
        assert outcome(build.frame(b"\0\0\0\x05".ljust(octets, b"\0")))[2][:4] == b"\0\0\0\x05"


TCP4 = ipv4(bytes(20), protocol=6)
LONG = ethernet(ipv4(udp(export(octets=1000))))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", FrameReason.TRUNCATED_FRAME),
        (bytes(13), FrameReason.TRUNCATED_FRAME),
        (ethernet(V4, vlans=(0x8100,))[:17], FrameReason.TRUNCATED_FRAME),
        (bytes(12) + b"\x08\x06" + bytes(28), FrameReason.NOT_IP),
        (bytes(12) + b"\x00\x26" + bytes(38), FrameReason.NOT_IP),
        (bytes(12) + b"\x08\x00", FrameReason.BAD_IP_HEADER),
        (bytes(12) + b"\x08\x00" + b"\x00" * 40, FrameReason.BAD_IP_HEADER),
        (ethernet(V4[:19]), FrameReason.BAD_IP_HEADER),
        (ethernet(b"\x44" + V4[1:]), FrameReason.BAD_IP_HEADER),
        (ethernet(ipv4(udp(export()), total=19)), FrameReason.BAD_IP_HEADER),
        (ethernet(ipv4(udp(export()), total=2000)), FrameReason.BAD_IP_HEADER),
        (ethernet(V6[:39]), FrameReason.BAD_IP_HEADER),
        (ethernet(ipv6(udp(export()), length=500)), FrameReason.BAD_IP_HEADER),
        (ethernet(ipv6(b"", next_header=0, extensions=header(17, 8, length=9))), FrameReason.BAD_IP_HEADER),
        (ethernet(ipv6(udp(export()), next_header=0, extensions=header(0) * 9)), FrameReason.NOT_UDP),
        (ethernet(ipv6(b"", next_header=59)), FrameReason.NOT_UDP),
        (ethernet(TCP4), FrameReason.NOT_UDP),
        (ethernet(ipv4(bytes(7))), FrameReason.BAD_UDP_HEADER),
        (ethernet(ipv4(udp(export(), length=7))), FrameReason.BAD_UDP_HEADER),
        (ethernet(ipv4(udp(export(), length=49))), FrameReason.BAD_UDP_HEADER),
        (build.frame(b""), FrameReason.NOT_AN_EXPORT),
        (build.frame(b"\0"), FrameReason.NOT_AN_EXPORT),
        (build.frame(export(1)), FrameReason.NOT_AN_EXPORT),
        (build.frame(b"\0\0\0\x04" + bytes(24)), FrameReason.NOT_AN_EXPORT),
        (build.frame(b"\0\0\0"), FrameReason.NOT_AN_EXPORT),
        (build.frame(b"\x09\0" + bytes(24)), FrameReason.NOT_AN_EXPORT),
    ],
)
def test_what_is_no_export_has_its_reason(outcome, frame, reason):
    """Each kind of frame that carries no export is counted under its own reason."""
    assert outcome(frame) is reason


def test_a_link_type_that_is_not_known(outcome):
    """Frames of a wireless capture are counted, not guessed at."""
    assert outcome(bytes(60), link_type=105) is FrameReason.UNKNOWN_LINK_TYPE


@pytest.mark.parametrize(
    ("snaplen", "reason"),
    [
        (10, FrameReason.TRUNCATED_FRAME),
        (14, FrameReason.TRUNCATED_FRAME),
        (33, FrameReason.TRUNCATED_FRAME),
        (41, FrameReason.TRUNCATED_FRAME),
        (43, FrameReason.TRUNCATED_FRAME),
        (len(LONG) - 1, FrameReason.TRUNCATED_FRAME),
    ],
)
def test_a_cut_frame_is_not_used(outcome, snaplen, reason):
    """Wherever the snapshot length cuts an export, nothing of it is used."""
    assert outcome(LONG, snaplen=snaplen) is reason


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (ethernet(ipv4(bytes(200), protocol=6)), FrameReason.NOT_UDP),
        (build.frame(bytes(200)), FrameReason.NOT_AN_EXPORT),
    ],
)
def test_a_cut_frame_of_another_kind_keeps_its_kind(outcome, frame, reason):
    """What the captured part tells suffices: a cut TCP segment is no lost export."""
    assert outcome(frame, snaplen=60) is reason


@settings(max_examples=150, deadline=None)
@given(
    packet=st.sampled_from([ethernet(V4), ethernet(V6), ethernet(ipv4(udp(export()), fragment=0x2000))]),
    changes=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 110),
    link_type=st.sampled_from([build.ETHERNET, build.SLL, build.SLL2, build.RAW, build.NULL, 105]),
)
def test_any_frame_is_a_datagram_or_counted(tmp_path_factory, packet, changes, cut, link_type):
    """Invariant: any octets in a frame give one datagram inside the frame, or one count."""
    octets = bytearray(packet[:cut])
    for at, value in changes:
        if at < len(octets):
            octets[at] = value
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.pcap"
    path.write_bytes(pcap([bytes(octets)], link_type=link_type))
    capture = read_capture(path, exporters=Exporters())
    blocks = list(capture)
    assert sum(map(len, blocks)) + capture.drops.total() == 1
    assert all(np.all(block.offset + block.length <= len(block.payload)) for block in blocks)
