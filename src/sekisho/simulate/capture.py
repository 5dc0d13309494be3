"""Capture files (classic pcap, nanoseconds) of export datagrams as Ethernet, IPv4 and UDP frames."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from ipaddress import IPv4Address

MAGIC_NANOSECONDS = 0xA1B23C4D
LINK_ETHERNET = 1
_SNAPLEN = 65_535

_ETHERNET = bytes.fromhex("0200000000010200000000020800")
_IPV4_VERSION_IHL, _TTL, _UDP = 0x45, 64, 17
_FRAME_HEADERS = len(_ETHERNET) + 20 + 8
_RECORD = struct.Struct("<IIII")


class CaptureWriter:
    """Writes one frame a datagram, little-endian."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(struct.pack("<IHHiIII", MAGIC_NANOSECONDS, 2, 4, 0, 0, _SNAPLEN, LINK_ETHERNET))

    def write(self, at_ms: float, payload: bytes, route: DatagramRoute) -> None:
        """Add a datagram that arrives at ``at_ms`` (milliseconds UTC, fractions kept to the nanosecond)."""
        seconds, nanoseconds = divmod(round(at_ms * 1e6), 1_000_000_000)
        size = _FRAME_HEADERS + len(payload)
        self._file.write(_RECORD.pack(seconds, nanoseconds, size, size))
        self._file.write(route.headers(len(payload)))
        self._file.write(payload)


class DatagramRoute:
    """Source and destination of the datagrams of one exporter."""

    def __init__(self, src: IPv4Address, dst: IPv4Address, *, src_port: int, dst_port: int) -> None:
        self._addresses = src.packed + dst.packed
        self._ports = struct.pack("!HH", src_port, dst_port)
        self._identification = 0

    def headers(self, payload_octets: int) -> bytes:
        """Ethernet, IPv4 and UDP headers; no UDP checksum (RFC 768: "an all zero transmitted checksum value")."""
        self._identification = (self._identification + 1) & 0xFFFF
        total = 28 + payload_octets
        before = struct.pack("!BBHHHBB", _IPV4_VERSION_IHL, 0, total, self._identification, 0, _TTL, _UDP)
        checksum = _internet_checksum(before + self._addresses)
        udp = self._ports + struct.pack("!HH", 8 + payload_octets, 0)
        return b"".join((_ETHERNET, before, struct.pack("!H", checksum), self._addresses, udp))


def _internet_checksum(header: bytes) -> int:
    """RFC 1071 over an even number of octets."""
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
