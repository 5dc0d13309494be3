"""The three export protocols, read back by tshark and by hand."""

from __future__ import annotations

import json
import struct
import subprocess

import numpy as np
import pytest

from sekisho.simulate import flow_cache as fc
from sekisho.simulate.attack_kinds import ATTACK_KINDS
from sekisho.simulate.export import PROTOCOLS
from sekisho.simulate.export.message import MAX_PAYLOAD
from sekisho.simulate.run import COLLECTOR_PORT, simulate
from sekisho.simulate.scenario import load
from sekisho.simulate.simulation import Simulation
from small_scenarios import attack, exporter, run, scenario
from tools import needs

HEADER_VERSION = {"v5": 5, "v9": 9, "ipfix": 10}
UPTIME_S = 4_294_960.0
"""Seven seconds before the 32-bit uptime wraps."""


def tshark(pcap, *arguments):
    decode_as = [word for port in sorted(set(COLLECTOR_PORT.values())) for word in ("-d", f"udp.port=={port},cflow")]
    command = [needs("tshark"), "-r", str(pcap), *decode_as, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def datagrams(protocol, **changes):
    part = exporter(protocol=protocol, **changes)
    simulation = Simulation(scenario(exporter=[part]), seed=1)
    return [exported.octets for exported in simulation.datagrams()], simulation.delivery.exports[0]


def test_every_protocol_has_a_name_in_the_scenario():
    """The table of protocols holds what a scenario may name."""
    assert set(PROTOCOLS) == set(HEADER_VERSION)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tshark_finds_every_record_and_nothing_malformed(tmp_path, protocol):
    """Every datagram decodes in tshark, which counts the data records that the exporter counted."""
    part = exporter(protocol=protocol, uptime_s=UPTIME_S)
    outcome = simulate(scenario(exporter=[part]), tmp_path)
    pcap = tmp_path / "flows.pcap"
    assert tshark(pcap, "-Y", "_ws.malformed or not cflow") == ""
    addresses = tshark(pcap, "-T", "fields", "-e", "cflow.srcaddr", "-e", "cflow.srcaddrv6").replace("\t", ",")
    assert len([a for line in addresses.splitlines() for a in line.split(",") if a]) == outcome.records > 1000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tshark_reads_the_counters_that_were_metered(tmp_path, protocol):
    """Packets and octets that tshark adds up are those of the records."""
    part = exporter(protocol=protocol, access=["pppoe"])
    chosen = scenario(exporter=[part], lines={"pppoe": 8})
    _, records = run(chosen)
    simulate(chosen, tmp_path)
    for field, column in (("cflow.packets", fc.PACKETS), ("cflow.octets", fc.OCTETS)):
        words = tshark(tmp_path / "flows.pcap", "-T", "fields", "-e", field).replace("\n", ",").split(",")
        assert sum(int(word) for word in words if word) == records[:, column].sum()


def test_the_quick_scenario_decodes(tmp_path):
    """Records and datagrams of each exporter of the quick scenario are as many in tshark as in truth.json."""
    outcome = simulate(load("quick"), tmp_path)
    pcap = tmp_path / "flows.pcap"
    assert tshark(pcap, "-Y", "_ws.malformed or not cflow") == ""
    for told in json.loads((tmp_path / "truth.json").read_text())["exporters"]:
        chosen = ("-Y", f"ip.src=={told['address']}", "-T", "fields", "-e", "cflow.srcaddr", "-e", "cflow.srcaddrv6")
        lines = tshark(pcap, *chosen).splitlines()
        assert len(lines) == told["datagrams"]
        assert len([a for a in ",".join(lines).replace("\t", ",").split(",") if a]) == told["records"]
    assert outcome.records > 10_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tshark_agrees_about_every_kind(tmp_path, protocol):
    """All kinds of attack at once: tshark's records, packets, octets and protocols are those that were metered."""
    attacks = [{"kind": kind, "access": "pppoe", "duration_s": 8.0, "pps": 60.0} for kind in ATTACK_KINDS]
    lines = {"pppoe": len(attacks), "activity": 0.0}
    chosen = scenario(exporter=[exporter(protocol=protocol)], lines=lines, attack=attacks, duration_s=12)
    _, records = run(chosen)
    simulate(chosen, tmp_path)
    assert tshark(tmp_path / "flows.pcap", "-Y", "_ws.malformed or not cflow") == ""
    fields = ("cflow.protocol", "cflow.packets", "cflow.octets", "cflow.dstport")
    chosen_fields = [word for field in fields for word in ("-e", field)]
    told = [line.split("\t") for line in tshark(tmp_path / "flows.pcap", "-T", "fields", *chosen_fields).splitlines()]
    protocols, packets, octets, ports = (
        [int(word) for row in told for word in row[column].split(",") if word] for column in range(4)
    )
    assert sorted(protocols) == sorted(records[:, fc.PROTOCOL].tolist())
    assert (sum(packets), sum(octets)) == (records[:, fc.PACKETS].sum(), records[:, fc.OCTETS].sum())
    type_codes = {port for port, number in zip(ports, protocols, strict=True) if number == 1}
    # IPFIX has a field of its own for them, whose name in tshark differs between versions.
    assert type_codes == ({0} if protocol == "ipfix" else {0, 8 << 8})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_datagrams_fit(protocol):
    """No datagram is larger than the limit (v5: thirty records), and each says its version."""
    octets, _ = datagrams(protocol)
    assert max(map(len, octets)) <= max(MAX_PAYLOAD, 24 + 30 * 48)
    assert {struct.unpack_from("!H", datagram)[0] for datagram in octets} == {HEADER_VERSION[protocol]}


def test_v9_sequence_counts_datagrams():
    """RFC 3954, section 5.1: the sequence is that of export packets."""
    octets, _ = datagrams("v9")
    assert [struct.unpack_from("!I", datagram, 12)[0] for datagram in octets] == list(range(len(octets)))


def test_v5_sequence_counts_flows():
    """The sequence is the number of flows before this datagram; IPv6 has no place in v5."""
    octets, export = datagrams("v5")
    flows = 0
    for datagram in octets:
        count, sequence = struct.unpack_from("!H", datagram, 2)[0], struct.unpack_from("!I", datagram, 16)[0]
        assert sequence == flows
        assert len(datagram) == 24 + 48 * count
        flows += count
    assert flows == export.records


def test_ipfix_sequence_counts_data_records_with_options():
    """RFC 7011, section 3.1: the sequence counts data records, options among them, templates not."""
    octets, export = datagrams("ipfix")
    first = [struct.unpack_from("!I", datagram, 8)[0] for datagram in octets]
    assert first[:5] == [0, 0, 0, 1, 4]
    assert first == sorted(first)
    # One selector and three interfaces, at the start.
    last_records = struct.unpack_from("!I", octets[-1], 8)[0] - 4
    assert last_records < export.records


def test_templates_come_first_and_again():
    """The first datagrams are templates and options; within a minute they come again."""
    part = exporter(protocol="v9")
    simulation = Simulation(scenario(exporter=[part], duration_s=130, attack=[]), seed=1)
    sets = [(exported.at_ms, struct.unpack_from("!H", exported.octets, 20)[0]) for exported in simulation.datagrams()]
    assert [set_id for _, set_id in sets[:4]] == [0, 1, 258, 259]
    start = simulation.scenario.start_ms
    assert [(at - start) // 1000 for at, set_id in sets if set_id == 0] == [1, 61, 121]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrival_never_goes_back(protocol):
    """Datagrams of all exporters arrive in order of time."""
    parts = [exporter(protocol=protocol, access=["pppoe"]), exporter(name="b", address="192.0.2.2", access=["map_e"])]
    chosen = scenario(exporter=parts, lines={"pppoe": 5, "map_e": 5}, attack=[attack()])
    times = [exported.at_ms for exported in Simulation(chosen, seed=1).datagrams()]
    assert times == sorted(times)


def test_uptime_times_survive_the_wrap():
    """First and last times of v9, relative to the header's uptime, are the metered times across the 32-bit wrap."""
    part = exporter(protocol="v9", uptime_s=UPTIME_S, access=["pppoe"])
    chosen = scenario(exporter=[part], lines={"pppoe": 8})
    simulation = Simulation(chosen, seed=1)
    decoded, uptimes = [], []
    for exported in simulation.datagrams():
        uptime, set_id = (
            struct.unpack_from("!I", exported.octets, 4)[0],
            struct.unpack_from("!H", exported.octets, 20)[0],
        )
        uptimes.append(uptime)
        if set_id == 256:
            count = struct.unpack_from("!H", exported.octets, 2)[0]
            records = np.frombuffer(
                exported.octets, np.dtype([("rest", "V34"), ("first", ">u4"), ("last", ">u4")]), count, 24
            )
            ages = (uptime - records["first"].astype(np.int64)) & 0xFFFF_FFFF
            decoded += (int(exported.at_ms) - ages).tolist()
    assert min(uptimes) < 20_000 < max(uptimes)
    _, expected = run(chosen)
    assert sorted(decoded) == sorted(expected[:, fc.FIRST_MS].tolist())
