"""Capture files (classic pcap, microseconds) of export datagrams as Ethernet, IPv4 and UDP frames."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from ipaddress import IPv4Address

MAGIC = 0xA1B2C3D4
LINK_ETHERNET = 1
_SNAPLEN = 65_535

_ETHERNET = bytes.fromhex("0200000000010200000000020800")
_IPV4_VERSION_IHL, _TTL, _UDP = 0x45, 64, 17
_FRAME_HEADERS = len(_ETHERNET) + 20 + 8
_RECORD = struct.Struct("<IIII")
_BEFORE_ADDRESSES = struct.Struct("!BBHHHBBH")
_UDP_LENGTH = struct.Struct("!HH")


class CaptureWriter:
    """Writes one frame a datagram, little-endian."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, _SNAPLEN, LINK_ETHERNET))

    def write(self, at_ms: float, payload: bytes, route: DatagramRoute) -> None:
        """Add a datagram that arrives at ``at_ms`` (milliseconds UTC, fractions kept to the microsecond)."""
        seconds, microseconds = divmod(round(at_ms * 1000), 1_000_000)
        size = _FRAME_HEADERS + len(payload)
        self._file.write(_RECORD.pack(seconds, microseconds, size, size))
        self._file.write(route.headers(len(payload)))
        self._file.write(payload)


class DatagramRoute:
    """Source and destination of the datagrams of one exporter."""

    def __init__(self, src: IPv4Address, dst: IPv4Address, *, src_port: int, dst_port: int) -> None:
        self._addresses = src.packed + dst.packed
        self._ports = struct.pack("!HH", src_port, dst_port)
        self._identification = 0
        words = struct.unpack("!4H", self._addresses)
        self._constant_sum = (_IPV4_VERSION_IHL << 8) + (_TTL << 8 | _UDP) + sum(words)

    def headers(self, payload_octets: int) -> bytes:
        """Ethernet, IPv4 and UDP headers; no UDP checksum (RFC 768: "an all zero transmitted checksum value")."""
        self._identification = (self._identification + 1) & 0xFFFF
        total = 28 + payload_octets
        checksum = _folded(self._constant_sum + total + self._identification)
        before = _BEFORE_ADDRESSES.pack(_IPV4_VERSION_IHL, 0, total, self._identification, 0, _TTL, _UDP, checksum)
        return b"".join((_ETHERNET, before, self._addresses, self._ports, _UDP_LENGTH.pack(8 + payload_octets, 0)))


def _folded(total: int) -> int:
    """The Internet checksum (RFC 1071) of the sum of all 16-bit words."""
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
