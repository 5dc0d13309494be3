"""The same captures read by tshark: every record's addresses, ports, counters, times; sampling from its options."""

from __future__ import annotations

import json
import re
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from export_builders import decode_datagrams, new_decoder, read_pcap
from sekisho.wire.datagrams import Datagrams
from shared_data import shared
from tools import needs

if TYPE_CHECKING:
    from pathlib import Path

AKVORADO = {
    "options": ["template", "options-template", "options-data", "data"],
    "datalink": ["datalink-template", "datalink-data"],
    "ethernet over MPLS": [f"ethernet-over-mpls-with-control-word-{part}" for part in ("template", "data")],
    "icmp": ["icmp-template", "icmp-data"],
    "srv6": ["ipfix-srv6-template", "ipfix-srv6-data"],
    "ipfixprobe": ["ipfixprobe-templates", "ipfixprobe-data"],
    "juniper cpid": ["juniper-cpid-template", "juniper-cpid-data"],
    "mpls": ["mpls"],
    "multiple sampling rates": [
        f"multiplesamplingrates-{part}" for part in ("options-template", "options-data", "template", "data")
    ],
    "nat": ["nat"],
    "v5": ["nfv5"],
    "physical interfaces": ["physicalinterfaces"],
    "sampling rate in the record": ["samplingrate-template", "samplingrate-data"],
}

COLUMN_OF = {
    "srcaddr": "src",
    "dstaddr": "dst",
    "srcaddrv6": "src",
    "dstaddrv6": "dst",
    "srcport": "src_port",
    "dstport": "dst_port",
    "protocol": "protocol",
    "packets": "packets",
    "octets": "octets",
    "inputint": "ingress_if",
    "outputint": "egress_if",
    "sampling_interval": "sampling_interval",
    "ingress_vrfid": "ingress_vrf",
    "egress_vrfid": "egress_vrf",
}
"""tshark's cflow field -> column."""


def _merged(paths: list[Path], into: Path) -> Path:
    """Captures one after the other in one file; all of them have the same link type and byte order."""
    first, *others = (path.read_bytes() for path in paths)
    assert all(other[:4] == first[:4] and other[20:24] == first[20:24] for other in others)
    into.write_bytes(first + b"".join(other[24:] for other in others))
    return into


def _tshark(capture: Path, tshark: str) -> list[dict[str, Any]]:
    ports = {port for _, _, _, port, _ in read_pcap(capture)}
    command = [tshark, "-r", str(capture), "-T", "json"]
    for port in ports:
        command += ["-d", f"udp.port=={port},cflow"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [packet["_source"]["layers"]["cflow"] for packet in json.loads(output, object_pairs_hook=_first_wins)]


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Tshark shows the reverse counters of a biflow under the names of the forward ones, later."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key == "cflow.packets" and key in found:
            found["_reverse_packets"] = value
        found.setdefault(key, value)
    return found


def _flows(message: dict[str, Any]) -> list[tuple[dict[str, Any], bool]]:
    """(fields, whether it is an options record) of each record of a message, in order."""
    sets = [v for k, v in message.items() if re.match(r"(FlowSet|Set) \d+", k)] or [message]
    flows = [flow for one in sets for key, flow in one.items() if re.match(r"(Flow|pdu) \d+", key)]
    return [(flow, any("scope" in key for key in flow)) for flow in flows]


def _expected(flow: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field, column in COLUMN_OF.items():
        if (value := flow.get(f"cflow.{field}")) is not None and column not in row:
            row[column] = value if ":" in value or "." in value else int(value, 0)
    if row.get("protocol") not in {6, 17}:
        row.pop("src_port", None), row.pop("dst_port", None)
    return row


@pytest.fixture(params=AKVORADO.items(), ids=lambda item: item[0])
def capture(request, tmp_path):
    names = request.param[1]
    return _merged([shared(f"flow/akvorado/netflow/{name}.pcap") for name in names], tmp_path / "merged.pcap")


def test_every_record_agrees_with_tshark(capture):
    """Number of records, and each record's addresses, ports, protocol, counters, interfaces and sampling."""
    messages = _tshark(capture, needs("tshark"))
    decoder = new_decoder(keep_options=True, keep_nat_events=True)
    found = decode_datagrams(decoder, Datagrams.of((at, 0, port, data) for at, _, port, _, data in read_pcap(capture)))
    flows = [flow for message in messages for flow in _flows(message)]
    assert decoder.records + decoder.options_records == len(flows)
    assert not decoder.drops

    events = [event for event in decoder.take_events() if event.kind == "options"]
    assert len(events) >= sum(is_options for _, is_options in flows)
    for flow, _ in flows:
        expected = _expected(flow)
        if {"src", "packets"} <= expected.keys():
            row = found.pop(0)
            assert {column: row[column] for column in expected} == expected
            if _has_other_side(flow):
                assert (found[0]["src"], found[0]["dst"]) == (row["dst"], row["src"])
                del found[0]


def test_data_before_its_template_in_one_datagram():
    """Tshark drops the 660 octets in front of their template; they are eleven records more, given where it came."""
    capture = shared("flow/akvorado/netflow/data+templates.pcap")
    flows = [flow for message in _tshark(capture, needs("tshark")) for flow, _ in _flows(message)]
    flows = [flow for flow in flows if "cflow.srcaddr" in flow]
    found = decode_datagrams(
        new_decoder(), Datagrams.of((t, 0, port, data) for t, _, port, _, data in read_pcap(capture))
    )
    assert (len(flows), len(found)) == (10, 21)
    for row, flow in zip(found[11:], flows, strict=True):
        expected = _expected(flow)
        assert {column: row[column] for column in expected} == expected
    assert {row["sampling_interval"] for row in found} == {100.0}


def _has_other_side(flow: dict[str, Any]) -> bool:
    """Whether the record is a biflow (RFC 5103) that was answered: its other direction is the next row."""
    return int(flow.get("_reverse_packets", 0)) > 0


def test_sampled_headers_agree_with_tshark(tmp_path):
    """Records of a sampled frame (IE 315) have the innermost packet's addresses, protocol and IP length."""
    tshark = needs("tshark")
    for name in ("datalink", "ethernet over MPLS", "srv6", "juniper cpid"):
        paths = [shared(f"flow/akvorado/netflow/{part}.pcap") for part in AKVORADO[name]]
        merged = _merged(paths, tmp_path / "merged.pcap")
        found = decode_datagrams(
            new_decoder(), Datagrams.of((at, 0, port, data) for at, _, port, _, data in read_pcap(merged))
        )
        flows = [flow for message in _tshark(merged, tshark) for flow, _ in _flows(message)]
        assert len(found) == len(flows)
        for row, flow in zip(found, flows, strict=True):
            ip = flow["cflow.data_link_frame_section_tree"].get("ip")
            if ip is None:
                # tshark takes a control word of zeros for an address (RFC 4385, 3: "0000" starts a control word).
                assert (row["src"], row["dst"]) == ("198.51.100.1", "198.51.100.2")
                continue
            assert (row["src"], row["dst"]) == (ip["ip.src"], ip["ip.dst"])
            assert (row["octets"], row["protocol"], row["packets"]) == (int(ip["ip.len"]), int(ip["ip.proto"]), 1)


@pytest.mark.parametrize(
    "names",
    [
        ["netflow9_test_valid01"],
        ["netflow9_test_cisco_aci_tpl256-258", "netflow9_test_cisco_aci_data256"],
        ["netflow9_test_streamcore_tpl_data256"],
        ["netflow9_test_paloalto_panos_tpl", "netflow9_test_paloalto_panos_data"],
        ["netflow9_test_cisco_nbar_tpl262", "netflow9_test_cisco_nbar_data262"],
    ],
    ids=lambda names: names[0],
)
def test_times_agree_with_tshark(names, tmp_path):
    """Start and end of uptime-based records to the millisecond, where logstash's are up to a second late."""
    payloads = [shared(f"flow/logstash/{name}.dat").read_bytes() for name in names]
    path = tmp_path / "udp.pcap"
    path.write_bytes(_pcap(payloads))
    flows = [(message, flow) for message in _tshark(path, needs("tshark")) for flow, _ in _flows(message)]
    decoder = new_decoder()
    found = [
        row
        for payload in payloads
        for row in decode_datagrams(decoder, Datagrams.of([(_export_s(payload) * 1000, 0, 2055, payload)]))
    ]
    assert len(found) == len(flows) > 0
    for row, (message, flow) in zip(found, flows, strict=True):
        tree = flow.get("cflow.timedelta_tree", flow)
        boot_ms = int(message["cflow.timestamp_tree"]["cflow.unix_secs"]) * 1000 - _ms(message["cflow.sysuptime"])
        assert row["flow_start"] == boot_ms + _ms(tree["cflow.timestart"])
        assert row["flow_end"] == boot_ms + _ms(tree["cflow.timeend"])


def _ms(seconds: str) -> int:
    return round(float(seconds) * 1000)


def _export_s(payload: bytes) -> int:
    return int.from_bytes(payload[8:12], "big")


def _pcap(payloads: list[bytes]) -> bytes:
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)
    for payload in payloads:
        udp = struct.pack(">HHHH", 2055, 2055, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes(4))
        out += struct.pack("<IIII", 0, 0, len(ip + udp), len(ip + udp)) + ip + udp
    return out
