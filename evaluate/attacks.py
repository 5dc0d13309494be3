"""The table of attacks: recall, kinds, delay and what happens to the innocent, by condition and sampling interval."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from evaluate.cells import CONDITIONS, Condition, attack_cells, look_alike_cells, look_alikes
from evaluate.score import Pool, Share, by, pooled
from evaluate.trial import Attack, Outcome, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evaluate.state import State
    from sekisho.simulate.scenario import Scenario

Cell = tuple[int, Condition, int, "Scenario"]


class Key(NamedTuple):
    """One row of a table."""

    condition: Condition
    sampling: int


def outcomes(cells: Sequence[Cell], *, processes: int) -> Iterator[tuple[Key, Outcome]]:
    """Run the cells, telling how far it is."""
    started = time.monotonic()
    with ProcessPoolExecutor(processes) as pool:
        jobs = [(Key(c[1], c[0]), pool.submit(_run, c[3], c[2])) for c in cells]
        for number, (key, job) in enumerate(jobs, 1):
            yield key, job.result()
            print(f"\r{number} of {len(jobs)} trials, {time.monotonic() - started:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)


def _run(scenario: Scenario, seed: int) -> Outcome:
    return run(scenario, seed=seed)


PART = "attacks"


def measure(state: State, seeds: range, conditions: Sequence[Condition], *, processes: int) -> None:
    """Every kind on every access kind: the trials that the state does not have yet, seed by seed."""
    cells = sorted(attack_cells(seeds), key=lambda cell: (cell[2], cell[0]))
    missing = [cell for cell in cells if cell[1] in conditions and not state.has(PART, _name(cell))]
    began = time.monotonic()
    # Trials end in the order of the cells, of which ``processes`` run side by side.
    for cell, (_, outcome) in zip(missing, outcomes(missing, processes=processes), strict=True):
        now = time.monotonic()
        value = {
            "attacks": [asdict(attack) for attack in outcome.attacks],
            "accused": outcome.accused,
            "watched": outcome.watched,
            "wrong_sides": outcome.wrong_sides,
            "records": outcome.records,
            "lines": outcome.lines,
        }
        state.add(PART, _name(cell), value, seconds=(now - began) * processes)
        began = now


def _name(cell: Cell) -> list[Any]:
    sampling, condition, seed, _ = cell
    return [sampling, condition.sees, condition.loss, seed]


def pools(state: State) -> dict[Key, Pool]:
    """What the state has, by sampling interval and condition."""
    return pooled(_measured(state))  # type: ignore[return-value]


def _measured(state: State) -> Iterator[tuple[Key, Outcome]]:
    order = {condition: number for number, condition in enumerate(CONDITIONS)}
    rows = [(Key(Condition(sees=p.key[1], loss=p.key[2]), p.key[0]), p.value) for p in state.of(PART)]
    for key, value in sorted(rows, key=lambda row: (row[0].sampling, order[row[0].condition])):
        attacks = [Attack(**attack) for attack in value["attacks"]]
        yield key, Outcome(**{**value, "attacks": attacks}, document={}, truth={})


def seeds_of(state: State) -> str:
    """Which seeds every condition has, for the page."""
    seeds: dict[str, set[int]] = {}
    for piece in state.of(PART):
        name = Condition(sees=piece.key[1], loss=piece.key[2]).name
        seeds.setdefault(name, set()).add(piece.key[3])
    return "; ".join(f"{name}: seeds {min(known)} to {max(known)}" for name, known in seeds.items()) + ".\n"


def evaluate_look_alikes(seeds: range, *, processes: int) -> dict[Key, Pool]:
    """Every look-alike."""
    return pooled(outcomes(list(look_alike_cells(seeds)), processes=processes))  # type: ignore[return-value]


def attack_page(pools: dict[Key, Pool]) -> str:
    """Tables of attacks."""
    rows = "".join(_row(key, pool) for key, pool in pools.items())
    conditions = dict.fromkeys(key.condition for key in pools)
    whole = "".join(_whole(c, [pool for key, pool in pools.items() if key.condition == c]) for c in conditions)
    kinds = "".join(_kinds(c, [pool for key, pool in pools.items() if key.condition == c]) for c in conditions)
    return (
        "| records | sampling | recall at `act` | right kind | without a line | accused | watched | innocent lines "
        "| wrong sides of records | delay s, median / 95 % |\n|---|---|---|---|---|---|---|---|---|---|\n"
        f"{rows}\nPooled over all sampling intervals:\n\n"
        "| records | recall at `act` | right kind | accused | wrong sides of records |\n|---|---|---|---|---|\n"
        f"{whole}\n{kinds}"
    )


def _row(key: Key, pool: Pool) -> str:
    delays, sides = pool.delays(), 2 * pool.records()
    return (
        f"| {key.condition.name} | 1:{key.sampling} | {pool.recall()} | {pool.kind_right()} | {pool.without_line()} "
        f"| {len(pool.accused())} | {pool.watched()} | {pool.innocent()} | {pool.wrong_sides()} of {sides:,} "
        f"| {f'{delays[0]:.0f} / {delays[1]:.0f}' if delays else '-'} |\n"
    )


def _whole(condition: Condition, pools: Iterable[Pool]) -> str:
    pool = Pool([outcome for each in pools for outcome in each.outcomes])
    return (
        f"| {condition.name} | {pool.recall()} | {pool.kind_right()} | {len(pool.accused())} "
        f"| {pool.wrong_sides()} of {2 * pool.records():,} |\n"
    )


def _kinds(condition: Condition, pools: Iterable[Pool]) -> str:
    attacks = [attack for pool in pools for attack in pool.attacks]
    rows = "".join(
        f"| `{kind}` | {_found(group, 'pppoe')} | {_found(group, 'map_e')} | {_found(group, 'ipoe')} "
        f"| {_found(group, 'fixed')} |\n"
        for kind, group in by(attacks, lambda attack: attack.kind).items()
    )
    return (
        f"Found with the right kind, {condition.name}, by access kind (where the line cannot be known: among what has "
        f"none):\n\n| kind | pppoe | map_e | ipoe | fixed |\n|---|---|---|---|---|\n{rows}\n"
    )


def _found(attacks: Iterable[Attack], access: str) -> str:
    right = [attack.kind_right for attack in attacks if attack.access == access]
    return f"{Share(sum(right), len(right)).value:.2f} of {len(right)}" if right else "-"


def look_alike_page(pools: dict[Key, Pool]) -> str:
    """Table of look-alikes: who was accused or watched, by name."""
    names = look_alikes()
    columns = " | ".join(f"{key.condition.name} 1:{key.sampling}" for key in pools)
    rows = "".join(
        f"| {en} ({ja}) | " + " | ".join(_said_of(name, pool) for pool in pools.values()) + " |\n"
        for name, (ja, en) in names.items()
    )
    others = " | ".join(str(sum(map(_others, pool.outcomes))) for pool in pools.values())
    return f"| look-alike | {columns} |\n|---|{'---|' * len(pools)}\n{rows}| ordinary lines beside them | {others} |\n"


def _said_of(name: str, pool: Pool) -> str:
    """``quiet``, or how many lines were accused and watched."""
    accused = watched = 0
    for outcome in pool.outcomes:
        lines = {line for row in outcome.truth["look_alikes"] if row["name"] == name for line in row["line_ids"]}
        everywhere = any(row["everywhere"] for row in outcome.truth["look_alikes"] if row["name"] == name)
        accused += 0 if everywhere else sum(line in lines for line, _ in outcome.accused)
        watched += 0 if everywhere else sum(line in lines for line, _ in outcome.watched)
    return ", ".join([f"{accused} accused"] * bool(accused) + [f"{watched} watched"] * bool(watched)) or "quiet"


def _others(outcome: Outcome) -> int:
    """Accused lines that have no look-alike of their own."""
    own = {line for row in outcome.truth["look_alikes"] if not row["everywhere"] for line in row["line_ids"]}
    return sum(line not in own for line, _ in outcome.accused)
