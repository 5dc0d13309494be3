"""The flow table: one row a data record, as exported. Packets and octets are never scaled here."""

from __future__ import annotations

from sekisho.schema.table import Column, Table, Type

_TIME = "IE 21/22, 150-161; v5 first/last"

FLOW = Table(
    name="flow",
    meaning="One row a data record, as the exporter sent it; no nulls, every column names its unknown.",
    columns=(
        Column(
            name="received_at",
            type=Type.TIMESTAMP_MS,
            meaning="when the export datagram arrived",
            source="socket, pcap",
        ),
        Column(
            name="flow_start",
            type=Type.TIMESTAMP_MS,
            meaning="first packet, exporter's time corrected by its export time",
            unknown="received_at",
            source=_TIME,
        ),
        Column(
            name="flow_end",
            type=Type.TIMESTAMP_MS,
            meaning="last packet, exporter's time corrected by its export time",
            unknown="received_at",
            source=_TIME,
        ),
        Column(
            name="exporter",
            type=Type.STRING,
            meaning="IP address of the exporter (sFlow: agent)",
            source="socket, pcap",
        ),
        Column(
            name="observation_domain_id",
            type=Type.INT64,
            meaning="v9 source id, IPFIX observation domain, v5 engine type*256+id, sFlow sub-agent",
            unknown=0,
            source="header",
        ),
        Column(
            name="sampling_interval",
            type=Type.FLOAT64,
            meaning="1 in N packets was sampled; estimated as 1 where unknown, and the verdict is capped at watch",
            unknown=0.0,
            source="options by exporter, domain, sampler; IE 34/50/(305+306)/305; v5 low 14 bits; sFlow pool",
        ),
        Column(name="ip_version", type=Type.INT8, meaning="4 or 6", source="IE 60, addresses"),
        Column(name="src_hi", type=Type.INT64, meaning="source address, upper 64 bits", source="IE 8/27"),
        Column(
            name="src_lo",
            type=Type.INT64,
            meaning="source address, lower 64 bits; IPv4 as ::ffff:0:0/96",
            source="IE 8/27",
        ),
        Column(name="dst_hi", type=Type.INT64, meaning="destination address, upper 64 bits", source="IE 12/28"),
        Column(
            name="dst_lo",
            type=Type.INT64,
            meaning="destination address, lower 64 bits; IPv4 as ::ffff:0:0/96",
            source="IE 12/28",
        ),
        Column(
            name="src_port",
            type=Type.INT32,
            meaning="source port of TCP, UDP, SCTP, DCCP",
            unknown=0,
            source="IE 7/180/182",
        ),
        Column(
            name="dst_port",
            type=Type.INT32,
            meaning="destination port of TCP, UDP, SCTP, DCCP",
            unknown=0,
            source="IE 11/181/183",
        ),
        Column(
            name="icmp_type_code",
            type=Type.INT32,
            meaning="type*256+code of ICMP and ICMPv6",
            unknown=-1,
            source="IE 32/139, 176-179, v5/v9 destination port",
        ),
        Column(name="protocol", type=Type.INT16, meaning="IANA protocol number", unknown=0, source="IE 4"),
        Column(
            name="tcp_flags",
            type=Type.INT16,
            meaning="OR of the flags of all packets",
            unknown=0,
            source="IE 6",
        ),
        Column(
            name="packets",
            type=Type.INT64,
            unit="packets",
            meaning="as exported, never scaled; running totals differenced per flow key",
            source="IE 2, 24, 86",
        ),
        Column(
            name="octets",
            type=Type.INT64,
            unit="octets",
            meaning="IP-layer octets as exported, never scaled; running totals differenced per flow key",
            source="IE 1, 23, 85",
        ),
        Column(name="ingress_if", type=Type.INT64, meaning="ifIndex", unknown=0, source="IE 10"),
        Column(name="egress_if", type=Type.INT64, meaning="ifIndex", unknown=0, source="IE 14"),
        Column(name="ingress_vrf", type=Type.INT64, meaning="VRF id", unknown=0, source="IE 234"),
        Column(name="egress_vrf", type=Type.INT64, meaning="VRF id", unknown=0, source="IE 235"),
        Column(
            name="realm",
            type=Type.STRING,
            meaning="address realm of the subscriber side; empty is the default realm",
            unknown="",
            source="exporter, interface, VRF configuration",
        ),
        Column(name="direction", type=Type.INT8, meaning="0 ingress, 1 egress", unknown=-1, source="IE 61"),
        Column(
            name="fragment",
            type=Type.BOOL,
            meaning="non-first fragment",
            unknown=False,
            source="IE 54/88/197",
        ),
        Column(
            name="forwarding_status",
            type=Type.INT16,
            meaning="RFC 7270; 128-191 was dropped there: an attempt, no load downstream",
            unknown=-1,
            source="IE 89",
        ),
        Column(
            name="tunnel_kind",
            type=Type.INT8,
            meaning="0 none, 1 4in6, 2 6in4, 3 IPIP, 4 GRE, 5 L2TPv2/PPP, 6 EtherIP, 7 VXLAN",
            unknown=0,
            source="sampled headers",
        ),
        Column(
            name="tunnel_src_hi",
            type=Type.INT64,
            meaning="outer source, upper 64 bits",
            unknown=0,
            source="sampled headers",
        ),
        Column(
            name="tunnel_src_lo",
            type=Type.INT64,
            meaning="outer source, lower 64 bits",
            unknown=0,
            source="sampled headers",
        ),
        Column(
            name="src_line",
            type=Type.INT64,
            meaning="key of the line that held the source address",
            unknown=0,
            source="attribution",
        ),
        Column(
            name="dst_line",
            type=Type.INT64,
            meaning="key of the line that held the destination address",
            unknown=0,
            source="attribution",
        ),
    ),
)
"""Columns that others rely on: the store and every engine hold exactly these."""

WORK = (
    "boundary",
    "from_subscribers",
    "src_unattributed",
    "dst_unattributed",
    "src_inferred",
    "dst_inferred",
    "src_assignment",
    "dst_assignment",
)
"""Cells of a batch that the pipeline fills and the store never sees.

boundary: code of the observation boundary whose records are summed; -1 = leave the record out of the windows.
from_subscribers: 1 where the record came in by an interface that is configured to face subscribers.
src_unattributed, dst_unattributed: ``UnattributedReason``. src_inferred, dst_inferred: 1 where the certainty is
``inferred``. src_assignment, dst_assignment: row of the assignment that decided, -1 = none.
"""
