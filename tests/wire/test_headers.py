"""Sampled headers: link layers, IP, and tunnels whose inside is the flow and whose outer source names the line."""

from __future__ import annotations

import struct
from functools import cache
from ipaddress import ip_address

import numpy as np
import pytest

from export_builders import VARIABLE, a_set, decode, ipfix, ipfix_templates, new_decoder, record, template
from sekisho.core.reasons import WireReason

SECTION = [(10, 4), (312, 2), (315, VARIABLE)]
PACKET_SECTION = [(10, 4), (313, VARIABLE)]
MAC = bytes(range(12))


def v4(payload: bytes, protocol: int, *, src: str = "10.0.0.1", dst: str = "10.0.0.2", fragment: int = 0) -> bytes:
    length = 20 + len(payload)
    addresses = ip_address(src).packed + ip_address(dst).packed
    return struct.pack(">BBHHHBBH", 0x45, 0, length, 1, fragment, 64, protocol, 0) + addresses + payload


def v6(payload: bytes, protocol: int, *, src: str = "2001:db8::1", dst: str = "2001:db8::2") -> bytes:
    addresses = ip_address(src).packed + ip_address(dst).packed
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload


def udp(payload: bytes = b"", *, src: int = 5000, dst: int = 53) -> bytes:
    return struct.pack(">HHHH", src, dst, 8 + len(payload), 0) + payload


TCP = struct.pack(">HHIIBBHHH", 5000, 443, 1, 0, 0x50, 0x12, 0, 0, 0)
INNER = v4(udp(bytes(100)), 17, src="192.0.2.9", dst="198.51.100.9")
INNER_6 = v6(udp(bytes(100)), 17, src="2001:db8:9::9", dst="2001:db8:8::8")


def ethernet(kind: int, payload: bytes) -> bytes:
    return MAC + struct.pack(">H", kind) + payload


def label(number: int, *, bottom: bool) -> bytes:
    return struct.pack(">I", number << 12 | bottom << 8 | 64)


def _rows(frame: bytes, *, frame_octets: int = 1500, decoder=None):
    sets = (ipfix_templates(template(256, SECTION)), a_set(256, record(SECTION, [7, frame_octets, frame])))
    return decode(decoder or new_decoder(), ipfix(*sets))


LINKS = {
    "ethernet": ethernet(0x0800, INNER),
    "802.1Q": ethernet(0x8100, b"\0\x05\x08\0" + INNER),
    "QinQ": ethernet(0x88A8, b"\0\x05\x81\0\0\x06\x08\0" + INNER),
    "MPLS": ethernet(0x8847, label(100, bottom=False) + label(17, bottom=True) + INNER),
    "pseudowire with control word": ethernet(0x8847, label(17, bottom=True) + bytes(4) + ethernet(0x0800, INNER)),
    "pseudowire": ethernet(0x8847, label(17, bottom=True) + b"\xaa" + ethernet(0x0800, INNER)[1:]),
    "PPPoE": ethernet(0x8864, b"\x11\0\0\x01\0\x50\0\x21" + INNER),
    "SNAP": ethernet(100, b"\xaa\xaa\x03\0\0\0\x08\0" + INNER),
}


@pytest.mark.parametrize("frame", LINKS.values(), ids=LINKS)
def test_link_layers(frame):
    """Whatever carries the packet, the row is the packet's: one packet, its IP length, no tunnel."""
    (row,) = _rows(frame)
    assert (row["src"], row["dst"], row["src_port"], row["dst_port"]) == ("192.0.2.9", "198.51.100.9", 5000, 53)
    assert (row["packets"], row["octets"], row["protocol"], row["tunnel_kind"]) == (1, 128, 17, 0)
    assert (row["ingress_if"], row["ip_version"]) == (7, 4)


@cache
def _vxlan(frame: bytes) -> bytes:
    return v4(udp(b"\x08\0\0\0\0\0\x05\0" + frame, dst=4789), 17)


L2TP = struct.pack(">HHH", 0x0002, 1, 2) + b"\xff\x03\0\x21"
L2TP_LONG = struct.pack(">HHHHHHH", 0x4A02, 0, 1, 2, 3, 4, 0) + b"\0\x21"

TUNNELS = {
    "4in6": (v6(INNER, 4), 0x86DD, 1, "2001:db8::1"),
    "6in4": (v4(INNER_6, 41), 0x0800, 2, "10.0.0.1"),
    "IPIP": (v4(INNER, 4), 0x0800, 3, "10.0.0.1"),
    "IPv6 in IPv6": (v6(INNER_6, 41), 0x86DD, 3, "2001:db8::1"),
    "GRE": (v4(b"\0\0\x08\0" + INNER, 47), 0x0800, 4, "10.0.0.1"),
    "GRE with key and sequence": (v4(b"\x30\0\x08\0" + bytes(8) + INNER, 47), 0x0800, 4, "10.0.0.1"),
    "GRE bridging": (v4(b"\0\0\x65\x58" + ethernet(0x0800, INNER), 47), 0x0800, 4, "10.0.0.1"),
    "PPTP": (v4(b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03\0\x21" + INNER, 47), 0x0800, 4, "10.0.0.1"),
    "L2TPv2": (v4(udp(L2TP + INNER, dst=1701), 17), 0x0800, 5, "10.0.0.1"),
    "L2TPv2 with length and sequence": (v4(udp(L2TP_LONG + INNER, src=1701), 17), 0x0800, 5, "10.0.0.1"),
    "EtherIP": (v6(b"\x30\0" + ethernet(0x0800, INNER), 97), 0x86DD, 6, "2001:db8::1"),
    "VXLAN": (_vxlan(ethernet(0x0800, INNER)), 0x0800, 7, "10.0.0.1"),
    "SRv6": (v6(b"\x04\x02\x04\0" + bytes(20) + INNER, 43), 0x86DD, 1, "2001:db8::1"),
    "4in6 in VXLAN": (_vxlan(ethernet(0x86DD, v6(INNER, 4))), 0x0800, 7, "10.0.0.1"),
}


@pytest.mark.parametrize(("packet", "kind", "tunnel", "outer"), TUNNELS.values(), ids=TUNNELS)
def test_tunnels(packet, kind, tunnel, outer):
    """The inside is the flow, with its own length; the outermost source is kept: it names the line."""
    (row,) = _rows(ethernet(kind, packet))
    v6_inside = "INNER_6" if INNER_6 in packet else ""
    assert row["src"] == ("2001:db8:9::9" if v6_inside else "192.0.2.9")
    assert (row["octets"], row["dst_port"]) == (148 if v6_inside else 128, 53)
    assert (row["tunnel_kind"], row["tunnel_src"]) == (tunnel, outer)


@pytest.mark.parametrize("left", range(1, 48))
def test_cut_tunnel_leaves_the_outer_flow(left):
    """Where the sampled octets end inside the inner header, the outer packet is the flow."""
    whole = ethernet(0x0800, v4(INNER, 4))
    (row,) = _rows(whole[: 14 + 20 + left - 1])
    inside = left > 20
    assert row["src"] == ("192.0.2.9" if inside else "10.0.0.1")
    assert (row["tunnel_kind"] != 0) == inside
    assert row["octets"] == (128 if inside else 148)


def test_tcp_flags_and_icmp():
    """Flags of TCP, type and code of ICMP."""
    (row,) = _rows(ethernet(0x0800, v4(TCP, 6)))
    assert (row["tcp_flags"], row["dst_port"]) == (0x12, 443)
    (row,) = _rows(ethernet(0x86DD, v6(b"\x80\0" + bytes(6), 58)))
    assert (row["icmp_type_code"], row["dst_port"]) == (0x8000, 0)


def test_fragments():
    """A fragment that is not the first has no ports; the first one has."""
    (first,) = _rows(ethernet(0x0800, v4(udp(bytes(8)), 17, fragment=0x2000)))
    (later,) = _rows(ethernet(0x0800, v4(udp(bytes(8)), 17, fragment=0x20B9)))
    assert (first["fragment"], first["dst_port"]) == (0, 53)
    assert (later["fragment"], later["dst_port"]) == (1, 0)
    (six,) = _rows(ethernet(0x86DD, v6(struct.pack(">BBHI", 17, 0, 1448, 9) + udp(), 44)))
    assert (six["fragment"], six["protocol"], six["dst_port"]) == (1, 17, 0)


def test_extension_headers():
    """Hop-by-hop, destination options and authentication stand between IPv6 and what it carries."""
    chain = b"\x3c\0" + bytes(6) + b"\x33\x01" + bytes(14) + b"\x11\x02" + bytes(14) + udp()
    (row,) = _rows(ethernet(0x86DD, v6(chain, 0)))
    assert (row["protocol"], row["dst_port"]) == (17, 53)


def test_length_zero_counts_the_frame():
    """Segmentation offload leaves the IP length 0: the octets of IE 312 without the link layer's stand in."""
    packet, packet_6 = bytearray(v4(TCP, 6)), bytearray(v6(TCP, 6))
    packet[2:4] = packet_6[4:6] = b"\0\0"
    (row,) = _rows(ethernet(0x0800, bytes(packet)), frame_octets=9014)
    (row_6,) = _rows(ethernet(0x8100, b"\0\x05\x86\xdd" + bytes(packet_6)), frame_octets=9014)
    assert (row["octets"], row_6["octets"]) == (9000, 8996)


def test_ip_packet_section():
    """IE 313 starts at the IP header."""
    for packet, src in ((INNER, "192.0.2.9"), (INNER_6, "2001:db8:9::9")):
        sets = (ipfix_templates(template(256, PACKET_SECTION)), a_set(256, record(PACKET_SECTION, [7, packet])))
        (row,) = decode(new_decoder(), ipfix(*sets))
        assert (row["src"], row["dst_port"]) == (src, 53)


@pytest.mark.parametrize("frame", [b"", MAC, ethernet(0x0806, bytes(28)), ethernet(0x0800, INNER[:19]), bytes(80)])
def test_frames_without_ip_are_counted(frame):
    """ARP, nothing, or a header cut off: no row, one ``unknown_encapsulation``."""
    decoder = new_decoder()
    assert _rows(frame, decoder=decoder) == []
    assert (decoder.drops, decoder.records) == ({WireReason.UNKNOWN_ENCAPSULATION: 1}, 1)


def test_nesting_is_bounded():
    """A frame of nothing but tags, labels or tunnels ends, and stays a row or a reason."""
    deep = INNER
    for _ in range(60):
        deep = v4(deep, 4)
    decoder = new_decoder()
    rows = _rows(ethernet(0x0800, deep[:1400]), decoder=decoder)
    tags = _rows(ethernet(0x8100, b"\0\x05\x81\0" * 200), decoder=decoder)
    assert (len(rows), len(tags)) == (1, 0)


def test_any_octets_are_a_row_or_a_reason():
    """Random frames, whole or cut: each gives one row or one reason."""
    random = np.random.default_rng(7)
    decoder = new_decoder()
    decode(decoder, ipfix(ipfix_templates(template(256, SECTION))))
    frames = [*LINKS.values(), *(ethernet(kind, packet) for packet, kind, _, _ in TUNNELS.values())]
    given = 0
    for _ in range(1500):
        frame = bytearray(frames[random.integers(len(frames))])
        for _ in range(random.integers(6)):
            frame[random.integers(len(frame))] = random.integers(256)
        frame = frame[: random.integers(len(frame) + 1)]
        given += len(decode(decoder, ipfix(a_set(256, record(SECTION, [7, 99, bytes(frame)])))))
    assert given + decoder.drops[WireReason.UNKNOWN_ENCAPSULATION] == decoder.records == 1500
