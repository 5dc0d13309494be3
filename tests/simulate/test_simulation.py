"""A whole run: the records against the truth."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sekisho.core.address import V4_MAPPED
from sekisho.simulate import flow_cache as fc
from sekisho.simulate.run import simulate, truth
from sekisho.simulate.simulation import Simulation
from small_scenarios import attack, exporter, run, scenario

TARGETS_LO = V4_MAPPED | 203 << 24 | 0 << 16 | 113 << 8


def sent_to_targets(records):
    return records[(records[:, fc.DST_LO] >= TARGETS_LO) & (records[:, fc.DST_LO] < TARGETS_LO + 16)]


def test_same_seed_same_octets(tmp_path):
    """Two runs with one seed write the same files, octet by octet; another seed writes other ones."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(scenario(), tmp_path / name, seed=seed)
    a, b, c = (sorted((tmp_path / name).iterdir()) for name in "abc")
    assert [p.name for p in a] == [p.name for p in b]
    assert all(p.read_bytes() == q.read_bytes() for p, q in zip(a, b, strict=True))
    pcap = [p.name for p in a].index("flows.pcap")
    assert a[pcap].read_bytes() != c[pcap].read_bytes()


def test_unsampled_records_add_up_to_the_truth():
    """At 1:1 the records hold every packet and octet of an attack, and every octet that the lines sent."""
    simulation, records = run(scenario())
    (entry,) = truth(simulation)["attacks"]
    flood = sent_to_targets(records)
    assert flood[:, fc.PACKETS].sum() == entry["packets"] == 7700
    assert flood[:, fc.OCTETS].sum() == entry["octets"] == 7700 * 600
    outbound = records[records[:, fc.OUTBOUND] == 1]
    assert outbound[:, fc.OCTETS].sum() == sum(truth(simulation)["outbound"]["octets"])


def test_peak_is_that_of_the_highest_window():
    """The peak is a mean over ten seconds: 700 pps from second 3.2 to 14.2 are 680 in the first window."""
    simulation, _ = run(scenario())
    (entry,) = truth(simulation)["attacks"]
    assert entry["peak_pps"] == pytest.approx(700 * 6.8 / 10)
    assert entry["peak_bps"] == pytest.approx(700 * 6.8 / 10 * 600 * 8)


@pytest.mark.parametrize("interval", [10, 100])
def test_sampled_estimate_within_its_interval(interval):
    """N times the sampled packets stay within five standard deviations of the truth, in packets and in octets."""
    strong = attack(pps=20_000)
    simulation, records = run(scenario(exporter=[exporter(sampling_interval=interval)], attack=[strong]))
    (entry,) = truth(simulation)["attacks"]
    estimate = sent_to_targets(records)[:, fc.PACKETS].sum() * interval
    deviation = np.sqrt(entry["packets"] * (interval - 1))
    assert abs(estimate - entry["packets"]) < 5 * deviation
    total = truth(simulation)["exporters"][0]["selected_packets"]
    assert total == records[:, fc.PACKETS].sum()


def test_one_way_exporter_reports_one_way():
    """An exporter that sees the outbound way reports no inbound record, and the truth is the same."""
    both, _ = run(scenario())
    one_way, records = run(scenario(exporter=[exporter(sees="outbound")]))
    assert len(records)
    assert (records[:, fc.OUTBOUND] == 1).all()
    assert truth(one_way)["outbound"] == truth(both)["outbound"]


def test_attack_goes_on_from_the_next_address():
    """A flood cut by a reconnection is silent while the line is away, then goes on from the new address."""
    cut = attack(reconnects_at_s=[6.5], duration_s=40)
    simulation, records = run(scenario(duration_s=60, attack=[cut]))
    first, second = truth(simulation)["attacks"][0]["holders"]
    flood = sent_to_targets(records)
    sources = np.unique(flood[:, fc.SRC_LO])
    assert len(sources) == 2
    assert first["prefix"] != second["prefix"]
    assert first["valid_to"] == "2026-11-01T11:00:06.500Z"
    start = simulation.scenario.start_ms
    before = flood[flood[:, fc.LAST_MS] < start + 6500]
    after = flood[flood[:, fc.FIRST_MS] >= start + 6500]
    assert len(before) + len(after) == len(flood)
    assert after[:, fc.FIRST_MS].min() >= start + 6500 + 3000


def test_answers_belong_to_their_questions():
    """Every RST and SYN-ACK of a scan comes from an address and to a port that the scan used before."""
    scan = attack(kind="scan", protocol="tcp", octets=40, target="240.0.0.0/4", ports=[23], refused=0.2, accepted=0.1)
    _, records = run(scenario(attack=[scan]))
    scanned_lo = V4_MAPPED | 240 << 24
    records = records[records[:, fc.SRC_HI] == 0]
    probes = records[records[:, fc.DST_LO] >= scanned_lo]
    answers = records[records[:, fc.SRC_LO] >= scanned_lo]
    asked = {(r[fc.DST_LO], r[fc.PORTS] >> 16) for r in probes}
    assert {(r[fc.SRC_LO], r[fc.PORTS] & 0xFFFF) for r in answers} <= asked
    assert (probes[:, fc.FLAGS] == 2).all()
    assert set(answers[:, fc.FLAGS].tolist()) == {18, 20}
    assert len(answers) == pytest.approx(0.3 * len(probes), rel=0.1)


def test_pulses_pause():
    """Between the pulses of an attack nothing is sent."""
    pulses = attack(start_s=0.0, duration_s=19.0, on_s=2.0, off_s=5.0)
    simulation, records = run(scenario(attack=[pulses]))
    second = (sent_to_targets(records)[:, fc.FIRST_MS] - simulation.scenario.start_ms) // 1000
    assert set(second.tolist()) == {0, 1, 7, 8, 14, 15}


def test_memory_does_not_grow_with_the_duration():
    """What is held at one time is as much after four minutes as after one."""
    quiet = {"attack": [], "exporter": [exporter(sampling_interval=10)]}
    short, _ = run(scenario(duration_s=60, **quiet))
    long, _ = run(scenario(duration_s=240, **quiet))
    assert long.most_open_flows < 2 * short.most_open_flows


def test_silent_lines_leave_only_the_attack():
    """With activity 0 the only records are those of the attacks."""
    silent = scenario(lines={"pppoe": 3, "activity": 0.0}, exporter=[exporter(access=["pppoe"])])
    _, records = run(silent)
    assert len(sent_to_targets(records)) == len(records) > 0


def test_map_e_traffic_keeps_to_its_ports():
    """IPv4 packets of a MAP-E household come from ports of its own set, of conversations and of attacks."""
    flood = attack(access="map_e")
    lines = {"map_e": 12}
    simulation, records = run(scenario(lines=lines, exporter=[exporter(access=["map_e"])], attack=[flood]))
    allowed = {
        (int(simulation.lines.fixed_v4[line]), port)
        for line in range(len(simulation.lines))
        for port in simulation.lines.ports.port(np.full(1008, line), np.arange(1008)).tolist()
    }
    v4 = records[records[:, fc.SRC_HI] == 0]
    out = v4[v4[:, fc.OUTBOUND] == 1]
    assert len(out) > 1000
    assert {(int(r[fc.SRC_LO]), int(r[fc.PORTS]) >> 16) for r in out} <= allowed


def test_files_hold_what_the_contracts_say(tmp_path):
    """The files have the columns of the contract, every line once, and JSON that can be read."""
    outcome = simulate(scenario(), tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        *("flows.pcap", "assignments.csv", "lines.csv", "map-e.toml", "sekisho.toml", "truth.json")
    }
    header, *rows = (tmp_path / "assignments.csv").read_text().splitlines()
    assert header == "line_id,prefix,port_first,port_last,valid_from,valid_to"
    assert {row.split(",")[0] for row in rows} == {f"L{n:06d}" for n in range(1, 21)}
    header, *rows = (tmp_path / "lines.csv").read_text().splitlines()
    assert header == "line_id,access_kind,group,up_bps,down_bps,link"
    assert len(rows) == 20
    document = json.loads((tmp_path / "truth.json").read_text())
    assert document["exporters"][0]["records"] == outcome.records


def test_no_line_sends_more_than_it_can():
    """Each attack of the demo is on a line of its own whose contracted speed carries it."""
    from sekisho.simulate.scenario import load

    simulation = Simulation(load("demo"), seed=1)
    assert len(set(simulation.attacks.line)) == 12
    for part, line in zip(simulation.attacks.parts, simulation.attacks.line, strict=True):
        assert part.pps * max(part.octets) * 8 <= simulation.lines.up_bps[line]


def test_progress_is_told_from_zero_to_one():
    """Progress rises and never passes 1."""
    from sekisho.simulate.run import with_progress

    told: list[float] = []
    for _ in with_progress(Simulation(scenario(), seed=1), told.append):
        pass
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1
