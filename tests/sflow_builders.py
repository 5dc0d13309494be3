"""sFlow datagrams for tests: a small encoder of samples and records."""

from __future__ import annotations

import struct
from ipaddress import ip_address

AGENT = "192.0.2.1"
INTERNAL = 0x3FFFFFFF


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *(number & 0xFFFFFFFF for number in numbers))


def opaque(octets: bytes) -> bytes:
    """Octets with their length before them, filled up to whole words (RFC 4506, 4.10)."""
    return words(len(octets)) + octets + bytes(-len(octets) % 4)


def sflow(
    *samples: bytes,
    agent: str = AGENT,
    sub_agent: int = 0,
    sequence: int = 0,
    uptime_ms: int = 1_000_000,
    count: int | None = None,
) -> bytes:
    address = ip_address(agent)
    header = words(5, 1 if address.version == 4 else 2) + address.packed
    return header + words(sub_agent, sequence, uptime_ms, len(samples) if count is None else count) + b"".join(samples)


def structure(number: int, content: bytes, *, enterprise: int = 0) -> bytes:
    """A sample or a record: data format, length, content."""
    return words(enterprise << 12 | number, len(content)) + content


def flow_sample(
    *records: bytes,
    sequence: int = 1,
    source: int = 5,
    source_class: int = 0,
    rate: int = 1000,
    pool: int = 1000,
    drops: int = 0,
    ingress: int = 5,
    egress: int = 6,
) -> bytes:
    body = words(sequence, source_class << 24 | source, rate, pool, drops, ingress, egress, len(records))
    return structure(1, body + b"".join(records))


def expanded_flow_sample(
    *records: bytes,
    sequence: int = 1,
    source: int = 5,
    source_class: int = 0,
    rate: int = 1000,
    pool: int = 1000,
    drops: int = 0,
    ingress: tuple[int, int] = (0, 5),
    egress: tuple[int, int] = (0, 6),
) -> bytes:
    body = words(sequence, source_class, source, rate, pool, drops, *ingress, *egress, len(records))
    return structure(3, body + b"".join(records))


def discarded_packet(
    *records: bytes, sequence: int = 1, source: int = 5, drops: int = 0, ingress: int = 5, egress: int = 6, reason: int
) -> bytes:
    return structure(5, words(sequence, 0, source, drops, ingress, egress, reason, len(records)) + b"".join(records))


def counters_sample(*records: bytes, sequence: int = 1, source: int = 5, source_class: int = 0) -> bytes:
    return structure(2, words(sequence, source_class << 24 | source, len(records)) + b"".join(records))


def expanded_counters_sample(*records: bytes, sequence: int = 1, source: int = 5, source_class: int = 0) -> bytes:
    return structure(4, words(sequence, source_class, source, len(records)) + b"".join(records))


def sampled_header(octets: bytes, *, protocol: int = 1, frame_octets: int | None = None, stripped: int = 4) -> bytes:
    frame_octets = len(octets) + stripped if frame_octets is None else frame_octets
    return structure(1, words(protocol, frame_octets, stripped) + opaque(octets))


def sampled_addresses(
    number: int,
    *,
    src: str,
    dst: str,
    octets: int = 100,
    protocol: int = 17,
    src_port: int = 5000,
    dst_port: int = 53,
    flags: int = 0,
) -> bytes:
    """sampled_ipv4 (3), sampled_ipv6 (4), or a tunnel's header of the same form (1024, 1026)."""
    addresses = ip_address(src).packed + ip_address(dst).packed
    return structure(number, words(octets, protocol) + addresses + words(src_port, dst_port, flags, 0))


EXTENDED_SWITCH = structure(1001, words(10, 0, 20, 0))


def if_counters(
    *,
    index: int = 5,
    speed_bps: int = 10**9,
    status: int = 3,
    ingress: tuple[int, ...] = (0,) * 6,
    egress: tuple[int, ...] = (0,) * 6,
) -> bytes:
    """Each direction: octets, unicast, multicast, broadcast, discards, errors."""
    body = struct.pack(">IIQII", index, 6, speed_bps, 1, status)
    body += struct.pack(">Q6I", *ingress, 0) + struct.pack(">Q5I", *egress) + words(0)
    return structure(1, body)


UDP = struct.pack(">HHHH", 5000, 53, 108, 0)
PACKET = (
    struct.pack(">BBHHHBBH", 0x45, 0, 128, 1, 0, 64, 17, 0)
    + ip_address("192.0.2.9").packed
    + ip_address("198.51.100.9").packed
    + UDP
)
"""The first 28 of 128 octets."""

FRAME = bytes(12) + b"\x08\0" + PACKET
HEADER = sampled_header(FRAME, frame_octets=14 + 128 + 4)
