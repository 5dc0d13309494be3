"""The lowest rate that the product says it sees (``detect/detectability.py``), and what of it and around it is found.

Lines with an ordinary household attack for a minute and for ten at a quarter of that rate, half of it, the rate itself
and twice it: twenty lines each, which begin evenly over ten minutes, since verdicts fall on ticks and periods on the
clock. The verdict may come when the exporter's timeouts (60 s active, 15 s inactive) have passed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from evaluate.trial import run
from sekisho.detect.detectability import lowest_rate_pps
from sekisho.detect.needs import NEEDS
from sekisho.schema.line_target import BLOCK_MS
from sekisho.simulate.cell import cell
from sekisho.simulate.sampled_simulation import SampledSimulation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluate.state import State
    from evaluate.trial import Attack

PART = "detectability"
LINES = 20
"""At each rate: nineteen of twenty are 95 %."""

TIMES_S = {"1 min": 60, "10 min": 600, "1 h": 3_600, "24 h": 86_400}
SIMULATED_S = (60, 600)
SAMPLING = (1000, 100, 4096)
RUNGS = (0.25, 0.5, 1.0, 2.0)
"""Times the rate that the product names."""

KINDS = tuple(kind for kind in NEEDS if kind != "spoofed_source")
"""An interface's forged sources are no line's."""

_BEFORE_S = {100: 300.0, 1000: 300.0, 4096: 3_300.0}
"""By sampling interval: the line was seen before, since what it received tells whether its exporter shows both ways. At
1:4096 a quiet household receives a sampled packet four times an hour."""

_BEGINS_WITHIN_S = BLOCK_MS / 1000
"""The longest period on the clock."""

_AFTER_S = 120


def measure(state: State) -> None:
    """Every kind, sampling interval and time that the state does not have yet."""
    for sampling in SAMPLING:
        for seconds in SIMULATED_S:
            for kind in KINDS:
                pps = lowest_rate_pps(kind, sampling, seconds)
                if pps is None or state.has(PART, [sampling, seconds, kind]):
                    continue
                began = time.monotonic()
                found = found_around(kind, pps, sampling=sampling, seconds=seconds, seed=1)
                state.add(PART, [sampling, seconds, kind], [pps, found], seconds=time.monotonic() - began)
                print(f"1:{sampling} {seconds} s {kind} {pps:.3g}/s: {found} of {LINES}", file=sys.stderr)


def found_around(kind: str, pps: float, *, sampling: int, seconds: int, seed: int) -> list[int]:
    """How many lines were found at each rung around a rate."""
    begins_s = [_BEFORE_S[sampling] + _BEGINS_WITHIN_S * line / LINES for line in range(LINES)]
    attacks = [_row(kind, pps, rung, start_s, seconds) for rung in RUNGS for start_s in begins_s]
    scenario = cell(
        f"around-{kind}",
        sampling_interval=sampling,
        lines_each=len(attacks),
        duration_s=int(begins_s[-1]) + seconds + _AFTER_S,
        attack=attacks,
    )
    return by_rung(run(scenario, seed=seed, simulated=SampledSimulation).attacks)


def by_rung(attacks: Iterable[Attack]) -> list[int]:
    """Attacks found with their kind, by the rung that is their name."""
    found = Counter(float(attack.name) for attack in attacks if attack.kind_right)
    return [found[rung] for rung in RUNGS]


def page(state: State) -> str:
    """What the product says, and what was found of it."""
    heads = [(sampling, name) for sampling in sorted(SAMPLING) for name in TIMES_S]
    said = "".join(
        f"| `{kind}` | "
        + " | ".join(_rate(lowest_rate_pps(kind, sampling, TIMES_S[name])) for sampling, name in heads)
        + " |\n"
        for kind in NEEDS
    )
    columns = " | ".join(f"1:{sampling}, {name}" for sampling, name in heads)
    return (
        "Lowest rate, packets a second of a home's line shown both ways, that is seen with 95 % if it lasts so long; "
        "below it the product says that it cannot be seen. Computed from the thresholds "
        "(`detect/detectability.py`):\n\n"
        f"| kind | {columns} |\n|---|{'---|' * len(heads)}\n{said}\n"
        "Simulated at a quarter of that rate, half of it, the rate and twice it, beside what the household does "
        "anyway, on lines that were seen before: the rate, and the lines found with the right kind, of "
        f"{LINES} each; what has no number is not measured yet. A rate that is not the one above was named by an "
        f"earlier model:\n\n{_found(state)}"
    )


def _found(state: State) -> str:
    heads = [(sampling, seconds) for sampling in sorted(SAMPLING) for seconds in SIMULATED_S]
    measured = {tuple(piece.key): _cell(*piece.value) for piece in state.of(PART)}
    columns = " | ".join(f"1:{sampling}, {seconds // 60} min" for sampling, seconds in heads)
    rows = "".join(
        f"| `{kind}` | " + " | ".join(measured.get((*head, kind), "-") for head in heads) + " |\n" for kind in KINDS
    )
    return f"| kind | {columns} |\n|---|{'---|' * len(heads)}\n{rows}"


def _cell(pps: float, found: list[int]) -> str:
    """The rate as it was named when this was measured, and the lines found around it."""
    return f"{_rate(pps)}: {', '.join(map(str, found))}"


def _rate(pps: float | None) -> str:
    return "never" if pps is None else f"{pps:,.0f}" if pps >= 10 else f"{pps:.2g}"


def _row(kind: str, pps: float, rung: float, start_s: float, seconds: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": f"{rung:g}",
        "access": "pppoe",
        "pps": pps * rung,
        "start_s": start_s,
        "duration_s": seconds,
    } | ({"service": "dns", "target": "203.0.113.7/32"} if kind == "reflection" else {})
