"""Small scenarios and what a run of them left the routers with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.simulate.scenario import Scenario
from sekisho.simulate.simulation import Simulation

if TYPE_CHECKING:
    from numpy.typing import NDArray

START = "2026-11-01T20:00:00+09:00"


def exporter(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "bng-1",
        "address": "192.0.2.1",
        "protocol": "v9",
        "sampling_interval": 1,
        "active_timeout_s": 20,
        "inactive_timeout_s": 5,
        "access": ["pppoe", "map_e", "ipoe", "fixed"],
    }
    return values | changes


def attack(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "flood",
        "kind": "udp_flood",
        "access": "pppoe",
        "start_s": 3.2,
        "duration_s": 11.0,
        "protocol": "udp",
        "pps": 700,
        "octets": 600,
        "target": "203.0.113.0/28",
    }
    return values | changes


def scenario(**changes: Any) -> Scenario:
    values = {
        "name": "small",
        "title": "small",
        "start": START,
        "duration_s": 20,
        "lines": {"pppoe": 8, "map_e": 6, "ipoe": 4, "fixed": 2, "reconnects_per_hour": 60},
        "exporter": [exporter()],
        "attack": [attack()],
    }
    return Scenario.model_validate(values | changes)


def run(chosen: Scenario, seed: int = 1) -> tuple[Simulation, NDArray[np.int64]]:
    """A finished simulation and every record that its routers made."""
    simulation = Simulation(chosen, seed=seed)
    made: list[NDArray[np.int64]] = []
    for router in simulation.routers:
        _keep(router, made)
    for _ in simulation.datagrams():
        pass
    return simulation, np.concatenate(made)


def _keep(router: Any, made: list[NDArray[np.int64]]) -> None:
    step, flush = router.step, router.flush

    def kept(records: NDArray[np.int64]) -> NDArray[np.int64]:
        made.append(records)
        return records

    router.step = lambda at_ms, until_ms: kept(step(at_ms, until_ms))
    router.flush = lambda: kept(flush())
