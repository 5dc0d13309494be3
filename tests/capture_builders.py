"""Frames and capture files octet by octet, as the formats' documents describe them."""

from __future__ import annotations

import struct
from ipaddress import ip_address

SOURCE, DESTINATION = "192.0.2.1", "198.51.100.1"
SOURCE6, DESTINATION6 = "2001:db8::1", "2001:db8::2"
ETHERNET, NULL, RAW, LOOP, SLL, RAW_IPV4, RAW_IPV6, SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
TIME_S = 1_700_000_000


def export(version: int = 9, *, octets: int = 40, export_time_s: int = TIME_S) -> bytes:
    """The header of an export datagram and zeros."""
    header = struct.pack(">HHI", version, 0, export_time_s if version == 10 else 0)
    return (header + struct.pack(">I", export_time_s)).ljust(octets, b"\0")


def udp(payload: bytes, *, source_port: int = 40_000, length: int | None = None) -> bytes:
    return struct.pack(">HHHH", source_port, 2055, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(payload: bytes, *, source=SOURCE, protocol=17, options=b"", total=None, identification=0, fragment=0) -> bytes:
    length = 20 + len(options)
    total = length + len(payload) if total is None else total
    head = struct.pack(">BBHHHBBH", 0x40 | length // 4, 0, total, identification, fragment, 64, protocol, 0)
    return head + ip_address(source).packed + ip_address(DESTINATION).packed + options + payload


def ipv6(payload: bytes, *, source=SOURCE6, next_header=17, extensions=b"", length=None) -> bytes:
    length = len(extensions) + len(payload) if length is None else length
    addresses = ip_address(source).packed + ip_address(DESTINATION6).packed
    return struct.pack(">IHBB", 0x60000000, length, next_header, 64) + addresses + extensions + payload


def ethernet(packet: bytes, *, vlans: tuple[int, ...] = ()) -> bytes:
    tags = b"".join(struct.pack(">HH", tag, 7) for tag in vlans)
    return bytes(12) + tags + ethertype(packet) + packet


def ethertype(packet: bytes) -> bytes:
    return b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"


def frame(payload: bytes | None = None, **fields) -> bytes:
    """A usual frame: Ethernet, IPv4, UDP, an export datagram."""
    return ethernet(ipv4(udp(export() if payload is None else payload), **fields))


def pcap(
    frames, *, link_type=ETHERNET, order="<", magic=0xA1B2C3D4, times=None, snaplen=None, ticks=1_000_000
) -> bytes:
    """A pcap file; ``times`` are in ticks since 1970."""
    times = [TIME_S * ticks + row for row in range(len(frames))] if times is None else times
    octets = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen or 262_144, link_type)
    for time, captured in zip(times, frames, strict=True):
        kept = captured[:snaplen]
        octets += struct.pack(order + "IIII", *divmod(time, ticks), len(kept), len(captured)) + kept
    return octets


class Pcapng:
    """Blocks of a pcapng file in one octet order."""

    def __init__(self, order: str = "<") -> None:
        self.order = order

    def block(self, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(self.order + "I", 12 + len(body))
        return struct.pack(self.order + "I", kind) + length + body + length

    def section(self) -> bytes:
        return self.block(0x0A0D0D0A, struct.pack(self.order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link_type=ETHERNET, *, resolution=None, offset_s=None, snaplen=0) -> bytes:
        options = b""
        if resolution is not None:
            options += struct.pack(self.order + "HHBxxx", 9, 1, resolution)
        if offset_s is not None:
            options += struct.pack(self.order + "HHq", 14, 8, offset_s)
        options += bytes(4) if options else b""
        return self.block(1, struct.pack(self.order + "HHI", link_type, 0, snaplen) + options)

    def packet(self, captured: bytes, ticks: int, *, interface=0, wire=None, options=b"") -> bytes:
        head = (interface, ticks >> 32, ticks & 0xFFFFFFFF, len(captured), wire or len(captured))
        padded = captured + bytes(-len(captured) % 4)
        return self.block(6, struct.pack(self.order + "IIIII", *head) + padded + options)

    def obsolete_packet(self, captured: bytes, ticks: int, *, interface=0) -> bytes:
        head = (interface, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, len(captured), len(captured))
        return self.block(2, struct.pack(self.order + "HHIIII", *head) + captured)

    def simple_packet(self, captured: bytes, *, wire=None) -> bytes:
        return self.block(3, struct.pack(self.order + "I", wire or len(captured)) + captured)
