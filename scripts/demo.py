#!/usr/bin/env python3
"""Simulate an access network for twenty minutes, find the lines that attack, and write a page about it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

SEED = "7"


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    sekisho = str(Path(sys.executable).with_name("sekisho"))
    started = time.monotonic()
    print("2,000 lines for 20 minutes, as the export datagrams of two routers:\n")
    run(sekisho, "simulate", "demo", "--output", str(folder), "--seed", SEED)
    print("\nThe same datagrams analysed, as if the capture came from a real network:\n", flush=True)
    run(
        sekisho,
        "analyze",
        str(folder / "flows.pcap"),
        *("--lines", str(folder / "assignments.csv"), "--lines", str(folder / "lines.csv")),
        *("--map-e", str(folder / "map-e.toml"), "--config", str(folder / "sekisho.toml")),
        *("--report", str(folder / "report.html")),
    )
    print(f"\nThe page: {folder / 'report.html'}    the truth: {folder / 'truth.json'}")
    print(f"{time.monotonic() - started:.0f} s")
    return 0


def run(*command: str) -> None:
    print(f"$ {' '.join(['sekisho', *command[1:]])}", flush=True)
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
