"""``python -m evaluate``: how good the verdicts are; ``--write`` puts it into docs/reference/detection-quality.md."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import machine

from evaluate import attacks, detectability, fastnetmon, long_run
from evaluate.cells import CONDITIONS, SEEDS
from evaluate.state import State
from evaluate.trial import run

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path("docs/reference/detection-quality.md")
RESULTS = Path("evaluate/results")
CONDITION_NAMES = [condition.name for condition in CONDITIONS]

INTRODUCTION = """<!-- Written by `make evaluate`; run it, do not edit. -->

# How good the verdicts are

Measured on simulated networks whose truth is known ([scenarios](scenarios.md)): real export datagrams through the whole
product. A share stands with its 95 % interval (Wilson) and the number it is of. An attack counts when its line left at
least 40 sampled packets in the records that arrived. Rates are drawn for each seed from what outbound attacks are
reported to have.
"""


def main() -> int:
    arguments = _arguments()
    state = State(arguments.state, again=arguments.again)
    for name in () if arguments.page_only else arguments.part or PARTS:
        PARTS[name].measure(arguments, state)
    page = page_of(state, PAGE.read_text(encoding="utf-8") if PAGE.exists() else "")
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 0


def page_of(state: State, before: str = "") -> str:
    """The page of all parts that were measured; they run apart, so each says which code it judged.

    A part without a piece keeps its section of the page ``before``.
    """
    page = INTRODUCTION + f"\n```json\n{json.dumps(_place(), indent=1)}\n```\n"
    for name, part in PARTS.items():
        if state.of(name):
            page += f"\n## {part.title}\n\n{part.page(state)}\n{state.told(name)}\n"
        else:
            page += _section(before, part.title)
    return page


def _section(page: str, title: str) -> str:
    """A section as it stands on a page, "" where it is not."""
    _, found, rest = page.partition(f"\n## {title}\n")
    return found + rest.partition("\n## ")[0].rstrip() + "\n" if found else ""


def _place() -> dict[str, object]:
    return {name: value for name, value in machine().items() if name != "commit"}


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="this part; several times, several; without: all"
    )
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="seeds of the attacks, from 1 on")
    parser.add_argument("--condition", action="append", choices=CONDITION_NAMES, help="of the attacks; without: all")
    parser.add_argument("--line-days", type=int, default=10_000, help="benign line-days at each sampling interval")
    parser.add_argument("--processes", type=int, default=2, help="of the attacks")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    parser.add_argument(
        "--state", type=Path, default=RESULTS, help="keeps finished pieces: a later run adds those that are missing"
    )
    parser.add_argument("--again", action="store_true", help="measure what is not missing, too; the former pieces stay")
    parser.add_argument("--page-only", action="store_true", help="measure nothing; the page of the pieces there are")
    return parser.parse_args()


def _attacks(arguments: Any, state: State) -> None:
    conditions = [each for each in CONDITIONS if not arguments.condition or each.name in arguments.condition]
    attacks.measure(state, range(1, arguments.seeds + 1), conditions, processes=arguments.processes)


def _attack_page(state: State) -> str:
    return attacks.seeds_of(state) + "\n" + attacks.attack_page(attacks.pools(state))


def _look_alikes(arguments: Any, state: State) -> None:
    seeds = range(1, max(arguments.seeds // 3, 1) + 1)
    _keep(
        state,
        "look-alikes",
        lambda: attacks.look_alike_page(attacks.evaluate_look_alikes(seeds, processes=arguments.processes)),
    )


def _long_run(arguments: Any, state: State) -> None:
    long_run.measure(state, line_days=arguments.line_days)


def _detectability(_: Any, state: State) -> None:
    detectability.measure(state)


def _fastnetmon(_: Any, state: State) -> None:
    _keep(state, "fastnetmon", _beside_fastnetmon)


def _beside_fastnetmon() -> str:
    peers, ours = [], {}
    for sampling in (1, 100):
        try:
            peers += fastnetmon.compare(sampling, seed=1)
        except FileNotFoundError as error:
            return f"Not run: {error}.\n"
        outcome = run(fastnetmon.contest(sampling), seed=1)
        ours[sampling] = sum(a.found for a in outcome.attacks), len(outcome.attacks), len(outcome.accused)
    return fastnetmon.page(peers, ours)


def _keep(state: State, part: str, text: Callable[[], str]) -> None:
    """Measure a part that is one piece, unless the state has it."""
    if not state.has(part, []):
        began = time.monotonic()
        measured = text()
        state.add(part, [], measured, seconds=time.monotonic() - began)


def _kept(part: str) -> Callable[[State], str]:
    return lambda state: str(state.of(part)[-1].value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One section of the page: how it is measured into a state, and written from it."""

    title: str
    measure: Callable[[Any, State], None]
    page: Callable[[State], str]


PARTS = {
    "attacks": Part(title="Attacks", measure=_attacks, page=_attack_page),
    "look-alikes": Part(title="Look-alikes", measure=_look_alikes, page=_kept("look-alikes")),
    long_run.PART: Part(
        title="Days of lines that do nothing wrong",
        measure=_long_run,
        page=lambda state: long_run.page(long_run.measured(state)),
    ),
    "detectability": Part(title="What can be seen at all", measure=_detectability, page=detectability.page),
    "fastnetmon": Part(title="Beside FastNetMon community", measure=_fastnetmon, page=_kept("fastnetmon")),
}


if __name__ == "__main__":
    sys.exit(main())
