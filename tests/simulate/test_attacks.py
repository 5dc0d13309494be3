"""When attacks send."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.simulate.simulation import Simulation
from small_scenarios import attack, scenario

STEP_MS = 1000


def begun(part, *, connected_ms=0, v4_lo=7, seconds=30):
    """(start, end) in milliseconds of the flows that begin step by step."""
    simulation = Simulation(scenario(attack=[part]), seed=1)
    addresses = np.full(len(simulation.lines), v4_lo)
    connected = np.full(len(simulation.lines), simulation.scenario.start_ms + connected_ms)
    found = []
    for at_ms in range(simulation.scenario.start_ms, simulation.scenario.start_ms + seconds * 1000, STEP_MS):
        flows = simulation.attacks.starting(at_ms, at_ms + STEP_MS, addresses, connected)
        found += zip(
            flows.start_ms - simulation.scenario.start_ms, flows.end_ms - simulation.scenario.start_ms, strict=True
        )
    return found


def test_a_constant_attack_begins_once():
    """However many steps pass, a constant attack is one flow."""
    assert begun(attack(start_s=3.2, duration_s=11)) == [(3200, 14_200)]


@pytest.mark.parametrize(("on_s", "off_s", "pulses"), [(2.5, 5.0, 2), (0.3, 0.2, 22), (20.0, 5.0, 1)])
def test_every_pulse_begins_once(on_s, off_s, pulses):
    """Pulses shorter and longer than a step begin once each, in order, and none outlasts the attack."""
    found = begun(attack(start_s=3.2, duration_s=11, on_s=on_s, off_s=off_s))
    assert [start for start, _ in found] == [3200 + round(n * (on_s + off_s) * 1000) for n in range(pulses)]
    assert all(end - start == min(on_s * 1000, 14_200 - start) for start, end in found)


def test_a_line_that_comes_back_goes_on():
    """A line that got its address in the middle of an attack sends from that instant."""
    assert begun(attack(start_s=3.2, duration_s=11), connected_ms=8500) == [(8500, 14_200)]


def test_without_an_address_nothing_is_sent():
    """A line that is not connected sends nothing over IPv4; over IPv6 it does."""
    assert begun(attack(), v4_lo=0) == []
    assert begun(attack(access="ipoe", target="2001:db8:f000::/64"), v4_lo=0)


def test_answers_are_flows_of_their_own():
    """Where targets may answer, an inbound flow stands beside the outbound one, a little later."""
    assert begun(attack(protocol="tcp", refused=0.1)) == [(3200, 14_200), (3240, 14_240)]
