"""What one line sent and received in ten seconds at one boundary, and the SQL that defines it.

A new feature is one row here and one line in ``windows/fold.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.schema.table import Column, Table, Type

WINDOW_MS = 10_000
"""Most floods end within five minutes, a third within two: the shortest horizon is ten seconds."""

DISTINCT_CAP = 64
"""Distinct counts stop here and mean "at least"; a kernel keeps that many keys a window at most."""

LARGE_OCTETS = 1200
"""Mean packet size from which a record counts as bulk transfer (QUIC's least, RFC 9000 14.1)."""

_SYN_ONLY = "protocol = 6 and (tcp_flags & 23) = 2"
_SYN_ACK = "protocol = 6 and (tcp_flags & 18) = 18"
_DROPPED = "forwarding_status between 128 and 191"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One sum of a window.

    Attributes:
        value: what a flow adds, in the portable SQL; ``share`` is the part of the flow inside the window, ``n`` the
            sampling interval (1 where unknown), ``peer_*`` the other side's address and port.
        when: condition in the portable SQL, "" = every flow.
        distinct: the feature is a distinct count of ``value``, capped at ``DISTINCT_CAP``.
    """

    name: str
    unit: str
    meaning: str
    value: str
    when: str = ""
    distinct: bool = False


_PACKETS = "packets * n * share"
_OCTETS = "octets * n * share"


def _pair(prefix: str, meaning: str, when: str) -> tuple[Feature, Feature]:
    return (
        Feature(name=f"{prefix}_packets", unit="packets", meaning=meaning, value=_PACKETS, when=when),
        Feature(name=f"{prefix}_octets", unit="octets", meaning=meaning, value=_OCTETS, when=when),
    )


FEATURES: tuple[Feature, ...] = (
    Feature(name="records", unit="records", meaning="data records", value="share"),
    Feature(name="sampled_packets", unit="packets", meaning="as exported, not scaled", value="packets * share"),
    Feature(name="packets", unit="packets", meaning="estimate", value=_PACKETS),
    Feature(name="octets", unit="octets", meaning="estimate", value=_OCTETS),
    Feature(
        name="packets_var",
        unit="packets²",
        meaning="variance of the estimate under 1-in-N sampling",
        value="packets * share * n * (n - 1)",
    ),
    Feature(
        name="octets_var",
        unit="octets²",
        meaning="variance of the estimate under 1-in-N sampling, all packets of a record alike in size",
        value="(octets * 1.0 * octets / packets) * share * n * (n - 1)",
        when="packets > 0",
    ),
    Feature(
        name="unknown_sampling_packets",
        unit="packets",
        meaning="as exported, from records whose sampling interval is not known",
        value="packets * share",
        when="sampling_interval = 0",
    ),
    Feature(
        name="inferred_packets",
        unit="packets",
        meaning="estimate, from records whose line is inferred",
        value=_PACKETS,
        when="inferred = 1",
    ),
    *_pair("dropped", "estimate, dropped at the exporter: attempts without load downstream", _DROPPED),
    *_pair("fragment", "estimate, non-first fragments", "fragment = 1"),
    *_pair("udp", "estimate, UDP", "protocol = 17"),
    Feature(name="udp_records", unit="records", meaning="data records of UDP", value="share", when="protocol = 17"),
    Feature(
        name="udp_sampled_packets",
        unit="packets",
        meaning="UDP as exported, not scaled",
        value="packets * share",
        when="protocol = 17",
    ),
    Feature(
        name="udp_packets_var",
        unit="packets²",
        meaning="variance of udp_packets",
        value="packets * share * n * (n - 1)",
        when="protocol = 17",
    ),
    *_pair(
        "udp_large",
        "estimate, UDP in records of at least 1,200 octets a packet",
        f"protocol = 17 and octets >= {LARGE_OCTETS} * packets",
    ),
    *_pair("quic", "estimate, UDP with the peer's port 443", "protocol = 17 and peer_port = 443"),
    *_pair("dns", "estimate, UDP with the peer's port 53", "protocol = 17 and peer_port = 53"),
    *_pair("tcp", "estimate, TCP", "protocol = 6"),
    *_pair("syn", "estimate, TCP in records with SYN and none of ACK, RST, FIN", _SYN_ONLY),
    Feature(name="syn_records", unit="records", meaning="data records of SYN alone", value="share", when=_SYN_ONLY),
    Feature(
        name="syn_sampled_packets",
        unit="packets",
        meaning="SYN alone as exported, not scaled",
        value="packets * share",
        when=_SYN_ONLY,
    ),
    Feature(
        name="syn_packets_var",
        unit="packets²",
        meaning="variance of syn_packets",
        value="packets * share * n * (n - 1)",
        when=_SYN_ONLY,
    ),
    Feature(
        name="syn_ack_packets",
        unit="packets",
        meaning="estimate, TCP in records that carry SYN and ACK: a handshake",
        value=_PACKETS,
        when=_SYN_ACK,
    ),
    Feature(
        name="rst_packets",
        unit="packets",
        meaning="estimate, TCP in records that carry RST",
        value=_PACKETS,
        when="protocol = 6 and (tcp_flags & 4) = 4",
    ),
    *_pair("icmp", "estimate, ICMP and ICMPv6", "protocol in (1, 58)"),
    *_pair("gre", "estimate, GRE", "protocol = 47"),
    Feature(
        name="syn_peers",
        unit="addresses",
        meaning="distinct peers of records of SYN alone, at least",
        value="peer",
        when=_SYN_ONLY,
        distinct=True,
    ),
    Feature(
        name="udp_peers",
        unit="addresses",
        meaning="distinct peers of UDP, at least",
        value="peer",
        when="protocol = 17",
        distinct=True,
    ),
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
                type=Type.INT64 if f.distinct else Type.FLOAT64,
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
