#!/usr/bin/env python3
"""Simulate an access network for twenty minutes, find the lines that attack, open cases, and show what people get."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

SEED = "7"

OPERATOR = """
[operator]
name_ja = "サンプルネット"
name_en = "Sample Net"
contact_ja = "お客様サポート窓口"
contact_en = "Customer support"
telephone = "0120-000-000"
hours_ja = "9:00から18:00まで"
hours_en = "9:00 to 18:00 JST"
site = "www.isp.example"
"""
"""Who writes the notices; an operator puts its own name into sekisho.toml."""


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    started = time.monotonic()
    find(folder)
    number = worst(folder)
    print("\nThe case of the worst line, and what its subscriber would read (nothing is sent):\n", flush=True)
    run("cases", "show", number, *database(folder))
    for lang in ("ja", "en"):
        run("notice", "preview", number, *database(folder), *configuration(folder), "--lang", lang)
        save(folder / f"notice.{lang}.html", "notice", "preview", number, *settings(folder, lang))
    print("\nThe announcement to all customers:\n", flush=True)
    announce(folder)
    print(f"\nTo look at: {folder}/report.html, {folder}/notice.ja.html, {folder}/announcement.ja.html (and .en.html)")
    print(f"The truth: {folder}/truth.json")
    print(f"{time.monotonic() - started:.0f} s")
    return 0


def find(folder: Path) -> None:
    """From datagrams to cases."""
    print("2,000 lines for 20 minutes, as the export datagrams of two routers:\n")
    run("simulate", "demo", "--output", str(folder), "--seed", SEED)
    with (folder / "sekisho.toml").open("a", encoding="utf-8") as file:
        file.write(OPERATOR)
    (folder / "cases.db").unlink(missing_ok=True)
    print("\nThe same datagrams analysed, as if the capture came from a real network:\n", flush=True)
    files = ("--lines", str(folder / "assignments.csv"), "--lines", str(folder / "lines.csv"))
    rules = ("--map-e", str(folder / "map-e.toml"))
    report = ("--report", str(folder / "report.html"))
    run("analyze", str(folder / "flows.pcap"), *files, *rules, *configuration(folder), *report, *database(folder))


def worst(folder: Path) -> str:
    """Number of the case that takes most of the network."""
    print("\nThe cases that this opened, the most harmful first:\n", flush=True)
    run("cases", "list", *database(folder))
    cases = json.loads(output("cases", "list", *database(folder), "--format", "json"))
    return str(cases[0]["case"])


def announce(folder: Path) -> None:
    """About the event with the most lines."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    period = ("--from", truth["start"], "--until", truth["end"], "--preview")
    run("notice", "announce", *period, *database(folder), *configuration(folder), "--lang", "ja")
    for lang in ("ja", "en"):
        save(folder / f"announcement.{lang}.html", "notice", "announce", *period, *settings(folder, lang))


def settings(folder: Path, lang: str) -> tuple[str, ...]:
    return (*database(folder), *configuration(folder), "--lang", lang, "--as", "html")


def database(folder: Path) -> tuple[str, str]:
    return "--cases", f"sqlite:///{folder / 'cases.db'}"


def configuration(folder: Path) -> tuple[str, str]:
    return "--config", str(folder / "sekisho.toml")


def run(*arguments: str) -> None:
    print(f"$ sekisho {' '.join(arguments)}", flush=True)
    subprocess.run([sekisho(), *arguments], check=True)


def output(*arguments: str) -> str:
    return subprocess.run([sekisho(), *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def save(path: Path, *arguments: str) -> None:
    path.write_text(output(*arguments), encoding="utf-8")


def sekisho() -> str:
    return str(Path(sys.executable).with_name("sekisho"))


if __name__ == "__main__":
    sys.exit(main())
