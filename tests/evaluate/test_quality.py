"""The evaluation in small: every kind, every look-alike, whose line, and the figures that are made of it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from evaluate.cells import Condition, attack_scenario, look_alike_cells
from evaluate.detectability import by_rung
from evaluate.holders import NOBODY, Holders
from evaluate.long_run import days
from evaluate.score import Pool, Share
from evaluate.state import State
from evaluate.trial import Attack, Outcome, run

from evaluate import attacks
from sekisho.simulate.cell import cell
from sekisho.simulate.simulation import Simulation


def judged(sampling: int, condition: Condition) -> Pool:
    return Pool([run(attack_scenario(sampling=sampling, condition=condition, seed=1), seed=1)])


@pytest.mark.prove
@pytest.mark.parametrize(
    ("sampling", "condition", "recall"),
    [(100, Condition(), 0.95), (1000, Condition(sees="outbound", loss=0.2), 0.8)],
    ids=["both ways 1:100", "one way, a fifth lost, 1:1000"],
)
def test_attacks_are_found_with_their_kind_and_nobody_else_is(sampling: int, condition: Condition, recall: float):
    """One seed of the evaluation: most are found, the kind is right, no innocent line, no record on a wrong line."""
    pool = judged(sampling, condition)
    assert pool.recall().value >= recall
    assert pool.kind_right().value >= 0.95
    assert pool.accused() == []
    assert pool.wrong_sides() == 0


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(cell[3], id=f"{cell[1].name} 1:{cell[0]}")
        for cell in look_alike_cells(range(2, 3))
        if (cell[0], cell[1].sees) in {(1000, "both"), (4096, "outbound")}
    ],
)
def test_look_alikes_stay_quiet(scenario):
    """Speed tests, uploads, tunnels, BitTorrent, crawlers, outages, lines under attack: nobody is accused."""
    outcome = run(scenario, seed=2)
    assert outcome.accused == []
    expected = {line for row in outcome.truth["look_alikes"] if row["expected"] == "watch" for line in row["line_ids"]}
    assert {line for line, _ in outcome.watched} <= expected


def test_a_sampling_interval_announced_a_thousandfold_makes_no_case():
    """Announced 1:1,000,000, sampled 1:1000: every home seems to send gigabits, and none is accused."""
    scenario = cell(
        "wrong", sampling_interval=1000, lines_each=40, duration_s=240, exporter={"announced_times": 1000.0}
    )
    assert run(scenario, seed=3).accused == []


def test_lines_that_do_nothing_wrong_stay_quiet_for_long():
    """Two hundred line-days from records that are sampled already: nobody is accused, nobody is watched."""
    found = days(sampling=4096, lines=48_000, hours=0.1, seed=4)
    assert found.line_days == 200
    assert (found.accused, found.watched, found.dropped) == ([], [], {})
    assert found.records > 300_000


def test_a_record_on_a_wrong_line_is_noticed():
    """The truth knows the holder of every address; swapped lines are counted side by side."""
    simulation = Simulation(cell("holders", lines_each=6, duration_s=30), seed=1)
    holders = Holders(simulation)
    exported = list(simulation.datagrams())
    assert len(exported) > 5
    held = holders._keys
    assert len(set(held.tolist())) == 24
    fixed = simulation.lines.fixed_v4[18:20] + 1
    batch = _batch(fixed, simulation.scenario.start_ms)
    assert holders.of(batch, "src").tolist() == [18, 19]
    batch.column("src_line")[:] = held[[18, 18]]
    assert holders.wrong(batch) == 1
    assert NOBODY not in holders.of(batch, "src")


def _batch(v4, at_ms):
    from windows_flows import batch_of

    return batch_of({"src_lo": v4, "src_line": np.zeros(2, np.int64), "flow_start": at_ms, "flow_end": at_ms})


def test_a_share_has_its_interval():
    """Wilson's interval of 98 of 100, and of nothing."""
    assert Share(98, 100).interval == pytest.approx((0.930, 0.994), abs=0.001)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_lines_found_are_counted_by_their_rung():
    """Only the right kind counts, each at the rate that its attack had."""
    rows = [_attack(50, found, name) for name, found in (("0.25", False), ("1", True), ("1", True), ("2", False))]
    assert by_rung(rows) == [0, 0, 2, 0]


def test_a_later_run_adds_to_what_was_measured(tmp_path):
    """Pieces stand in the file at once, are known by their key, and make the same figures when read again."""
    path = tmp_path / "measured.jsonl"
    state = State(path)
    outcome = {"accused": [], "watched": [], "wrong_sides": 0, "records": 1, "lines": 3}
    rows = [asdict(_attack(40, found)) for found in (True, False)]
    state.add(attacks.PART, [1000, "both", 0.0, 1], {"attacks": rows, **outcome}, seconds=60)
    read = State(path)
    assert read.has(attacks.PART, [1000, "both", 0.0, 1])
    assert not read.has(attacks.PART, [1000, "both", 0.0, 2])
    assert read.pieces == state.pieces
    (pool,) = attacks.pools(read).values()
    assert pool.recall() == Share(1, 2)
    assert attacks.seeds_of(read) == "both ways: seeds 1 to 1.\n"


def test_only_attacks_that_left_enough_count():
    """Thirty-nine packets are not enough to be told, forty are."""
    rows = [_attack(packets, found) for packets, found in ((39, False), (40, True), (400, False))]
    outcome = Outcome(attacks=rows, accused=[], watched=[], wrong_sides=0, records=1, lines=3, document={}, truth={})
    assert Pool([outcome]).recall() == Share(1, 2)


def _attack(packets: int, found: bool, name: str = "") -> Attack:
    return Attack(
        kind="scan",
        access="pppoe",
        line_id="L1",
        name=name,
        pps=1.0,
        sampled_packets=packets,
        unattributed="",
        found=found,
        kind_right=found,
        delay_s=None,
    )
