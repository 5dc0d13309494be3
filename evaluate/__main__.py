"""``python -m evaluate``: how good the verdicts are; ``--write`` puts it into docs/reference/detection-quality.md."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import machine

from evaluate import attacks, detectability, fastnetmon, long_run
from evaluate.cells import SEEDS
from evaluate.trial import run

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path("docs/reference/detection-quality.md")
PROCESSES = 2
LONG_SAMPLING = (1000, 4096)

INTRODUCTION = """<!-- Written by `make evaluate`; run it, do not edit. -->

# How good the verdicts are

Measured on simulated networks whose truth is known ([scenarios](scenarios.md)): real export datagrams through the whole
product. A share stands with its 95 % interval (Wilson) and the number it is of. An attack counts when its line left at
least 40 sampled packets in the records that arrived. Rates are drawn for each seed from what outbound attacks are
reported to have.
"""


def main() -> int:
    arguments = _arguments()
    sections = dict(json.loads(arguments.state.read_text())) if arguments.state and arguments.state.exists() else {}
    for name in arguments.part or PARTS:
        began = time.monotonic()
        text = PARTS[name](arguments)
        minutes = (time.monotonic() - began) / 60
        # Parts run apart: each says which code it judged.
        sections[name] = f"{text}\nCommit {machine()['commit']}, {minutes:.0f} minutes on {PROCESSES} cores.\n"
        if arguments.state:
            arguments.state.write_text(json.dumps(sections))
    page = INTRODUCTION + f"\n```json\n{json.dumps(machine(), indent=1)}\n```\n\n"
    page += "\n".join(f"## {TITLES[name]}\n\n{sections[name]}" for name in PARTS if name in sections)
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 0


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="this part; several times, several; without: all"
    )
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="seeds of the attacks, from 1 on")
    parser.add_argument("--line-days", type=int, default=10_000, help="benign line-days at each sampling interval")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    parser.add_argument("--state", type=Path, help="keeps finished parts for the page, so that they can run apart")
    return parser.parse_args()


def _attacks(arguments: Any) -> str:
    return attacks.attack_page(attacks.evaluate_attacks(range(1, arguments.seeds + 1), processes=PROCESSES))


def _look_alikes(arguments: Any) -> str:
    seeds = range(1, max(arguments.seeds // 3, 1) + 1)
    return attacks.look_alike_page(attacks.evaluate_look_alikes(seeds, processes=PROCESSES))


def _long_run(arguments: Any) -> str:
    runs = (
        long_run.long_run(sampling=sampling, line_days=arguments.line_days, processes=PROCESSES)
        for sampling in LONG_SAMPLING
    )
    return long_run.page(runs)


def _detectability(_: Any) -> str:
    return detectability.page(
        {
            sampling: detectability.lowest_found(sampling, duration_s=detectability.DURATION_S, seed=1)
            for sampling in detectability.SAMPLING
        }
    )


def _fastnetmon(_: Any) -> str:
    peers, ours = [], {}
    for sampling in (1, 100):
        try:
            peers += fastnetmon.compare(sampling, seed=1)
        except FileNotFoundError as error:
            return f"Not run: {error}.\n"
        outcome = run(fastnetmon.contest(sampling), seed=1)
        ours[sampling] = sum(a.found for a in outcome.attacks), len(outcome.attacks), len(outcome.accused)
    return fastnetmon.page(peers, ours)


PARTS: dict[str, Callable[[Any], str]] = {
    "attacks": _attacks,
    "look-alikes": _look_alikes,
    "long-run": _long_run,
    "detectability": _detectability,
    "fastnetmon": _fastnetmon,
}
TITLES = {
    "attacks": "Attacks",
    "look-alikes": "Look-alikes",
    "long-run": "Days of lines that do nothing wrong",
    "detectability": "What can be seen at all",
    "fastnetmon": "Beside FastNetMon community",
}


if __name__ == "__main__":
    sys.exit(main())
