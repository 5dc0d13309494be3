"""Small scenarios by their parameters."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.simulate import flow_cache as fc
from sekisho.simulate.attack_kinds import ATTACK_KINDS
from sekisho.simulate.cell import ACCESS, attack_cell, cell, look_alike_cell
from sekisho.simulate.look_alikes import LOOK_ALIKES
from sekisho.simulate.run import truth
from sekisho.simulate.simulation import Simulation
from simulated_records import decoded
from small_scenarios import exporter, scenario


@pytest.mark.parametrize("kind", ATTACK_KINDS)
@pytest.mark.parametrize("access", ACCESS)
def test_every_cell_of_kinds_can_be_built(kind, access):
    """Each kind on each access kind is a scenario, under every condition at once."""
    made = attack_cell(
        kind, access=access, pps=50, protocol="ipfix", sampling_interval=4096, sees="outbound", loss=0.2, border=True
    )
    assert made.attack[0].kind == kind
    assert [e.boundary for e in made.exporter] == ["access", "border"]
    assert {(e.sampling_interval, e.sees, e.loss) for e in made.exporter} == {(4096, "outbound", 0.2)}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_every_look_alike_is_a_cell(name):
    """Each look-alike on each of its access kinds is a scenario."""
    for access in LOOK_ALIKES[name].access:
        assert look_alike_cell(name, access=access, sampling_interval=1000).look_alike[0].name == name


def test_a_cell_runs():
    """The attack of a cell is on a line of its own, at the stated rate for the stated time, between ordinary ones."""
    simulation = Simulation(attack_cell("udp_flood", pps=300, attack_s=20, infected=2, lines_each=3), seed=5)
    rows = np.concatenate([exported.rows for exported in simulation.datagrams()])
    told = truth(simulation)["attacks"]
    assert [entry["packets"] for entry in told] == pytest.approx([6000, 6000], rel=0.01)
    assert told[0]["line_id"] != told[1]["line_id"]
    assert len(np.unique(rows[:, fc.SRC_LINE])) > 8


def test_lines_talk_to_each_other():
    """Between two lines of one router each packet is metered once, as sent; both addresses are known."""
    made = cell("within", between_lines=0.5, duration_s=30, exporter={"sampling_interval": 1})
    simulation = Simulation(made, seed=1)
    columns, rows = decoded(made, simulation.datagrams())
    within = (rows[:, fc.SRC_LINE] >= 0) & (rows[:, fc.DST_LINE] >= 0)
    assert within.sum() > 100
    assert set(rows[within, fc.OUTBOUND].tolist()) == {fc.BETWEEN_LINES}
    assert set(columns["ingress_if"][within].tolist()) == set(columns["egress_if"][within].tolist()) == {10}
    key = (fc.SRC_HI, fc.SRC_LO, fc.DST_HI, fc.DST_LO, fc.PORTS, fc.FIRST_MS)
    assert len({tuple(row[list(key)]) for row in rows[within]}) == within.sum()


def test_between_two_routers_both_meter_it():
    """A packet that leaves one access router for a line behind another is outbound here and inbound there."""
    routers = [
        exporter(access=["pppoe"], active_timeout_s=600, inactive_timeout_s=600),
        exporter(name="b", address="192.0.2.2", access=["fixed"], active_timeout_s=600, inactive_timeout_s=600),
    ]
    lines = {"pppoe": 5, "fixed": 5, "between_lines": 0.8}
    simulation = Simulation(scenario(exporter=routers, lines=lines, attack=[]), seed=1)
    sent, received = {}, {}
    for exported in simulation.datagrams():
        for row in exported.rows[(exported.rows[:, fc.SRC_LINE] >= 0) & (exported.rows[:, fc.DST_LINE] >= 0)]:
            kept = {1: sent, 0: received}.get(int(row[fc.OUTBOUND]))
            if kept is not None:
                kept[tuple(row[: fc.PROTOCOL + 1].tolist())] = (exported.exporter, int(row[fc.PACKETS]))
    assert len(sent) > 30
    assert sent.keys() == received.keys()
    assert all(sent[key][1] == received[key][1] and sent[key][0] != received[key][0] for key in sent)


def test_what_stays_inside_never_reaches_the_border():
    """The border router sees no conversation between lines."""
    made = cell("within", between_lines=0.5, duration_s=20, border=True)
    simulation = Simulation(made, seed=1)
    rows = np.concatenate([exported.rows for exported in simulation.datagrams() if exported.exporter == 1])
    assert len(rows)
    assert ((rows[:, fc.SRC_LINE] < 0) | (rows[:, fc.DST_LINE] < 0)).all()
