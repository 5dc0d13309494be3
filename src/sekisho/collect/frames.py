"""Captured frames to export datagrams: link layer, IP, UDP, by kernels over a table of frames.

Checksums are not verified: a capture taken on the sending host holds those that the network card had yet to fill in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from sekisho.collect.octets import u16, u32, u64
from sekisho.core.address import V4_MAPPED
from sekisho.core.kernels import kernel
from sekisho.core.reasons import FrameReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES = 32_768
"""Frames of one block; 4 MiB of full-size export datagrams are about 2,900."""

NO_TIME = -1
"""Time of a frame whose record holds none."""

REASONS = tuple(FrameReason)
"""A kernel's reason is a position in this tuple; it returns ``~reason``, so that failures are negative."""

_TRUNCATED_FRAME = ~REASONS.index(FrameReason.TRUNCATED_FRAME)
_NOT_IP = ~REASONS.index(FrameReason.NOT_IP)
_NOT_UDP = ~REASONS.index(FrameReason.NOT_UDP)
_BAD_IP_HEADER = ~REASONS.index(FrameReason.BAD_IP_HEADER)
_BAD_UDP_HEADER = ~REASONS.index(FrameReason.BAD_UDP_HEADER)
_NOT_AN_EXPORT = ~REASONS.index(FrameReason.NOT_AN_EXPORT)
_UNKNOWN_LINK_TYPE = ~REASONS.index(FrameReason.UNKNOWN_LINK_TYPE)

# LINKTYPE_ values of the registry that libpcap keeps; 12 and 14 are what BSDs write for raw IP.
_ETHERNET, _LINUX_SLL, _LINUX_SLL2 = 1, 113, 276
_RAW_IP = (12, 14, 101, 228, 229)
_LOOPBACK = (0, 108)
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_IPV4, _IPV6 = 0x0800, 0x86DD

_UDP, _HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY = 17, 0, 43, 44, 51, 60, 135
_MAX_EXTENSION_HEADERS = 8
"""RFC 8200, section 4.1 recommends an order of at most seven; more are a trick."""


class Frames(NamedTuple):
    """A table of captured frames, each array (FRAMES,) int64.

    Attributes:
        at: where a frame starts in the buffer.
        captured: octets of it that are there.
        wire: octets that it had on the wire.
        time_ms: when it was captured, ``NO_TIME`` where the record does not tell.
        link_type: LINKTYPE_ value.
    """

    at: NDArray[np.int64]
    captured: NDArray[np.int64]
    wire: NDArray[np.int64]
    time_ms: NDArray[np.int64]
    link_type: NDArray[np.int64]


class Rows(NamedTuple):
    """What ``read_frames`` found, as many as it says of each.

    Attributes:
        datagrams: (FRAMES, 6) int64, columns ``DATAGRAM``.
        fragments: (FRAMES, 11) int64, columns as in ``Fragment``.
        drops: (reasons,) int64, frames that became neither, by position in ``REASONS``; added to.
    """

    datagrams: NDArray[np.int64]
    fragments: NDArray[np.int64]
    drops: NDArray[np.int64]


DATAGRAM = ("source_hi", "source_lo", "offset", "length", "received_at", "source_port")
"""Columns of a datagram."""


class Fragment(NamedTuple):
    """An IP fragment that carries UDP; ``row`` is the number of datagrams before it."""

    source_hi: int
    source_lo: int
    destination_hi: int
    destination_lo: int
    identification: int
    has_more: int
    fragment_offset: int
    at: int
    length: int
    received_at: int
    row: int


def empty_frames() -> Frames:
    """A table with room for ``FRAMES`` frames."""
    return Frames(*(np.empty(FRAMES, dtype=np.int64) for _ in Frames._fields))


def empty_rows() -> Rows:
    """Tables with room for what ``FRAMES`` frames can hold."""
    return Rows(
        datagrams=np.empty((FRAMES, len(DATAGRAM)), dtype=np.int64),
        fragments=np.empty((FRAMES, len(Fragment._fields)), dtype=np.int64),
        drops=np.zeros(len(REASONS), dtype=np.int64),
    )


@kernel
def lacks(needed: int, captured_end: int, wire_end: int, reason: int) -> int:
    """Why octets up to ``needed`` are not there: never sent (``reason``), or not captured; 0 if they are."""
    if needed > wire_end:
        return reason
    return _TRUNCATED_FRAME if needed > captured_end else 0


@kernel
def network_layer(octets: NDArray[np.uint8], at: int, captured_end: int, link_type: int) -> int:
    """Where the IP header of a frame starts."""
    if link_type in _RAW_IP:
        return at
    if link_type in _LOOPBACK:
        return at + 4
    if link_type == _ETHERNET:
        type_at, at = at + 12, at + 14
    elif link_type == _LINUX_SLL:
        type_at, at = at + 14, at + 16
    elif link_type == _LINUX_SLL2:
        type_at, at = at, at + 20
    else:
        return _UNKNOWN_LINK_TYPE
    while at <= captured_end:
        ethertype = u16(octets, type_at)
        if ethertype not in _VLAN_TAGS:
            return at if ethertype in (_IPV4, _IPV6) else _NOT_IP
        type_at, at = at + 2, at + 4
    return _TRUNCATED_FRAME


# Positions in the scratch array ``packet`` that the IP kernels fill: those of ``Fragment``, and where it ends.
_SOURCE_HI, _SOURCE_LO, _DESTINATION_HI, _DESTINATION_LO, _IDENTIFICATION, _HAS_MORE, _FRAGMENT_OFFSET = range(7)
_AT, _END = 7, 8
_PACKET_FIELDS = 9


@kernel
def read_ipv4(octets: NDArray[np.uint8], at: int, captured_end: int, wire_end: int, packet: NDArray[np.int64]) -> int:
    """Read an IPv4 header (RFC 791) into ``packet``; 0 if it carries UDP."""
    lack = int(lacks(at + 20, captured_end, wire_end, _BAD_IP_HEADER))
    if lack < 0:
        return lack
    header_length = (octets[at] & 0x0F) * 4
    # A total length of zero stands in captures of the sending host where the card cuts the packet into segments.
    total_length = u16(octets, at + 2) or wire_end - at
    if octets[at] >> 4 != 4 or header_length < 20 or total_length < header_length or at + total_length > wire_end:
        return _BAD_IP_HEADER
    packet[_SOURCE_HI], packet[_DESTINATION_HI] = 0, 0
    packet[_SOURCE_LO] = V4_MAPPED | u32(octets, at + 12)
    packet[_DESTINATION_LO] = V4_MAPPED | u32(octets, at + 16)
    packet[_IDENTIFICATION] = u16(octets, at + 4)
    packet[_HAS_MORE] = octets[at + 6] >> 5 & 1
    packet[_FRAGMENT_OFFSET] = (u16(octets, at + 6) & 0x1FFF) * 8
    packet[_AT], packet[_END] = at + header_length, at + total_length
    return 0 if octets[at + 9] == _UDP else _NOT_UDP


@kernel
def read_ipv6(octets: NDArray[np.uint8], at: int, captured_end: int, wire_end: int, packet: NDArray[np.int64]) -> int:
    """Read an IPv6 header and its extension headers (RFC 8200, section 4) into ``packet``; 0 if it carries UDP."""
    lack = int(lacks(at + 40, captured_end, wire_end, _BAD_IP_HEADER))
    if lack < 0:
        return lack
    end = at + 40 + u16(octets, at + 4)
    if octets[at] >> 4 != 6 or end > wire_end:
        return _BAD_IP_HEADER
    packet[_SOURCE_HI], packet[_SOURCE_LO] = u64(octets, at + 8), u64(octets, at + 16)
    packet[_DESTINATION_HI], packet[_DESTINATION_LO] = u64(octets, at + 24), u64(octets, at + 32)
    packet[_IDENTIFICATION], packet[_HAS_MORE], packet[_FRAGMENT_OFFSET] = 0, 0, 0
    packet[_END] = end
    return int(skip_extension_headers(octets, at, captured_end, packet))


@kernel
def skip_extension_headers(octets: NDArray[np.uint8], at: int, captured_end: int, packet: NDArray[np.int64]) -> int:
    """Find the UDP header behind the IPv6 header at ``at``."""
    next_header = octets[at + 6]
    at += 40
    for _ in range(_MAX_EXTENSION_HEADERS):
        is_fragment = next_header == _FRAGMENT
        if not is_fragment and next_header not in (_HOP_BY_HOP, _ROUTING, _AUTHENTICATION, _DESTINATION, _MOBILITY):
            break
        lack = int(lacks(at + 8, captured_end, packet[_END], _BAD_IP_HEADER))
        if lack < 0:
            return lack
        length = (octets[at + 1] + 1) * 8
        if next_header == _AUTHENTICATION:
            length = (octets[at + 1] + 2) * 4
        if is_fragment:
            length = 8
            packet[_IDENTIFICATION] = u32(octets, at + 4)
            packet[_HAS_MORE] = octets[at + 3] & 1
            packet[_FRAGMENT_OFFSET] = u16(octets, at + 2) & 0xFFF8
        next_header = octets[at]
        at += length
        if packet[_FRAGMENT_OFFSET] > 0:
            # What follows is the middle of a datagram, whatever its octets look like.
            break
    packet[_AT] = at
    if at > packet[_END]:
        return _BAD_IP_HEADER
    return 0 if next_header == _UDP else _NOT_UDP


@kernel
def is_export(octets: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether the version word of a payload is one of an export: two octets, or sFlow's four."""
    word = u16(octets, at)
    return word in (5, 9, 10) or (word == 0 and end - at >= 4 and u16(octets, at + 2) == 5)


@kernel
def read_udp(octets: NDArray[np.uint8], at: int, captured_end: int, end: int) -> int:
    """Length of the payload of the UDP header (RFC 768) at ``at``, if the version word is one of an export."""
    lack = int(lacks(at + 8, captured_end, end, _BAD_UDP_HEADER))
    if lack < 0:
        return lack
    length = int(u16(octets, at + 4))
    if length < 8 or at + length > end:
        return _BAD_UDP_HEADER
    if length < 10:
        return _NOT_AN_EXPORT
    if at + 10 <= captured_end and not is_export(octets, at + 8, min(at + length, captured_end)):
        return _NOT_AN_EXPORT
    return _TRUNCATED_FRAME if at + length > captured_end else length - 8


@kernel
def export_time_ms(octets: NDArray[np.uint8], at: int, length: int) -> int:
    """The export time in the header of a datagram, for captures that tell no time of their own; sFlow has none."""
    if octets[at + 1] == 0:
        return 0
    # v5 and v9 hold it behind sysUptime; IPFIX has no sysUptime (RFC 7011, section 3.1).
    at_seconds = 4 if octets[at + 1] == 10 else 8
    return int(u32(octets, at + at_seconds)) * 1000 if length >= at_seconds + 4 else 0


@kernel
def read_packet(octets: NDArray[np.uint8], at: int, captured_end: int, wire_end: int, packet: NDArray[np.int64]) -> int:
    """Read the IP header at ``at`` into ``packet``; 0 if it carries UDP."""
    lack = int(lacks(at + 1, captured_end, wire_end, _BAD_IP_HEADER))
    if lack < 0:
        return lack
    if octets[at] >> 4 == 6:
        return int(read_ipv6(octets, at, captured_end, wire_end, packet))
    return int(read_ipv4(octets, at, captured_end, wire_end, packet))


@kernel
def read_frames(octets: NDArray[np.uint8], frames: Frames, count: int, rows: Rows) -> tuple[int, int]:
    """Read ``count`` frames; returns how many datagrams and fragments stand in ``rows``."""
    frame_at, captured, wire, time_ms, link_type = frames
    datagrams, fragments, drops = rows
    packet = np.zeros(_PACKET_FIELDS, dtype=np.int64)
    row, fragment = 0, 0
    for frame in range(count):
        captured_end, wire_end = frame_at[frame] + captured[frame], frame_at[frame] + wire[frame]
        at = network_layer(octets, frame_at[frame], captured_end, link_type[frame])
        status = at if at < 0 else read_packet(octets, at, captured_end, wire_end, packet)
        at, end = packet[_AT], packet[_END]
        is_fragment = packet[_HAS_MORE] != 0 or packet[_FRAGMENT_OFFSET] != 0
        if status == 0:
            status = lacks(end, captured_end, end, 0) if is_fragment else read_udp(octets, at, captured_end, end)
        if status < 0:
            drops[~status] += 1
        elif is_fragment:
            fragments[fragment, :7] = packet[:7]
            fragments[fragment, 7], fragments[fragment, 8] = at, end - at
            fragments[fragment, 9], fragments[fragment, 10] = time_ms[frame], row
            fragment += 1
        else:
            datagrams[row, 0], datagrams[row, 1] = packet[_SOURCE_HI], packet[_SOURCE_LO]
            datagrams[row, 2], datagrams[row, 3] = at + 8, status
            datagrams[row, 4] = time_ms[frame]
            if time_ms[frame] == NO_TIME:
                datagrams[row, 4] = export_time_ms(octets, at + 8, status)
            datagrams[row, 5] = u16(octets, at)
            row += 1
    return row, fragment


_COLUMN, _TABLE, OCTETS = numba.int64[::1], numba.int64[:, ::1], numba.uint8[::1]
FRAMES_TYPE: Any = numba.types.BaseTuple.from_types((_COLUMN,) * len(Frames._fields), Frames)  # type: ignore[no-untyped-call]
_ROWS: Any = numba.types.BaseTuple.from_types((_TABLE, _TABLE, _COLUMN), Rows)  # type: ignore[no-untyped-call]
KERNELS = (
    (read_frames, (OCTETS, FRAMES_TYPE, numba.int64, _ROWS)),
    (export_time_ms, (OCTETS, numba.int64, numba.int64)),
)
