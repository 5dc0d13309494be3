"""What one line sent and received in ten seconds at one boundary, and the SQL that defines it.

A new feature is one row here and one line in ``windows/features.py``. Distinct counts are not among them: the targets
of ``line_target`` can be counted, and a set a window cost as much as all sums together.
"""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.schema.table import Column, Table, Type

WINDOW_MS = 10_000
"""Most floods end within five minutes, a third within two: the shortest horizon is ten seconds."""

REFLECTOR_PORTS = (
    *(17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683),
    *(10001, 11211, 32414, 37810),
)
"""UDP services that answer more than they are asked and so can be made to flood a forged asker: QOTD, chargen, DNS,
TFTP, portmapper, NTP, NetBIOS, SNMP, CLDAP, SLP, RIP, SQL resolution, SSDP, ARMS, RDP, WS-Discovery, Sentinel, mDNS,
CoAP, Ubiquiti discovery, memcached, Plex, recorder discovery (CISA alert TA14-017A and later public reports)."""

LOGIN_PORTS = (21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900)
"""TCP services that ask for a password: FTP, SSH, telnet, mail, SMB, databases, remote desktops."""

_SYN_ONLY = "protocol = 6 and (tcp_flags & 23) = 2"
_DROPPED = "forwarding_status between 128 and 191"
REFLECTED = f"protocol = 17 and own_port in {REFLECTOR_PORTS} and own_port <> peer_port"
"""A service answers a client; equal ports are two servers, or a client that asks from its service's port (NTP)."""

ICMP_ANSWERS = (0, 3, 4, 5, 11, 12)
ICMPV6_ANSWERS = (1, 2, 3, 4, 129)
"""Types that are sent because of what was received: echo replies, errors, redirects (RFC 792, RFC 4443)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One sum of a window.

    Attributes:
        value: what a flow adds, in the portable SQL; ``share`` is the part of the flow inside the window, ``n`` the
            sampling interval (1 where unknown), ``own_port`` the line's port, ``peer_port`` the other side's.
        when: condition in the portable SQL, "" = every flow.
    """

    name: str
    unit: str
    meaning: str
    value: str
    when: str = ""


_PACKETS = "packets * n * share"
_OCTETS = "octets * n * share"


def _packets(prefix: str, meaning: str, when: str) -> Feature:
    return Feature(name=f"{prefix}_packets", unit="packets", meaning=meaning, value=_PACKETS, when=when)


def _pair(prefix: str, meaning: str, when: str) -> tuple[Feature, Feature]:
    octets = Feature(name=f"{prefix}_octets", unit="octets", meaning=meaning, value=_OCTETS, when=when)
    return _packets(prefix, meaning, when), octets


FEATURES: tuple[Feature, ...] = (
    Feature(name="sampled_packets", unit="packets", meaning="as exported, not scaled", value="packets * share"),
    Feature(name="packets", unit="packets", meaning="estimate", value=_PACKETS),
    Feature(name="octets", unit="octets", meaning="estimate", value=_OCTETS),
    Feature(
        name="packets_var",
        unit="packets²",
        meaning="variance of the estimate under 1-in-N sampling; a part of the packets has its share of it",
        value="packets * share * n * (n - 1)",
    ),
    Feature(
        name="octets_var",
        unit="octets²",
        meaning="variance of the estimate under 1-in-N sampling, all packets of a record alike in size",
        value="(octets * 1.0 * octets / packets) * share * n * (n - 1)",
        when="packets > 0",
    ),
    *_pair("udp", "estimate, UDP", "protocol = 17"),
    *_pair("dns", "estimate, UDP with the peer's port 53", "protocol = 17 and peer_port = 53"),
    *_pair("reflector", "estimate, UDP between a client and the line's own port of a reflecting service", REFLECTED),
    *_pair("fragment", "estimate, non-first fragments", "fragment = 1"),
    *_pair("tcp", "estimate, TCP", "protocol = 6"),
    *_pair("syn", "estimate, TCP in records with SYN and none of ACK, RST, FIN", _SYN_ONLY),
    _packets(
        "login", "estimate, TCP with the peer's port of a login service", f"protocol = 6 and peer_port in {LOGIN_PORTS}"
    ),
    _packets("mail", "estimate, TCP with the peer's port 25", "protocol = 6 and peer_port = 25"),
    *_pair("icmp", "estimate, ICMP and ICMPv6", "protocol in (1, 58)"),
    _packets(
        "icmp_answer",
        "estimate, echo replies and errors of ICMP and ICMPv6",
        f"(protocol = 1 and icmp_type in {ICMP_ANSWERS}) or (protocol = 58 and icmp_type in {ICMPV6_ANSWERS})",
    ),
    *_pair("gre", "estimate, GRE", "protocol = 47"),
    _packets("dropped", "estimate, dropped at the exporter: attempts without load downstream", _DROPPED),
    Feature(
        name="unknown_sampling_packets",
        unit="packets",
        meaning="as exported, from records whose sampling interval is not known",
        value="packets * share",
        when="sampling_interval = 0",
    ),
    _packets("inferred", "estimate, from records whose line is inferred", "inferred = 1"),
)
"""Sums of a window in the order in which the kernel holds them."""

LINE_WINDOW = Table(
    name="line_window",
    meaning="One row a line, boundary, side and ten seconds; flows are spread over their duration.",
    columns=(
        Column(name="line", type=Type.INT64, meaning="key of the line", source="flow.src_line or flow.dst_line"),
        Column(
            name="boundary",
            type=Type.INT32,
            meaning="observation boundary; sums of several boundaries are never added up",
            source="configuration, else exporter and direction",
        ),
        Column(name="side", type=Type.INT8, meaning="0 sent by the line, 1 received by it", source="which side"),
        Column(
            name="window_start_ms",
            type=Type.INT64,
            unit="ms",
            meaning="start of the ten seconds, UTC",
            source="flow_start, flow_end",
        ),
        *(
            Column(
                name=f.name,
                type=Type.FLOAT64,
                unit=f.unit,
                meaning=f.meaning,
                source=f"{f.value} when {f.when}" if f.when else f.value,
            )
            for f in FEATURES
        ),
    ),
)


def feature(name: str) -> int:
    """Index of a feature; kernels take it as a constant.

    Raises:
        ValueError: no such feature.
    """
    return tuple(f.name for f in FEATURES).index(name)
