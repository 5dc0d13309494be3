#!/usr/bin/env python3
"""Long proofs: tests marked `prove`, the evaluation, all benchmarks. Writes their pages in docs/reference/."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import machine

PAGE = Path("docs/reference/proofs.md")

EVALUATED = ("--part", "attacks", "--part", "look-alikes", "--part", "fastnetmon")
"""What fits into eighty minutes; the long run and the ladder of rates take hours: `make evaluate`."""


def main() -> int:
    started = time.monotonic()
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "prove", "-p", "no:randomly", "-v", "--durations=0"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(tests.stdout)
    bench = subprocess.run([sys.executable, "-m", "bench", "--write"], check=False)
    quality = subprocess.run([sys.executable, "-m", "evaluate", "--write", *EVALUATED], check=False)
    PAGE.write_text(page(tests.stdout, time.monotonic() - started), encoding="utf-8")
    return tests.returncode or bench.returncode or quality.returncode


def page(output: str, seconds: float) -> str:
    results = "\n".join(
        f"| `{name}` | {verdict.lower()} |"
        for name, verdict in re.findall(r"^(tests/\S+) (PASSED|FAILED|SKIPPED|ERROR)", output, re.MULTILINE)
    )
    durations = "\n".join(re.findall(r"^\s*[\d.]+s call .*$", output, re.MULTILINE))
    where = json.dumps(machine(), indent=1)
    return (
        "<!-- Written by `make prove`; run it, do not edit. -->\n\n# Proofs\n\n"
        "Tests that are too long for every change, as they last ran; "
        f"{seconds / 60:.0f} minutes with the evaluation and the benchmarks.\n\n```json\n{where}\n```\n\n"
        f"| test | result |\n|---|---|\n{results}\n\n```\n{durations}\n```\n"
    )


if __name__ == "__main__":
    sys.exit(main())
