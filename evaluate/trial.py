"""One scenario with one seed through the whole product, datagram by datagram, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evaluate.holders import Holders
from sekisho.attribution.attributor import Attributor
from sekisho.collect.exporters import Exporters
from sekisho.core.config import load_config
from sekisho.core.time import parse_time
from sekisho.pipeline.analysis import document_of
from sekisho.pipeline.batch import compose, realms_of
from sekisho.pipeline.detecting import inputs_of
from sekisho.query.duckdb import DuckDBEngine
from sekisho.simulate.run import truth, write_inputs
from sekisho.simulate.simulation import Simulation
from sekisho.windows.table import Windows
from sekisho.wire.datagrams import Datagrams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.pipeline.run import Run
    from sekisho.schema.batch import FlowBatch
    from sekisho.simulate.sampled_simulation import SampledSimulation
    from sekisho.simulate.scenario import Scenario
    from sekisho.windows.limits import Limits

    Simulated = Simulation | SampledSimulation

AT_ONCE = 512
"""Datagrams handed over together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack of the truth, and what the product said about its line.

    Attributes:
        sampled_packets: packets of the attack in records that arrived.
        unattributed: why no line can be known; "" where it can.
        found: at ``act`` on its line, by whatever kind; without a line: among what has none.
        kind_right: its own kind is among those found.
        name: as in the scenario.
        pps: its highest ten seconds.
        delay_s: from its first packet to the verdict.
    """

    kind: str
    access: str
    line_id: str
    name: str
    pps: float
    sampled_packets: int
    unattributed: str
    found: bool
    kind_right: bool
    delay_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a trial showed.

    Attributes:
        accused: (line_id, kind) at ``act`` on lines that attacked nobody.
        watched: the same at ``watch``.
        wrong_sides: record sides given to a line that did not hold them.
        records: data records decoded.
        lines: of the scenario.
        document: the analysis.
        truth: the simulator's.
    """

    attacks: list[Attack]
    accused: list[tuple[str, str]]
    watched: list[tuple[str, str]]
    wrong_sides: int
    records: int
    lines: int
    document: dict[str, Any] = field(repr=False)
    truth: dict[str, Any] = field(repr=False)


class _Watched(Attributor):
    """Compares every record it attributes with the truth."""

    holders: Holders
    wrong_sides: int = 0

    def attribute(self, batch: FlowBatch) -> None:
        super().attribute(batch)
        self.wrong_sides += self.holders.wrong(batch)


def run(scenario: Scenario, *, seed: int, simulated: type[Simulated] = Simulation) -> Outcome:
    """Simulate, analyse, compare."""
    simulation = simulated(scenario, seed=seed)
    with TemporaryDirectory() as folder:
        write_inputs(simulation, Path(folder))
        document, wrong_sides = _analyse(simulation, Path(folder))
    return _compared(document, truth(simulation), wrong_sides, len(simulation.lines))


def _analyse(simulation: Simulated, folder: Path) -> tuple[dict[str, Any], int]:
    product = product_of(folder, attributor=_Watched)
    watched = product.attributor
    assert isinstance(watched, _Watched)
    watched.holders = Holders(simulation)
    product.start()
    for datagrams in _datagrams(simulation):
        product.receive(datagrams)
    product.finish()
    return document_of(product, {}), watched.wrong_sides


def product_of(folder: Path, *, attributor: type[Attributor] = Attributor, limits: Limits | None = None) -> Run:
    """The run that ``sekisho analyze`` would make of a scenario's files; nothing is started."""
    config = load_config(folder / "sekisho.toml", {})
    exporters = Exporters(config.exporter, accept_unconfigured=False)
    indicators = [path for path in [folder / "indicators.csv"] if path.exists()]
    product = compose(
        config,
        exporters,
        attributor=attributor.load(
            lines=[folder / "assignments.csv", folder / "lines.csv"],
            map_e=folder / "map-e.toml",
            network=config.network,
            realms=realms_of(config),
        ),
        engine=DuckDBEngine(),
        inputs=inputs_of(config.detect, indicators=indicators, is_ours=lambda _: False),
    )
    if limits is not None:
        product.windows = Windows(
            active_cap_ms=exporters.active_cap_ms, lateness_ms=exporters.lateness_ms, limits=limits
        )
    return product


def _datagrams(simulation: Simulated) -> Iterator[Datagrams]:
    rows = []
    for exported in simulation.datagrams():
        rows.append((int(exported.at_ms), exported.exporter, 50_000, exported.octets))
        if len(rows) == AT_ONCE:
            yield Datagrams.of(rows)
            rows = []
    if rows:
        yield Datagrams.of(rows)


def _compared(document: dict[str, Any], told: dict[str, Any], wrong_sides: int, lines: int) -> Outcome:
    detections = [d for d in document["detections"] if d["subject"] == "line"]
    guilty = {attack["line_id"] for attack in told["attacks"]}
    by_level = {
        level: sorted({(d["line_id"], d["kind"]) for d in detections if d["level"] == level})
        for level in ("act", "watch")
    }
    return Outcome(
        attacks=[_attack(attack, document) for attack in told["attacks"]],
        accused=[pair for pair in by_level["act"] if pair[0] not in guilty],
        watched=[pair for pair in by_level["watch"] if pair[0] not in guilty],
        wrong_sides=wrong_sides,
        records=document["input"]["records"],
        lines=lines,
        document=document,
        truth=told,
    )


def _attack(attack: dict[str, Any], document: dict[str, Any]) -> Attack:
    kinds, decided = _said(attack, document)
    return Attack(
        kind=attack["kind"],
        name=attack["name"],
        access=attack["access"],
        line_id=attack["line_id"],
        pps=attack["peak_pps"],
        sampled_packets=attack["received_packets"],
        unattributed=attack["unattributed"],
        found=bool(kinds),
        kind_right=attack["kind"] in kinds,
        delay_s=(min(decided) - parse_time(attack["start"])) / 1000 if decided else None,
    )


def _said(attack: dict[str, Any], document: dict[str, Any]) -> tuple[set[str], list[int]]:
    """Kinds found where the attack should show, and when each was decided (milliseconds UTC)."""
    if attack["unattributed"] == "not_ours":
        found = [d for d in document["detections"] if d["subject"] == "interface" and d["level"] == "act"]
    elif attack["unattributed"]:
        without_line = [d for d in document["unattributed_detections"] if d["reason"] == attack["unattributed"]]
        return {d["kind"] for d in without_line if d["kind"] == attack["kind"]}, []
    else:
        found = [d for d in document["detections"] if d["line_id"] == attack["line_id"] and d["level"] == "act"]
    return {d["kind"] for d in found}, [parse_time(d["detected_at"]) for d in found if d["kind"] == attack["kind"]]
