#!/usr/bin/env python3
"""Long proofs: tests marked `prove`, all benchmarks, the evaluation. Writes their pages in docs/reference/.

Each part can be proven by itself: ``scripts/prove.py --only tests tests/cases`` runs the long tests below a folder and
renews their rows alone. Every row names the commit that it was proven at.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import machine

PAGE = Path("docs/reference/proofs.md")

PARTS = ("tests", "bench", "quality")

EVALUATED = ("--part", "attacks", "--part", "look-alikes", "--part", "fastnetmon", "--again")
"""What fits into eighty minutes; the long run and the ladder of rates take hours: `make evaluate`."""

_ROW = re.compile(r"^\| `(tests/[^`]+)` \| (\w+) \| ([\d.]*) \| (\w*) \| (.*) \|$", re.MULTILINE)


class Proof(NamedTuple):
    """How one test went; ``measured`` is what it recorded."""

    result: str
    seconds: str
    commit: str
    measured: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given several times")
    parser.add_argument("paths", nargs="*", help="long tests below these alone")
    arguments = parser.parse_args()
    parts = arguments.only or PARTS
    status = 0
    if "tests" in parts:
        status |= prove(arguments.paths)
    if "bench" in parts:
        status |= subprocess.run([sys.executable, "-m", "bench", "--write"], check=False).returncode
    if "quality" in parts:
        status |= subprocess.run([sys.executable, "-m", "evaluate", "--write", *EVALUATED], check=False).returncode
    return status


def prove(paths: list[str]) -> int:
    """Run the long tests, and write down how they went."""
    started = time.monotonic()
    command = ["-m", "pytest", "-m", "prove", "-p", "no:randomly", "-v", "--durations=0", *paths]
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        # The older of the two formats holds what tests record.
        command += ["-o", "junit_family=xunit1", f"--junitxml={results}"]
        done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, check=False)
        figures = recorded(results) if results.exists() else {}
    print(done.stdout)
    print(f"{time.monotonic() - started:.0f} s")
    found = proofs_of(done.stdout, str(machine()["commit"]), figures)
    # Those that were not run stay as they are; after a run of all, what is gone is gone.
    before = known(PAGE.read_text(encoding="utf-8")) if paths and PAGE.exists() else {}
    run = {*map(function_of, found)}
    kept = {name: proof for name, proof in before.items() if function_of(name) not in run}
    PAGE.write_text(page(kept | folded(found)), encoding="utf-8")
    return done.returncode


def recorded(results: Path) -> dict[str, str]:
    """Test -> the figures that it recorded (``record_property``)."""
    found = {}
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 (written by the run above)
        figures = ((p.get("name"), p.get("value")) for p in case.findall("properties/property"))
        found[f"{case.get('file')}::{case.get('name')}"] = ", ".join(f"{name}: {value}" for name, value in figures)
    return found


def proofs_of(output: str, commit: str, figures: dict[str, str]) -> dict[str, Proof]:
    """Test -> how it went, of what pytest printed."""
    seconds = {name: took for took, name in re.findall(r"^\s*([\d.]+)s call\s+(tests/\S+)", output, re.MULTILINE)}
    return {
        name: Proof(verdict.lower(), seconds.get(name, ""), commit, figures.get(name, ""))
        for name, verdict in re.findall(r"^(tests/\S+) (PASSED|FAILED|SKIPPED|ERROR)", output, re.MULTILINE)
    }


def function_of(name: str) -> str:
    """A test without its parameters."""
    return name.partition("[")[0]


def folded(proofs: dict[str, Proof]) -> dict[str, Proof]:
    """One row for all cases of a test that passed and recorded nothing."""
    by_function: dict[str, dict[str, Proof]] = {}
    for name, proof in proofs.items():
        by_function.setdefault(function_of(name), {})[name] = proof
    rows: dict[str, Proof] = {}
    for function, cases in by_function.items():
        is_plain = all(proof.result == "passed" and not proof.measured for proof in cases.values())
        if is_plain and len(cases) > 1:
            seconds = sum(float(proof.seconds or 0) for proof in cases.values())
            first = next(iter(cases.values()))
            rows[function] = Proof("passed", f"{seconds:.2f}", first.commit, f"cases: {len(cases)}")
        else:
            rows |= cases
    return rows


def known(text: str) -> dict[str, Proof]:
    """The same, of a page."""
    return {name: Proof(*row) for name, *row in _ROW.findall(text)}


def page(proofs: dict[str, Proof]) -> str:
    """The page of everything that is proven."""
    where = json.dumps({key: value for key, value in machine().items() if key != "commit"}, indent=1)
    rows = "\n".join(f"| `{name}` | {' | '.join(proof)} |" for name, proof in sorted(proofs.items()))
    return (
        "<!-- Written by `make prove`; run it, do not edit. -->\n\n# Proofs\n\n"
        "Tests that are too long for every change, as they last ran, each with the commit that it ran at. "
        "The benchmarks and the evaluation have pages of their own.\n\n"
        f"```json\n{where}\n```\n\n| test | result | seconds | commit | measured |\n|---|---|---|---|---|\n{rows}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
