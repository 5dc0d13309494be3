"""Goldens of telegraf's netflow input: v5, v9 and IPFIX datagrams and the metrics it made of them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from export_builders import decode, new_decoder
from shared_data import shared

CASES = (
    "netflow_v5_example",
    "netflow_v9_example",
    "netflow_v9_options",
    "ipfix_example",
    "ipfix_options",
    "ipfix_pen_35632",
    "issue_13305",
    "issue_14370",
)

COLUMN_OF = {
    "src": "src",
    "dst": "dst",
    "src_port": "src_port",
    "dst_port": "dst_port",
    "in_bytes": "octets",
    "in_packets": "packets",
    "in_total_bytes": "octets",
    "in_total_packets": "packets",
    "in_snmp": "ingress_if",
    "out_snmp": "egress_if",
    "flow_start_ms": "flow_start",
    "flow_end_ms": "flow_end",
    "sampling_interval": "sampling_interval",
    "protocol": "protocol",
}
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58}

TIMES = {"flow_start", "flow_end"}

DIFFERENT = {"netflow_v9_example": TIMES}
"""This exporter's header has sysUptime 0, so its flows end a day after their export. RFC 3954, 8: the flow's end is a
"system uptime", and cannot be later; we move both times back to the arrival and count ``ends_ahead``."""


def _metrics(case: str) -> list[tuple[str, dict[str, Any]]]:
    """(measurement, fields) of each line of the expected output."""
    lines = shared(f"flow/telegraf/{case}/expected.out").read_text().splitlines()
    return [(line.split(",", 1)[0], _fields(line.split(" ", 1)[1])) for line in lines if line]


def _fields(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, quoted, number in re.findall(r'([^,=\s]+)=(?:"([^"]*)"|([0-9.]+)[ui]?)', text):
        fields[key] = int(number) if number else quoted
    return fields


def _expected(fields: dict[str, Any], case: str) -> dict[str, Any]:
    row = {COLUMN_OF[key]: value for key, value in fields.items() if key in COLUMN_OF}
    row["protocol"] = PROTOCOLS.get(row["protocol"], row["protocol"])
    if row["protocol"] not in {6, 17}:
        row.pop("src_port", None), row.pop("dst_port", None)
    return {column: value for column, value in row.items() if column not in DIFFERENT.get(case, ())}


@pytest.fixture(params=CASES)
def case(request):
    return request.param


def test_flows(case):
    """Every flow metric has a row with the same addresses, ports, protocol, counters, interfaces and absolute times."""
    decoder = new_decoder(keep_options=True)
    found: list[dict[str, Any]] = []
    for path in sorted(shared(f"flow/telegraf/{case}").glob("*.bin")):
        payload = path.read_bytes()
        export_s = payload[4:8] if payload[1] == 10 else payload[8:12]
        found += decode(decoder, payload, at=int.from_bytes(export_s, "big") * 1000)
    metrics = _metrics(case)
    flows = [_expected(fields, case) for name, fields in metrics if name == "netflow" and "src" in fields]
    options = [fields for name, fields in metrics if name == "netflow_options"]
    assert len(flows) + len(options) > 0
    assert decoder.records == sum(name == "netflow" for name, _ in metrics)
    assert decoder.options_records == len(options)
    for expected in flows:
        assert any({column: row[column] for column in expected} == expected for row in found), expected


def test_interface_names_from_options():
    """IE 82 names the interfaces of the v9 options data (IE 10)."""
    decoder = new_decoder()
    decode(decoder, shared("flow/telegraf/netflow_v9_options/message.bin").read_bytes())
    assert decoder.interfaces[0, 1] == "Te0/0/0"
    assert decoder.interfaces[0, 10] == "Lo0"
