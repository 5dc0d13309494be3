"""Goldens of logstash-codec-netflow: 60 payloads of about 25 kinds of exporter, read in place."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from export_builders import decode, new_decoder
from shared_data import shared

DATA_EVENT_FIELDS = {
    "ipv4_src_addr": "src",
    "ipv4_dst_addr": "dst",
    "ipv6_src_addr": "src",
    "ipv6_dst_addr": "dst",
    "sourceIPv4Address": "src",
    "destinationIPv4Address": "dst",
    "sourceIPv6Address": "src",
    "destinationIPv6Address": "dst",
    "l4_src_port": "src_port",
    "l4_dst_port": "dst_port",
    "sourceTransportPort": "src_port",
    "destinationTransportPort": "dst_port",
    "protocol": "protocol",
    "protocolIdentifier": "protocol",
    "tcp_flags": "tcp_flags",
    "tcpControlBits": "tcp_flags",
    "in_bytes": "octets",
    "octetDeltaCount": "octets",
    "octetTotalCount": "octets",
    "fwd_flow_delta_bytes": "octets",
    "in_pkts": "packets",
    "packetDeltaCount": "packets",
    "packetTotalCount": "packets",
    "input_snmp": "ingress_if",
    "ingressInterface": "ingress_if",
    "output_snmp": "egress_if",
    "egressInterface": "egress_if",
    "ingressVRFID": "ingress_vrf",
    "egressVRFID": "egress_vrf",
    "direction": "direction",
    "flowDirection": "direction",
    "first_switched": "flow_start",
    "last_switched": "flow_end",
    "flowStartMilliseconds": "flow_start",
    "flowEndMilliseconds": "flow_end",
    "flowStartSeconds": "flow_start",
    "flowEndSeconds": "flow_end",
}
"""Field of a golden event -> column."""

ROUNDED_MS = 1000
"""The codec divides sysUptime by 1000 without remainder before it subtracts, so its v5 and v9 times are up to a second
late; RFC 3954, 5.1 has milliseconds. tshark agrees with ours to the millisecond (test_against_tshark)."""

TIMES = {"flow_start", "flow_end"}

DIFFERENT = {
    # The uptime wrapped within the flow; the golden start is 49.7 days in the future of its export.
    "Netflow 5 valid 01": TIMES,
    # RFC 3954, 8: LAST_SWITCHED is the "system uptime at which the last packet of this Flow was switched", so it cannot
    # be after the header's sysUpTime. FortiOS 5.2.1 sends one a week later and nProbe 14 s later: we move both times
    # back to the arrival and count ``ends_ahead``.
    "Netflow 9 Fortigate FortiOS 5.2.1": TIMES,
    "Netflow 9 nprobe DPI L7": TIMES,
    # The codec caps the milliseconds of these times at 999.
    "Netflow 9 Streamcore": TIMES,
}
"""Contexts and the columns in which we differ from the golden."""


def _contexts() -> list[dict[str, Any]]:
    try:
        return json.loads(shared("flow/logstash/golden.json").read_text())
    except pytest.skip.Exception:
        return []


CONTEXTS = _contexts()


@pytest.fixture(params=CONTEXTS, ids=lambda context: context["context"])
def context(request):
    return request.param


def _decode(context: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """Decoder and rows; each payload arrives when it says it was exported."""
    decoder = new_decoder(keep_options=True, keep_nat_events=True)
    found = []
    for name in context["packets"]:
        payload = shared(f"flow/logstash/{name}").read_bytes()
        export_s = payload[4:8] if payload[1] == 10 else payload[8:12]
        found += decode(decoder, payload, at=int.from_bytes(export_s, "big") * 1000)
    return decoder, found


def _expected(event: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    fields = event["netflow"]
    expected = {DATA_EVENT_FIELDS[k]: v for k, v in fields.items() if k in DATA_EVENT_FIELDS}
    for time in ("flow_start", "flow_end"):
        if isinstance(expected.get(time), str):
            expected[time] = round(datetime.fromisoformat(expected[time]).timestamp() * 1000)
        elif time in expected:
            expected[time] *= 1000
    if expected.get("protocol") not in {6, 17, 132, 33}:
        expected["src_port"] = expected["dst_port"] = 0
    return {k: v for k, v in expected.items() if k not in DIFFERENT.get(context["context"], ())}


def _agrees(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    return all(
        abs(row[column] - value) <= ROUNDED_MS if column in TIMES else row[column] == value
        for column, value in expected.items()
    )


def test_number_of_records(context):
    """Data and options records are as many as the golden says."""
    decoder, _ = _decode(context)
    if context["decode_size"] is not None:
        assert decoder.records + decoder.options_records == context["decode_size"]


def test_contract_columns(context):
    """Each golden event of a flow has a row that agrees in every contract column the event has."""
    _, found = _decode(context)
    for event in context["json_events"]:
        expected = _expected(event, context)
        if expected.keys() & {"src", "dst"} and "octets" in expected:
            assert any(_agrees(row, expected) for row in found), expected


def test_single_assertions(context):
    """Values that the golden asserts for one event stand in a row, too."""
    _, found = _decode(context)
    asserted: dict[int, dict[str, Any]] = {}
    for one in context["event_asserts"]:
        name = one["field"].removeprefix("[netflow][").removesuffix("]")
        if name in DATA_EVENT_FIELDS and not name.startswith(("first", "last", "flowStart", "flowEnd")):
            asserted.setdefault(one["event"], {})[DATA_EVENT_FIELDS[name]] = one["value"]
    for expected in asserted.values():
        if expected.keys() & {"src", "dst"}:
            assert any(_agrees(row, expected) for row in found), expected
