"""The lowest rate of each kind that is found: below it the product says that nothing can be seen.

Lines that do nothing else attack at the rates of a ladder, twenty on each rung; a rate counts as found within a time if
nineteen of the twenty have their verdict by then. The time runs from the first packet and includes the exporter's
timeouts (60 s active, 15 s inactive).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from evaluate.cells import LONG, RATES_PPS
from evaluate.trial import run
from sekisho.simulate.cell import cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluate.trial import Attack

RUNG = 20
"""Lines at each rate: nineteen of twenty are 95 %."""

WITHIN_S = {"1 min": 60, "10 min": 600, "1 h": 3_600}

DURATION_S = 660
"""Ten minutes of attack and what leads to it."""

STEP = 2.0
"""Each rung has twice the rate of the one below it."""

SAMPLING = (100, 1000, 4096)

_LOWEST_PPS = {"scan": 0.25, "brute_force": 0.5, "spam": 0.5, "c2_contact": 4 / 3600, "dns_flood": 25, "http_flood": 25}
_USUAL_LOWEST_PPS = 100.0
_HIGHEST_PPS = 100_000.0
_KINDS = tuple(kind for kind in RATES_PPS if kind != "spoofed_source")
_START_S = 30.0


def ladder(kind: str) -> list[float]:
    """Rates of a kind, ascending."""
    rate = _LOWEST_PPS.get(kind, _USUAL_LOWEST_PPS)
    highest = RATES_PPS[kind][1] if kind in LONG else _HIGHEST_PPS
    rates = []
    while rate <= highest:
        rates.append(rate)
        rate *= STEP
    return rates


def lowest_found(sampling: int, *, duration_s: int, seed: int) -> dict[str, dict[str, float | None]]:
    """Kind -> time -> lowest rate found within it, packets a second; None where no rung was."""
    table = {}
    for kind in _KINDS:
        rungs = ladder(kind)
        attacks = [_row(kind, pps, line, duration_s) for pps in rungs for line in range(RUNG)]
        scenario = cell(
            f"ladder-{kind}",
            sampling_interval=sampling,
            lines_each=len(attacks),
            activity=0.02,
            duration_s=duration_s,
            attack=attacks,
        )
        found = by_rate(run(scenario, seed=seed).attacks)
        table[kind] = {
            name: lowest(found, within_s) for name, within_s in WITHIN_S.items() if within_s <= duration_s - _START_S
        }
    return table


def by_rate(attacks: Iterable[Attack]) -> dict[float, list[float]]:
    """Rung -> seconds until each verdict of the right kind, for ever where there was none."""
    delays: defaultdict[float, list[float]] = defaultdict(list)
    for attack in attacks:
        found = attack.kind_right and attack.delay_s is not None
        delays[float(attack.name)].append(attack.delay_s if found and attack.delay_s is not None else float("inf"))
    return dict(delays)


def lowest(found: dict[float, list[float]], within_s: float) -> float | None:
    """The lowest rate from which on every rung is found within a time."""
    answer = None
    for rate in sorted(found, reverse=True):
        if sum(delay <= within_s for delay in found[rate]) < 0.95 * len(found[rate]):
            break
        answer = rate
    return answer


def page(tables: dict[int, dict[str, dict[str, float | None]]]) -> str:
    """Lowest rates by kind, time and sampling interval."""
    heads = [(sampling, name) for sampling, table in tables.items() for name in next(iter(table.values()))]
    columns = " | ".join(f"1:{sampling}, {name}" for sampling, name in heads)
    rows = "".join(
        f"| `{kind}` | " + " | ".join(_rate(tables[sampling][kind][name]) for sampling, name in heads) + " |\n"
        for kind in _KINDS
    )
    return f"| packets a second | {columns} |\n|---|{'---|' * len(heads)}\n{rows}"


def _rate(pps: float | None) -> str:
    return "cannot be seen" if pps is None else f"{pps:,.0f}" if pps >= 10 else f"{pps:.3g}"


def _row(kind: str, pps: float, line: int, duration_s: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": f"{pps:.9g}",
        "access": "pppoe",
        "pps": pps,
        # Verdicts fall on ticks: not all lines begin at the same distance from one.
        "start_s": _START_S - 15 * line / RUNG,
        "duration_s": duration_s - _START_S,
    }
