"""Which scenarios are evaluated: every kind on every access kind, at every sampling interval and condition.

The rates are drawn for each seed from the range that outbound attacks of infected devices are reported with; at 1:1
from its lower end, since every packet of most floods is a record of its own there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.simulate.amplifiers import AMPLIFIERS
from sekisho.simulate.cell import ACCESS, cell
from sekisho.simulate.look_alikes import LOOK_ALIKES
from sekisho.simulate.scenario import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from sekisho.simulate.scenario import Scenario

SEEDS = range(1, 11)
SAMPLING = (1, 10, 100, 1000)
LOOK_ALIKE_SAMPLING = (1, 1000, 4096)
DURATION_S = 660

RATES_PPS: dict[str, tuple[float, float]] = {
    "udp_flood": (3_500, 60_000),
    "tcp_syn_flood": (2_000, 40_000),
    "tcp_flood": (3_500, 50_000),
    "icmp_flood": (3_500, 30_000),
    "gre_flood": (3_500, 40_000),
    "fragment_flood": (3_500, 25_000),
    "http_flood": (1_000, 8_000),
    "dns_flood": (800, 8_000),
    "reflection": (2_000, 20_000),
    "scan": (20, 1_500),
    "brute_force": (40, 600),
    "spam": (40, 600),
    "c2_contact": (4 / 60, 40 / 60),
    "spoofed_source": (3_500, 40_000),
}
"""Packets a second that the line sends, lowest and highest, drawn evenly on a logarithmic scale."""

UNSAMPLED_SPAN = 1.5
"""At 1:1, times the lowest rate."""

LONG = ("scan", "brute_force", "spam", "c2_contact")
"""Kinds that go on for all of the observation; floods last one to four minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What the exporters show."""

    sees: str = "both"
    loss: float = 0.0

    @property
    def name(self) -> str:
        """For the tables."""
        return (
            f"{'one way' if self.sees == 'outbound' else 'both ways'}{f', {self.loss:.0%} lost' if self.loss else ''}"
        )


CONDITIONS = (Condition(), Condition(sees="outbound"), Condition(loss=0.2))


def attack_scenario(
    *, sampling: int, condition: Condition, seed: int, kinds: tuple[str, ...] = tuple(RATES_PPS)
) -> Scenario:
    """Each kind once on each access kind, among forty lines that do nothing wrong for each that does."""
    rng = np.random.default_rng([seed, sampling, len(condition.name)])
    attacks = [_attack(kind, access, sampling, rng) for kind in kinds for access in ACCESS]
    return cell(
        f"attacks-{sampling}",
        protocol=str(rng.choice(("v9", "ipfix"))),
        sampling_interval=sampling,
        sees=condition.sees,
        loss=condition.loss,
        lines_each=len(kinds) + 30,
        duration_s=DURATION_S,
        attack=attacks,
    )


def _attack(kind: str, access: str, sampling: int, rng: Generator) -> dict[str, Any]:
    lowest, highest = RATES_PPS[kind]
    if sampling == 1:
        highest = lowest * UNSAMPLED_SPAN
    pps = float(np.exp(rng.uniform(np.log(lowest), np.log(highest))))
    seconds = DURATION_S - 60.0 if kind in LONG else float(rng.uniform(60, 90 if sampling == 1 else 240))
    values: dict[str, Any] = {
        "kind": kind,
        "name": f"{kind} on {access}",
        "access": access,
        "pps": pps,
        "start_s": float(rng.uniform(20, DURATION_S - 40 - seconds)),
        "duration_s": seconds,
    }
    if kind == "reflection":
        values["service"] = str(rng.choice(list(AMPLIFIERS)))
    elif kind not in LONG and rng.random() < PULSED:
        values |= {"on_s": float(rng.uniform(8, 20)), "off_s": float(rng.uniform(5, 25))}
    return values


PULSED = 0.25
"""Share of the floods that are switched on and off."""


def attack_cells(seeds: range = SEEDS) -> Iterator[tuple[int, Condition, int, Scenario]]:
    """(sampling, condition, seed, scenario) of the whole evaluation."""
    for sampling in SAMPLING:
        for condition in CONDITIONS:
            for seed in seeds:
                yield sampling, condition, seed, attack_scenario(sampling=sampling, condition=condition, seed=seed)


def look_alike_cells(seeds: range) -> Iterator[tuple[int, Condition, int, Scenario]]:
    """Every look-alike side by side, on lines of its own."""
    for sampling in LOOK_ALIKE_SAMPLING:
        for condition in (Condition(), Condition(sees="outbound")):
            for seed in seeds:
                changes = {"exporter.sampling_interval": sampling, "exporter.sees": condition.sees}
                yield sampling, condition, seed, load("look-alikes").with_overrides(changes)


def look_alikes() -> dict[str, tuple[str, str]]:
    """Name in Japanese and English of every look-alike."""
    return {name: (row.ja, row.en) for name, row in LOOK_ALIKES.items()}
