"""``python -m bench [NAME...]``: every budget, each module in a process of its own, one after the other."""

from __future__ import annotations

import argparse
import json
import re
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
    """Run them, print what they print; with ``--write`` also renew their parts of the reference page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"these alone: {', '.join(MODULES)}")
    parser.add_argument("--write", action="store_true", help="renew their parts of the reference page")
    arguments = parser.parse_args()
    commit = machine()["commit"]
    parts = parts_of(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    for name in arguments.names or MODULES:
        parts[name] = f"Commit {commit}.\n\n```json\n{run(name).strip()}\n```"
        if arguments.write:
            PAGE.write_text(page(parts), encoding="utf-8")
    return 0


def run(name: str) -> str:
    """Standard output of one benchmark, shown as it comes to an end."""
    print(f"== {name}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    return done.stdout


def parts_of(text: str) -> dict[str, str]:
    """What the page says of each benchmark."""
    found = re.split(r"^## `bench\.(\w+)`$", text, flags=re.MULTILINE)[1:]
    return {name: part.strip() for name, part in zip(found[::2], found[1::2], strict=True)}


def page(parts: dict[str, str]) -> str:
    """The reference page: budgets, machine, and what each benchmark printed."""
    where = json.dumps({key: value for key, value in machine().items() if key != "commit"}, indent=1)
    told = [f"## `bench.{name}`\n\n{parts[name]}\n" for name in MODULES if name in parts]
    return (
        "<!-- Written by `make prove`; run it, do not edit. -->\n\n# Benchmarks\n\n"
        "Budgets of the design, and what was measured on the machine below, each at its commit. "
        "Rates are per CPU-second.\n"
        f"\n{BUDGETS}\n```json\n{where}\n```\n\n" + "\n".join(told)
    )


if __name__ == "__main__":
    sys.exit(main())
