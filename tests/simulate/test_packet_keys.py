"""Addresses and ports of an attack's packets."""

from __future__ import annotations

import numpy as np

from sekisho.core.address import V4_MAPPED
from sekisho.simulate.flows import from_rows
from sekisho.simulate.packet_keys import PacketKeys
from sekisho.simulate.sampling import Sampled
from sekisho.simulate.simulation import Simulation
from small_scenarios import attack, scenario

COUNT = 40_000


def keys(part, *, nth=None, outbound=1, protocol=6):
    chosen = scenario(attack=[part])
    simulation = Simulation(chosen, seed=1)
    row = {"pattern": 0, "line": simulation.attacks.line[0], "seed": 99, "outbound": outbound, "protocol": protocol}
    flows = from_rows([row])
    nth = np.arange(COUNT) if nth is None else np.array(nth)
    sampled = Sampled(row=np.zeros(len(nth), np.int64), nth=nth, packets=np.ones(len(nth), np.int64))
    return PacketKeys(simulation.attacks.patterns, simulation.lines.ports).of(flows, sampled)


def test_a_packet_always_has_the_same_key():
    """The key depends on the packet's number alone, whichever others are selected with it."""
    _, every = keys(attack())
    _, some = keys(attack(), nth=[7, 1000, 39_999])
    assert some.dst_lo.tolist() == every.dst_lo[[7, 1000, 39_999]].tolist()
    assert some.ports.tolist() == every.ports[[7, 1000, 39_999]].tolist()


def test_targets_fill_the_prefix_evenly():
    """All sixteen addresses of a /28 are hit, each by its share within five standard deviations."""
    _, chosen = keys(attack(target="203.0.113.0/28"))
    hits = np.bincount(chosen.dst_lo - (V4_MAPPED | 203 << 24 | 113 << 8))
    assert len(hits) == 16
    assert (np.abs(hits - COUNT / 16) < 5 * np.sqrt(COUNT / 16)).all()


def test_listed_ports_keep_their_weights():
    """A port that stands three times in the list is used three times as often."""
    _, chosen = keys(attack(ports=[23, 23, 23, 2323]))
    ports, hits = np.unique(chosen.ports & 0xFFFF, return_counts=True)
    assert ports.tolist() == [23, 2323]
    assert abs(hits[0] / COUNT - 0.75) < 0.02


def test_source_ports_are_as_many_as_the_bot_uses():
    """Eight sockets send from eight ports; without a limit most of the line's ports are used."""
    _, few = keys(attack(source_ports=8))
    _, many = keys(attack())
    assert len(np.unique(few.ports >> 16)) == 8
    assert len(np.unique(many.ports >> 16)) > 15_000


def test_any_port_means_any():
    """Without a list the destination ports cover the range and never are 0."""
    _, chosen = keys(attack())
    ports = chosen.ports & 0xFFFF
    assert ports.min() > 0
    assert len(np.unique(ports)) > 25_000


def test_only_the_given_share_is_answered():
    """Of the answers that could come, those exist that the scenario's shares allow, as RST and as SYN with ACK."""
    kept, answers = keys(attack(protocol="tcp", refused=0.3, accepted=0.1), outbound=0)
    assert abs(len(kept.row) / COUNT - 0.4) < 0.02
    flags, counts = np.unique(answers.first_flags, return_counts=True)
    assert flags.tolist() == [18, 20]
    assert abs(counts[0] / counts.sum() - 0.25) < 0.02
