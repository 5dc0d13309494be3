"""Whole runs of sampled packets: against packet by packet, against the decoder, against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.core.errors import ConfigError
from sekisho.schema.batch import NAMES
from sekisho.simulate import flow_cache as fc
from sekisho.simulate.attack_kinds import ATTACK_KINDS
from sekisho.simulate.cell import attack_cell, cell, look_alike_cell
from sekisho.simulate.look_alikes import LOOK_ALIKES
from sekisho.simulate.run import truth
from sekisho.simulate.sampled_simulation import SampledSimulation
from sekisho.simulate.simulation import Simulation
from simulated_records import decoded

SERVICES = {"web": (6, 443), "quic": (17, 443), "dns": (17, 53)}
"""Applications as a detector tells them: protocol and the peer's port."""


def rows_of(kind, made, seed):
    return np.concatenate([exported.rows for exported in kind(made, seed=seed).datagrams()])


def measures(rows):
    """Records, packets, octets and records with SYN, of what lines sent, by application and in all."""
    out = rows[rows[:, fc.OUTBOUND] == 1]
    port, protocol = out[:, fc.PORTS] & 0xFFFF, out[:, fc.PROTOCOL]
    chosen = [np.ones(len(out), np.bool_), *((protocol == p) & (port == n) for p, n in SERVICES.values())]
    syn = out[:, fc.FLAGS] & 2 == 2
    return np.array(
        [
            [c.sum(), out[c, fc.PACKETS].sum(), out[c, fc.OCTETS].sum(), (syn & c & (protocol == 6)).sum()]
            for c in chosen
        ]
    )


def test_means_are_those_of_packet_by_packet():
    """Over five seeds each, records, packets, octets and SYNs of each application have the same means."""
    made = cell("compare", sampling_interval=16, lines_each=20, activity=2.0, duration_s=40)
    plain, thinned = (
        np.array([measures(rows_of(kind, made, seed)) for seed in range(1, 6)])
        for kind in (Simulation, SampledSimulation)
    )
    # Seeds differ by their heaviest flows; counts have at least their own noise.
    noise = np.maximum(plain.var(axis=0, ddof=1) + thinned.var(axis=0, ddof=1), plain.mean(axis=0))
    difference = np.abs(plain.mean(axis=0) - thinned.mean(axis=0))
    assert (plain.mean(axis=0)[:, :3] > 10).all()
    assert (difference <= 5 * np.sqrt(noise / 5)).all(), (plain.mean(axis=0), thinned.mean(axis=0))


def test_same_seed_same_octets():
    """Two runs with one seed give the same datagrams, another seed other ones."""
    made = cell("same", sampling_interval=50, duration_s=70)
    octets = [[d.octets for d in SampledSimulation(made, seed=seed).datagrams()] for seed in (1, 1, 2)]
    assert octets[0] == octets[1] != octets[2]


@pytest.mark.parametrize("protocol", ["v9", "ipfix"])
def test_batches_are_what_a_decoder_makes_of_the_datagrams(protocol):
    """Row by row the batches hold what the decoded datagrams hold, but for the clock's whole seconds and the order."""
    made = attack_cell("icmp_flood", pps=2000, attack_s=30, sampling_interval=20, protocol=protocol, duration_s=80)
    columns, _ = decoded(made, SampledSimulation(made, seed=1).datagrams())
    batches = list(SampledSimulation(made, seed=1).batches())
    same = [
        name
        for name in NAMES
        if name not in {"received_at", "flow_start", "flow_end", "src_assignment", "dst_assignment"}
    ]
    told = np.stack([columns[name].astype(np.float64) for name in same])
    made_rows = np.stack([np.concatenate([b.column(name) for b in batches]).astype(np.float64) for name in same])
    assert told.shape == made_rows.shape
    assert (told[:, np.lexsort(told)] == made_rows[:, np.lexsort(made_rows)]).all()
    received = np.concatenate([b.column("received_at") for b in batches])
    assert (np.diff(received) >= 0).all()
    assert all(b.column("received_at")[0] // 1000 == b.column("received_at")[-1] // 1000 for b in batches)


@pytest.mark.parametrize("kind", ATTACK_KINDS)
def test_attacks_leave_what_the_truth_says(kind):
    """The truth counts every packet of an attack; those sampled are one in N, and all of them are in the records."""
    access = "fixed"
    made = attack_cell(kind, access=access, pps=3000, sampling_interval=50, attack_s=60, activity=0.0)
    simulation = SampledSimulation(made, seed=1)
    rows = np.concatenate([exported.rows for exported in simulation.datagrams()])
    (entry,) = truth(simulation)["attacks"]
    exact = truth(_finished(made))["attacks"][0]
    assert (entry["packets"], entry["octets"]) == (exact["packets"], exact["octets"])
    assert entry["pps_by_window"] == exact["pps_by_window"]
    assert (entry["start"], entry["end"]) == (exact["start"], exact["end"])
    assert abs(entry["sampled_packets"] - entry["packets"] / 50) < 5 * np.sqrt(entry["packets"] / 50)
    mine = rows[(rows[:, fc.ATTACK] == 0) & (rows[:, fc.OUTBOUND] == 1)]
    assert mine[:, fc.PACKETS].sum() == entry["sampled_packets"] == entry["received_packets"]


def _finished(made):
    simulation = Simulation(made, seed=1)
    for _ in simulation.datagrams():
        pass
    return simulation


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_look_alikes_are_as_strong(name):
    """What a look-alike's lines send is about as much as packet by packet."""
    made = look_alike_cell(name, sampling_interval=20, activity=0.0, duration_s=120, lines_each=4)
    plain, thinned = (rows_of(kind, made, 1) for kind in (Simulation, SampledSimulation))
    sent = [rows[rows[:, fc.OUTBOUND] == 1][:, fc.PACKETS].sum() for rows in (plain, thinned)]
    assert sent[1] == pytest.approx(sent[0], rel=0.6, abs=30)


def test_one_way_exporters_report_one_way():
    """Sampled runs obey what an exporter sees."""
    made = cell("one-way", sampling_interval=20, sees="outbound", duration_s=60)
    rows = rows_of(SampledSimulation, made, 1)
    assert len(rows)
    assert (rows[:, fc.OUTBOUND] == 1).all()


def test_memory_does_not_grow_with_the_duration():
    """What is held at one time is as much after an hour as after ten minutes."""
    most = []
    for duration_s in (600, 3600):
        simulation = SampledSimulation(cell("long", sampling_interval=1000, duration_s=duration_s), seed=1)
        for _ in simulation.batches():
            pass
        most.append(simulation.most_open_flows)
    assert most[1] < 2 * most[0]


def test_the_night_is_quieter_than_the_evening():
    """Where people follow the hours, fewer packets are sampled at four in the morning than at eight in the evening."""
    made = cell("day", sampling_interval=500, duration_s=600).with_overrides({"lines.by_hour": True})
    night = made.with_overrides({"start": made.start.replace(hour=4)})
    packets = []
    for scenario in (made, night):
        rows = rows_of(SampledSimulation, scenario, 1)
        # What began before the start is of the evening's length, so only new conversations are counted.
        packets.append((rows[:, fc.FLAGS] & 2 == 2).sum())
    assert packets[1] < packets[0] / 2


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"lines.reconnects_per_hour": 1.0}, "reconnects_per_hour"),
        ({"lines.between_lines": 0.1}, "between_lines"),
        ({"exporter.bng-1.sampling_changes": [{"at_s": 5, "interval": 9}]}, "sampling_changes"),
    ],
)
def test_what_only_packet_by_packet_has_is_refused(changes, key):
    """A scenario that wants more than a sampled run can do is an error that names the key."""
    made = cell("refused", duration_s=10).with_overrides(changes)
    with pytest.raises(ConfigError, match=key):
        SampledSimulation(made, seed=1)
