"""The same sFlow datagrams read by tcpdump, telegraf and tshark."""

from __future__ import annotations

import json
import re
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from export_builders import decode, new_decoder, rows
from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters
from sekisho.core.reasons import WireReason
from sekisho.wire.decoder import Decoder
from sflow_builders import flow_sample, sampled_header, sflow
from shared_data import shared
from tools import needs

if TYPE_CHECKING:
    from pathlib import Path

INTERNAL = 0x3FFFFFFF

TCPDUMP = ("sflow-print-v6", "sflow_expanded", "sflow_multiple_counter_30_pdus")


def _read(path: Path) -> tuple[Decoder, list[dict[str, Any]]]:
    exporters = Exporters()
    decoder = Decoder(exporters=exporters.texts, realms=[""])
    decoder.start()
    capture = read_capture(path, exporters=exporters)
    found = [row for datagrams in capture for batch in decoder.decode(datagrams) for row in rows(batch)]
    for row in found:
        row["exporter"] = exporters.texts[row["exporter"]]
    return decoder, found


def _tcpdump(name: str) -> list[tuple[str, str]]:
    """(agent, text of one sample) of every sample in the text that tcpdump made of a capture."""
    text = shared(f"flow/tcpdump/{name}.out").read_text()
    datagrams = re.split(r"sFlowv5, IPv[46] agent ", text)[1:]
    samples = [(datagram.split(",", 1)[0], datagram) for datagram in datagrams]
    return [
        (agent, part)
        for agent, datagram in samples
        for part in re.split(r"\n\t(?=(?:expanded )?(?:flow|counter) sample)", datagram)[1:]
    ]


def _numbers(pattern: str, text: str) -> tuple[int, ...]:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return tuple(int(group) for group in found.groups())


@pytest.mark.parametrize("name", TCPDUMP)
def test_flow_samples_agree_with_tcpdump(name):
    """Every flow sample has its row: agent, rate, interfaces, and an IP packet as long as its frame allows."""
    decoder, found = _read(shared(f"flow/tcpdump/{name}.pcap"))
    samples = [(agent, text) for agent, text in _tcpdump(name) if "flow sample" in text]
    found = [row for row in found if row["sampling_interval"]]  # one capture holds NetFlow v5 too
    assert len(found) == len(samples)
    assert not decoder.drops
    for row, (agent, text) in zip(found, samples, strict=True):
        (rate, ingress, egress) = _numbers(r"rate (\d+),.* input (\d+).* output (\d+)", text)
        (frame, stripped) = _numbers(r"protocol Ethernet \(1\), length (\d+), stripped bytes (\d+)", text)
        assert (row["exporter"], row["sampling_interval"]) == (agent, rate)
        is_expanded = text.startswith("expanded")
        assert row["ingress_if"] == _if_index(ingress)
        assert row["egress_if"] == (_if_index(egress) if is_expanded or egress >> 30 == 0 else 0)
        assert 20 <= row["octets"] <= frame - stripped - 14


def _if_index(value: int) -> int:
    return 0 if value == INTERNAL else value


@pytest.mark.parametrize("name", TCPDUMP)
def test_counters_agree_with_tcpdump(name):
    """The latest counters of every interface are those of tcpdump's last sample of it, up to wraps before it."""
    decoder, _ = _read(shared(f"flow/tcpdump/{name}.pcap"))
    samples = [(agent, text) for agent, text in _tcpdump(name) if "Generic counter" in text]
    latest = {(agent, *_numbers(r"ifindex (\d+)", text)): text for agent, text in samples}
    counted = decoder.interface_counters()
    exporters = decoder._batch.exporters
    assert {(exporters[one.exporter], one.interface) for one in counted} == latest.keys()
    assert sum(one.samples for one in counted) == len(samples)
    for one in counted:
        text = latest[exporters[one.exporter], one.interface]
        assert (one.speed_bps,) == _numbers(r"ifspeed (\d+)", text)
        packets = r"unicast pkts (\d+), multicast pkts (\d+), broadcast pkts (\d+), discards (\d+)"
        for way, side in (("In", one.ingress), ("Out", one.egress)):
            octets, *others = _numbers(rf"{way} octets (\d+), {packets}", text)
            errors = _numbers(rf"{way} errors (\d+)", text)
            assert side.octets == octets
            totals = (side.unicast_packets, side.multicast_packets, side.broadcast_packets, side.discards, side.errors)
            assert totals == (*others, *errors)


def test_a_malformed_datagram_is_counted():
    """Tcpdump says "[length 8 < 28] (invalid)" of the one in its regression tests."""
    decoder, found = _read(shared("flow/tcpdump/sflow_print-segv.pcap"))
    assert (found, decoder.drops) == ([], {WireReason.TRUNCATED_HEADER: 1})


TELEGRAF = ("sflow_issue_15375", "sflow_issue_15918", "sflow_issue_18876", "sflow_v5_example")


def _metrics(case: str) -> list[dict[str, Any]]:
    lines = shared(f"flow/telegraf/{case}/expected.out").read_text().splitlines()
    found = []
    for line in lines:
        if line:
            fields = re.findall(r'([^,=\s]+)=(?:"([^"]*)"|([0-9.]+)[ui]?)', line.split(" ", 1)[1])
            found.append({key: int(number) if number else text for key, text, number in fields})
    return found


@pytest.mark.parametrize("case", TELEGRAF)
def test_telegraf_goldens(case):
    """Every metric with addresses has its row, every metric of an interface its counters.

    Three things differ. Telegraf gives the payload length of IPv6 (RFC 8200, section 3), ours is the packet's. Its
    in_snmp is the data source, ours the input of the sample (sFlow v5, section 5). And "egress" is to it what is not
    ingress; where packets left by several interfaces the sample does not say so, and our direction is unknown.
    """
    (message,) = shared(f"flow/telegraf/{case}").glob("*.bin")
    decoder = new_decoder()
    found = decode(decoder, message.read_bytes())
    metrics = _metrics(case)
    flows = [metric for metric in metrics if "src" in metric]
    assert len(found) == len(flows)
    for row, metric in zip(found, flows, strict=True):
        _check_flow(row, metric)
    counted = decoder.interface_counters()
    interfaces = [metric for metric in metrics if "interface" in metric]
    assert len(counted) == len(interfaces)
    for one, metric in zip(counted, interfaces, strict=True):
        _check_counters(one, metric)
        if "port_name" in metric:
            assert decoder.interfaces[0, one.interface] == metric["port_name"]


def _check_flow(row: dict[str, Any], metric: dict[str, Any]) -> None:
    assert (row["src"], row["dst"]) == (metric["src"], metric["dst"])
    assert (row["src_port"], row["dst_port"]) == (metric.get("src_port", 0), metric.get("dst_port", 0))
    assert row["octets"] == metric.get("ipv4_total_len", metric.get("ipv6_total_len", 0) + 40)
    assert row["sampling_interval"] == metric["sampling_interval"]
    assert row["egress_if"] == metric.get("out_snmp", 0)
    if row["direction"] == -1:
        assert (row["egress_if"], metric["direction"]) == (0, "egress")
    else:
        assert metric["in_snmp"] == row[("ingress_if", "egress_if")[row["direction"]]]
        assert metric["direction"] == ("ingress", "egress")[row["direction"]]


def _check_counters(one: Any, metric: dict[str, Any]) -> None:
    assert (one.interface, one.speed_bps, one.is_up) == (metric["interface"], metric["speed"], metric["status"] == "up")
    for way, side in (("in", one.ingress), ("out", one.egress)):
        assert side.octets == metric[f"{way}_bytes"]
        assert side.unicast_packets == metric[f"{way}_unicast_packets_total"]
        assert side.discards == metric[f"{way}_dropped_packets"]
        assert side.errors == metric[f"{way}_errors"]
        for kind, total in (("mcast", side.multicast_packets), ("broadcast", side.broadcast_packets)):
            sent = metric[f"{way}_{kind}_packets_total"]
            assert total == (-1 if sent == 2**32 - 1 else sent)


def test_a_discard_without_header_is_counted():
    """Telegraf's discarded packet holds an egress queue and nothing of the packet: no flow, 256 events not sent."""
    decoder = new_decoder()
    assert decode(decoder, shared("flow/telegraf/sflow_issue_15375/sflow_drop_1036.bin").read_bytes()) == []
    assert decoder.drops == {WireReason.NO_ADDRESSES: 1}
    (source,) = decoder.data_sources()
    assert (source.kind, source.identifier, source.samples) == (1, 1, 1)


AKVORADO = (
    "data-1140",
    "data-discard-interface",
    "data-encap-vxlan",
    "data-icmpv4",
    "data-icmpv6",
    "data-local-interface",
    "data-multiple-interfaces",
    "data-qinq",
    "data-sflow-expanded-sample",
    "data-sflow-ipv4-data",
    "data-sflow-raw-ipv4",
)


def _tshark(path: Path) -> dict[str, Any]:
    command = [needs("tshark"), "-r", str(path), "-T", "json", "--no-duplicate-keys"]
    (packet,) = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    layers: dict[str, Any] = packet["_source"]["layers"]
    return layers


@pytest.mark.parametrize("name", AKVORADO)
def test_samples_agree_with_tshark(name):
    """Every flow sample's rate, interfaces and sampled header; tshark leaves VXLAN closed, whose outside we keep."""
    path = shared(f"flow/akvorado/sflow/{name}.pcap")
    layers = _tshark(path)["sflow"]
    samples = [sample for key, sample in layers.items() if "ample, seq" in key]
    _, found = _read(path)
    assert len(found) == len(samples) == int(layers["sflow_245.numsamples"])
    for row, sample in zip(found, samples, strict=True):
        field = {key.removeprefix("sflow.flow_sample."): value for key, value in _flat(sample).items()}
        assert row["exporter"] == layers["sflow_245.agent"]
        assert row["sampling_interval"] == int(field["sampling_rate"])
        ingress = int(field.get("input_interface", field.get("input_interface_value", 0)))
        assert row["ingress_if"] == _if_index(ingress)
        is_one = int(field.get("output_interface_format", field.get("output_interface.format", 0))) == 0
        assert row["egress_if"] == (_if_index(int(field["output_interface_value"])) if is_one else 0)
        _check_header(row, sample["Raw packet header"]["sflow_245.header_tree"])


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    return {k: v for part in (tree, tree.get("sflow.flow_sample.output_interface_tree", {})) for k, v in part.items()}


def _check_header(row: dict[str, Any], header: dict[str, Any]) -> None:
    ip, v6 = header.get("ip", {}), header.get("ipv6", {})
    source = ip.get("ip.src") or v6["ipv6.src"]
    if row["tunnel_kind"]:
        assert row["tunnel_src"] == source
        return
    assert (row["src"], row["dst"]) == (source, ip.get("ip.dst") or v6["ipv6.dst"])
    assert row["octets"] == (int(ip["ip.len"]) if ip else int(v6["ipv6.plen"]) + 40)
    for transport in ("tcp", "udp"):
        if transport in header:
            assert row["src_port"] == int(header[transport][f"{transport}.srcport"])
            assert row["dst_port"] == int(header[transport][f"{transport}.dstport"])


INNER = (
    "gre-v4-key",
    "gre-v4-plain",
    "gre-v6-plain",
    "ipv4-ipv4",
    "ipv4-ipv6",
    "mpls-explicit-null-ipv4",
    "mpls-explicit-null-ipv6",
    "mpls-ipv4",
    "mpls-ipv6",
    "srv6-end-dt6",
    "vlan-ipv6",
)
KINDS = {
    "gre-v4-key": 4,
    "gre-v4-plain": 4,
    "gre-v6-plain": 4,
    "ipv4-ipv4": 3,
    "ipv4-ipv6": 2,
    "srv6-end-dt6": 3,
    "vlan-ipv6": 1,
}


def _frames(path: Path) -> list[bytes]:
    data, at, frames = path.read_bytes(), 24, []
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    while at < len(data):
        (length,) = struct.unpack_from(order + "I", data, at + 8)
        frames.append(data[at + 16 : at + 16 + length])
        at += 16 + length
    return frames


def _sampled(path: Path) -> tuple[Decoder, list[dict[str, Any]]]:
    """The frames of a capture as an exporter would have sampled them."""
    decoder = new_decoder()
    return decoder, decode(decoder, sflow(*(flow_sample(sampled_header(frame)) for frame in _frames(path))))


@pytest.mark.parametrize("name", INNER)
def test_innermost_packets_agree_with_tshark(name):
    """The row is the innermost packet that tshark finds, with its own length, and the outermost source is kept."""
    path = shared(f"flow/akvorado/inner/{name}.pcap")
    decoder, found = _sampled(path)
    fields = ("ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "ip.len", "ipv6.plen")
    command = [needs("tshark"), "-r", str(path), "-T", "fields", *(part for f in fields for part in ("-e", f))]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(found) == len(lines)
    assert not decoder.drops
    for row, line in zip(found, lines, strict=True):
        v4_src, v6_src, v4_dst, v6_dst, v4_octets, v6_octets = (values.split(",") for values in line.split("\t"))
        if row["ip_version"] == 4:
            assert (row["src"], row["dst"], row["octets"]) == (v4_src[-1], v4_dst[-1], int(v4_octets[-1]))
        else:
            assert row["src"] == v6_src[-1]
            assert row["dst"] in v6_dst
            assert row["octets"] == int(v6_octets[-1]) + 40
        assert row["tunnel_kind"] == KINDS.get(name, 0)
        if row["tunnel_kind"]:
            assert row["tunnel_src"] in {v4_src[0], v6_src[0]}


@pytest.mark.parametrize("name", ["mpls-eompls-cw", "mpls-eompls-invalid-cw"])
def test_pseudowires(name):
    """Tshark takes the control word for a part of the frame; what stands behind it is an IPv4 packet (RFC 4385)."""
    _, (row,) = _sampled(shared(f"flow/akvorado/inner/{name}.pcap"))
    assert (row["src"], row["dst"], row["octets"], row["dst_port"]) == ("10.31.0.1", "10.34.0.1", 40, 23)


def test_a_nibble_that_nothing_starts_with():
    """Behind the labels stands neither IP nor a pseudowire that is long enough."""
    decoder, found = _sampled(shared("flow/akvorado/inner/mpls-invalid-nibble.pcap"))
    assert (found, decoder.drops) == ([], {WireReason.UNKNOWN_ENCAPSULATION: 1})


def test_clean_captures_have_no_loss():
    """Captures of pmacct's sfprobe, none of whose datagrams or samples was lost: every sample is a row."""
    captures = sorted(shared("flow/exports").glob("*.sflow.pcap"))
    assert captures
    for path in captures:
        decoder, found = _read(path)
        assert (decoder.records, decoder.drops) == (len(found), {}), path.name
        assert [(loss.lost_units, loss.restarts) for loss in decoder.losses()] == [(0, 0)], path.name
        assert [(s.lost_samples, s.interval) for s in decoder.data_sources()] == [(0, 1.0)], path.name
