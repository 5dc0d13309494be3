"""``python -m bench``: every budget, each module in a process of its own, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.measure import machine

MODULES = ("decode", "capture", "attribution", "windows", "verdict", "store", "live", "casework", "portal", "console")

PAGE = Path("docs/reference/benchmarks.md")

BUDGETS = """| what | at least |
|---|---|
| decode only, v9 16 fields, one core | 20 M records/s |
| attribution, 10 M assignments of mixed kinds | 10 M lookups/s on one core (two a record), < 2 GiB |
| windows kernel | 10 M records/s |
| to verdict (receive, decode, attribute both sides, windows, detect) | 2 M records per CPU-second |
| flow store after compaction | at most 20 octets a record |
| hunt | 4 times as fast as `nfdump` |
| case work of a tick, 100,000 lines, 5,000 open cases | under 1 s |
| pages of the operators' console, 100,000 lines, 5,000 open cases | under 300 ms of CPU each |
| pages of the subscribers' portal, one core, 5,000 open cases | 200 a second |
"""


def main() -> int:
    """Run all, print what they print; with ``--write`` also write the reference page."""
    outputs = {name: run(name) for name in MODULES}
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(outputs), encoding="utf-8")
    return 0


def run(name: str) -> str:
    """Standard output of one benchmark, shown as it comes to an end."""
    print(f"== {name}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    return done.stdout


def page(outputs: dict[str, str]) -> str:
    """The reference page: budgets, machine, and what each benchmark printed."""
    where = json.dumps(machine(), indent=1)
    parts = [f"## `bench.{name}`\n\n```json\n{text.strip()}\n```\n" for name, text in outputs.items()]
    return (
        "<!-- Written by `make prove`; run it, do not edit. -->\n\n# Benchmarks\n\n"
        "Budgets of the design, and what was measured on the machine and commit below. Rates are per CPU-second.\n"
        f"\n{BUDGETS}\n```json\n{where}\n```\n\n" + "\n".join(parts)
    )


if __name__ == "__main__":
    sys.exit(main())
