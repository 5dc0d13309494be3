"""What each information element does: the one table from element numbers to flow columns.

Numbers and names: IANA "IP Flow Information Export (IPFIX) Entities" (RFC 7012), RFC 3954 section 8 for v9, RFC 5103
for the reverse elements, RFC 8158 for NAT. Names of all elements that options and events show stand in ``names.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique

REVERSE_PEN = 29_305
"""RFC 5103: an element under this enterprise number tells of the other direction of a biflow."""

CERT_PEN = 6_871
"""YAF exports TCP flags of the first and of the later packets under this number only."""


@unique
class Target(IntEnum):
    """What a field is good for; several elements may serve the same target, the best one that is there is used."""

    FLOW_START = 0
    FLOW_END = 1
    DURATION = 2
    SYSTEM_INIT = 3
    SRC_V4 = 4
    DST_V4 = 5
    SRC_V6 = 6
    DST_V6 = 8
    IP_VERSION = 10
    SRC_PORT = 11
    DST_PORT = 12
    ICMP_TYPE_CODE = 13
    ICMP_TYPE = 14
    ICMP_CODE = 15
    PROTOCOL = 16
    TCP_FLAGS = 17
    LATER_TCP_FLAGS = 18
    PACKETS = 19
    OCTETS = 20
    REVERSE_PACKETS = 21
    REVERSE_OCTETS = 22
    REVERSE_TCP_FLAGS = 23
    LATER_REVERSE_TCP_FLAGS = 24
    INGRESS_IF = 25
    EGRESS_IF = 26
    INGRESS_VRF = 27
    EGRESS_VRF = 28
    DIRECTION = 29
    FRAGMENT_OFFSET = 30
    FRAGMENT_HINT = 31
    FORWARDING_STATUS = 32
    SAMPLING_INTERVAL = 33
    SAMPLER = 34
    SELECTION_SEQUENCE = 35
    SAMPLED_PACKETS = 36
    SKIPPED_PACKETS = 37
    FRAME_SECTION = 38
    IP_SECTION = 40
    FRAME_OCTETS = 42
    # What only a sampled header tells.
    TUNNEL_KIND = 43
    TUNNEL_SRC = 44
    IP_START = 46


WORDS = 47
"""Words of the array that one record is read into, a target a word; an IPv6 address takes two words, and so does a
section: where it starts and its length."""


@unique
class Unit(IntEnum):
    """How a time is written; PLAIN is every other integer."""

    PLAIN = 0
    UPTIME_MS = 1
    SECONDS = 2
    MILLISECONDS = 3
    NTP = 4
    DELTA_US = 5
    MICROSECONDS = 6


@dataclass(frozen=True, slots=True)
class Element:
    """Use of one element.

    Attributes:
        rank: of several elements with one target in a template the lowest rank is used, the first of equals.
        total: a running total (RFC 7012), to be differenced per flow.
    """

    target: Target
    unit: Unit = Unit.PLAIN
    rank: int = 0
    total: bool = False


ELEMENTS: dict[tuple[int, int], Element] = {
    (0, 1): Element(Target.OCTETS),
    (0, 2): Element(Target.PACKETS),
    # v9 OUT_BYTES and OUT_PKTS count the same packets after the router changed them: one of the two, never the sum.
    (0, 23): Element(Target.OCTETS, rank=1),
    (0, 24): Element(Target.PACKETS, rank=1),
    (0, 85): Element(Target.OCTETS, rank=2, total=True),
    (0, 86): Element(Target.PACKETS, rank=2, total=True),
    (0, 171): Element(Target.OCTETS, rank=3, total=True),
    (0, 172): Element(Target.PACKETS, rank=3, total=True),
    # Firewalls (Cisco ASA, AVC) count payload octets of each side and nothing else.
    (0, 231): Element(Target.OCTETS, rank=4),
    (0, 232): Element(Target.REVERSE_OCTETS, rank=4),
    (0, 298): Element(Target.PACKETS, rank=4),
    (0, 299): Element(Target.REVERSE_PACKETS, rank=4),
    # Frames, not IP: too much by some percent is better than a flow without octets, hence last.
    (0, 352): Element(Target.OCTETS, rank=5),
    (0, 353): Element(Target.OCTETS, rank=6, total=True),
    (REVERSE_PEN, 1): Element(Target.REVERSE_OCTETS),
    (REVERSE_PEN, 2): Element(Target.REVERSE_PACKETS),
    (REVERSE_PEN, 85): Element(Target.REVERSE_OCTETS, rank=2, total=True),
    (REVERSE_PEN, 86): Element(Target.REVERSE_PACKETS, rank=2, total=True),
    (REVERSE_PEN, 6): Element(Target.REVERSE_TCP_FLAGS),
    (0, 4): Element(Target.PROTOCOL),
    (0, 6): Element(Target.TCP_FLAGS),
    (CERT_PEN, 14): Element(Target.TCP_FLAGS, rank=1),
    (CERT_PEN, 15): Element(Target.LATER_TCP_FLAGS),
    (CERT_PEN, 16398): Element(Target.REVERSE_TCP_FLAGS, rank=1),
    (CERT_PEN, 16399): Element(Target.LATER_REVERSE_TCP_FLAGS),
    (0, 7): Element(Target.SRC_PORT),
    (0, 11): Element(Target.DST_PORT),
    (0, 180): Element(Target.SRC_PORT, rank=1),
    (0, 181): Element(Target.DST_PORT, rank=1),
    (0, 182): Element(Target.SRC_PORT, rank=2),
    (0, 183): Element(Target.DST_PORT, rank=2),
    (0, 8): Element(Target.SRC_V4),
    (0, 12): Element(Target.DST_V4),
    (0, 27): Element(Target.SRC_V6),
    (0, 28): Element(Target.DST_V6),
    (0, 60): Element(Target.IP_VERSION),
    (0, 10): Element(Target.INGRESS_IF),
    (0, 14): Element(Target.EGRESS_IF),
    (0, 252): Element(Target.INGRESS_IF, rank=1),
    (0, 253): Element(Target.EGRESS_IF, rank=1),
    (0, 234): Element(Target.INGRESS_VRF),
    (0, 235): Element(Target.EGRESS_VRF),
    (0, 61): Element(Target.DIRECTION),
    (0, 89): Element(Target.FORWARDING_STATUS),
    (0, 32): Element(Target.ICMP_TYPE_CODE),
    (0, 139): Element(Target.ICMP_TYPE_CODE, rank=1),
    (0, 176): Element(Target.ICMP_TYPE),
    (0, 177): Element(Target.ICMP_CODE),
    (0, 178): Element(Target.ICMP_TYPE, rank=1),
    (0, 179): Element(Target.ICMP_CODE, rank=1),
    (0, 88): Element(Target.FRAGMENT_OFFSET),
    (0, 54): Element(Target.FRAGMENT_HINT),
    (0, 152): Element(Target.FLOW_START, Unit.MILLISECONDS),
    (0, 153): Element(Target.FLOW_END, Unit.MILLISECONDS),
    (0, 154): Element(Target.FLOW_START, Unit.NTP, rank=1),
    (0, 155): Element(Target.FLOW_END, Unit.NTP, rank=1),
    (0, 156): Element(Target.FLOW_START, Unit.NTP, rank=2),
    (0, 157): Element(Target.FLOW_END, Unit.NTP, rank=2),
    (0, 158): Element(Target.FLOW_START, Unit.DELTA_US, rank=3),
    (0, 159): Element(Target.FLOW_END, Unit.DELTA_US, rank=3),
    (0, 22): Element(Target.FLOW_START, Unit.UPTIME_MS, rank=4),
    (0, 21): Element(Target.FLOW_END, Unit.UPTIME_MS, rank=4),
    (0, 150): Element(Target.FLOW_START, Unit.SECONDS, rank=5),
    (0, 151): Element(Target.FLOW_END, Unit.SECONDS, rank=5),
    (0, 323): Element(Target.FLOW_END, Unit.MILLISECONDS, rank=6),
    (0, 324): Element(Target.FLOW_END, Unit.NTP, rank=7),
    (0, 325): Element(Target.FLOW_END, Unit.NTP, rank=8),
    (0, 322): Element(Target.FLOW_END, Unit.SECONDS, rank=9),
    (0, 160): Element(Target.SYSTEM_INIT, Unit.MILLISECONDS),
    (0, 161): Element(Target.DURATION, Unit.MILLISECONDS),
    (0, 162): Element(Target.DURATION, Unit.MICROSECONDS, rank=1),
    (0, 34): Element(Target.SAMPLING_INTERVAL),
    (0, 50): Element(Target.SAMPLING_INTERVAL, rank=1),
    (0, 48): Element(Target.SAMPLER),
    (0, 302): Element(Target.SAMPLER, rank=1),
    (0, 301): Element(Target.SELECTION_SEQUENCE),
    (0, 305): Element(Target.SAMPLED_PACKETS),
    (0, 306): Element(Target.SKIPPED_PACKETS),
    (0, 315): Element(Target.FRAME_SECTION),
    (0, 104): Element(Target.FRAME_SECTION, rank=1),
    (0, 313): Element(Target.IP_SECTION),
    (0, 312): Element(Target.FRAME_OCTETS),
    (0, 103): Element(Target.FRAME_OCTETS, rank=1),
}
"""(enterprise number, element number) -> what it does. Whatever is not here is stepped over."""

NAT_ELEMENTS = frozenset({225, 226, 227, 228, 230, 281, 282, 361, 362, 363, 364})
"""A record without counters that carries one of these is a NAT event (RFC 8158)."""
