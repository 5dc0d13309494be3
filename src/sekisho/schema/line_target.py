"""What one line sent to one target and port in ten minutes at one boundary."""

from __future__ import annotations

from sekisho.schema.table import Column, Table, Type

BLOCK_MS = 600_000
"""Ten minutes: slow scans are counted over one block and over six."""

PAIRS_CAP = 1024
"""(target, port, protocol) rows a line, boundary and block; what comes after is summed in one rest row."""

REST_PORT = -1
"""Port of the rest row; its target is all zero; where it is there, distinct counts mean "at least"."""

LINE_TARGET = Table(
    name="line_target",
    meaning="One row a line, boundary, ten minutes, target, port and protocol, and one for the rest beyond the cap.",
    columns=(
        Column(name="line", type=Type.INT64, meaning="key of the line", source="flow.src_line"),
        Column(name="boundary", type=Type.INT32, meaning="observation boundary", source="as line_window"),
        Column(name="block_start_ms", type=Type.INT64, unit="ms", meaning="start of the ten minutes, UTC"),
        Column(
            name="target_hi",
            type=Type.INT64,
            meaning="destination address, upper 64 bits",
            source="flow.dst_hi",
        ),
        Column(
            name="target_lo",
            type=Type.INT64,
            meaning="destination address, lower 64 bits",
            source="flow.dst_lo",
        ),
        Column(
            name="port",
            type=Type.INT32,
            meaning="destination port; ICMP: type * 256 + code; 0 where own_port is not 0; -1 the rest row",
            source="flow.dst_port, flow.icmp_type_code",
        ),
        Column(
            name="own_port",
            type=Type.INT32,
            meaning="the line's port where it is a reflecting service that answers a client, else 0",
            source="flow.src_port",
        ),
        Column(name="protocol", type=Type.INT16, meaning="IANA protocol number, -1 the rest row", source="flow"),
        Column(name="records", type=Type.FLOAT64, unit="records", meaning="data records", source="share"),
        Column(name="sampled_packets", type=Type.FLOAT64, unit="packets", meaning="as exported, not scaled"),
        Column(name="packets", type=Type.FLOAT64, unit="packets", meaning="estimate"),
        Column(name="octets", type=Type.FLOAT64, unit="octets", meaning="estimate"),
        Column(name="syn_packets", type=Type.FLOAT64, unit="packets", meaning="estimate, records of SYN alone"),
        Column(
            name="syn_sampled_packets",
            type=Type.FLOAT64,
            unit="packets",
            meaning="SYN alone as exported, not scaled",
        ),
        Column(
            name="connections",
            type=Type.FLOAT64,
            unit="connections",
            meaning="estimate, asked for: packets of SYN alone, and one for every record that holds a SYN among others",
        ),
        Column(
            name="reset_packets",
            type=Type.FLOAT64,
            unit="packets",
            meaning="estimate, records with RST and none of SYN, FIN, PSH",
        ),
        Column(name="fragment_packets", type=Type.FLOAT64, unit="packets", meaning="estimate, non-first fragments"),
        Column(
            name="answered_packets",
            type=Type.FLOAT64,
            unit="packets",
            meaning="estimate, received from that target and port, at most 2 s before the first record to it",
            source="flow.dst_line with the sides exchanged",
        ),
        Column(
            name="answered_syn_ack_packets",
            type=Type.FLOAT64,
            unit="packets",
            meaning="the part of answered_packets in records that carry SYN and ACK",
        ),
        Column(
            name="answered_reset_packets",
            type=Type.FLOAT64,
            unit="packets",
            meaning="the part of answered_packets in records with RST and none of SYN, FIN, PSH",
        ),
        Column(
            name="answered_octets", type=Type.FLOAT64, unit="octets", meaning="estimate, octets of answered_packets"
        ),
        Column(name="first_ms", type=Type.INT64, unit="ms", meaning="earliest flow start in the block"),
        Column(name="last_ms", type=Type.INT64, unit="ms", meaning="latest flow end in the block"),
    ),
)
