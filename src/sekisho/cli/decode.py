"""``sekisho decode``: captured export datagrams to the records that they hold."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.attribution.attributor import Attributor

EXAMPLES = """
Examples:

    sekisho decode exports.pcap --format jsonl

    sekisho decode exports.pcap --format parquet -o flows.parquet

    sekisho decode exports.pcap --format csv --lines assignments.csv --map-e rules.toml
"""


class Form(StrEnum):
    """How records are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def decode(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="pcap or pcapng files that hold export datagrams; - is standard input."
        ),
    ],
    form: Annotated[Form, typer.Option("--format", help="JSON lines, CSV or Parquet.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; by default standard output.")
    ] = None,
    lines: Annotated[
        list[Path] | None,
        typer.Option("--lines", help="Assignments: adds the line of each side, or why there is none."),
    ] = None,
    map_e: Annotated[Path | None, typer.Option("--map-e", help="MAP-E rules, TOML.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also options records and NAT events, where they stand between the flows.")
    ] = False,
) -> None:
    """Write the flow records of captured export datagrams, in their order.

    The columns are those of the flow table; packets and octets are as exported, never scaled.
    """
    from sekisho.cli import progress
    from sekisho.pipeline import decode as pipeline

    with progress.bar() as bar, _opened(output) as file:
        decoded = pipeline.decode(
            inputs,
            form=pipeline.Form(form.value),
            output=file,
            attribution=_attribution(lines or [], map_e, bar),
            events=everything,
            on_progress=bar,
        )
    for sentence in decoded.sentences():
        typer.echo(f"sekisho: {sentence}", err=True)


def _attribution(
    lines: list[Path], map_e: Path | None, on_progress: Callable[[str, int, int | None], None]
) -> Attributor | None:
    if not lines and map_e is None:
        return None
    from sekisho.attribution.attributor import Attributor
    from sekisho.core.config import Network

    return Attributor.load(
        lines=lines,
        map_e=map_e,
        network=Network(),
        realms=[""],
        on_progress=lambda rows: on_progress("assignments", rows, None),
    )


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if output is None or str(output) == "-":
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    from sekisho.core.errors import InputError

    part = output.with_name(f".{output.name}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise InputError(output, f"expected a file that can be written, found: {error.strerror}") from error
    try:
        with file:
            yield file
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
