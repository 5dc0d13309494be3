"""``sekisho simulate``: a scenario as export datagrams, to files or to a collector on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sekisho.simulate.run import Outcome
    from sekisho.simulate.scenario import Scenario

EXAMPLES = """
Examples:

    sekisho simulate --list

    sekisho simulate demo -o demo --seed 1

    sekisho simulate bench -o bench --duration 60

    sekisho simulate quick -o quick --to 127.0.0.1:2055

    sekisho simulate look-alikes --set exporter.sampling_interval=1000 --set exporter.sees=outbound
"""


def simulate(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="Name of a scenario, or a TOML file that describes one.")
    ] = None,
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the files; by default the scenario's name.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="HOST:PORT", help="Send the datagrams in real time, to a private address only."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same octets.")] = 1,
    duration: Annotated[
        int | None, typer.Option(min=1, metavar="SECONDS", help="Instead of the scenario's own duration.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A value of the scenario, such as exporter.loss=0.01."),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Show the scenarios and leave.")] = False,
) -> None:
    """Make export datagrams of an access network, and the truth about them.

    Writes `flows.pcap`, `assignments.csv`, `lines.csv`, `map-e.toml`, `sekisho.toml` and `truth.json`, and
    `indicators.csv` where lines are in contact with a controller; with `--to` the datagrams are sent instead of
    written.
    """
    from sekisho.simulate.scenario import load, shipped

    if show_list:
        for name, title in shipped().items():
            typer.echo(f"{name:12} {title}")
        return
    if scenario is None:
        raise typer.BadParameter(f"which one? There are: {', '.join(shipped())}", param_hint="SCENARIO")
    overrides = dict(_override(text) for text in changes or ())
    if duration is not None:
        overrides["duration_s"] = duration
    chosen = load(scenario).with_overrides(overrides)
    _run(chosen, output or Path(chosen.name), to, seed)


def _override(text: str) -> tuple[str, object]:
    """Key and value; the value is TOML where it can be, else the text itself."""
    import tomllib

    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"expected KEY=VALUE, found {text}", param_hint="--set")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _run(scenario: Scenario, folder: Path, to: str | None, seed: int) -> None:
    from sekisho.cli import progress
    from sekisho.simulate import run, send

    collector = send.Collector.parse(to) if to is not None else None
    with progress.bar() as bar:

        def on_progress(share: float) -> None:
            bar("Simulating", round(100 * share), 100)

        if collector is None:
            outcome = run.simulate(scenario, folder, seed=seed, on_progress=on_progress)
        else:
            outcome = send.send(scenario, folder, collector, seed=seed, on_progress=on_progress)
    typer.echo(_summary(outcome, folder), err=True)


def _summary(outcome: Outcome, folder: Path) -> str:
    return f"sekisho: {outcome.records:,} records in {outcome.datagrams:,} datagrams; files in {folder}"
