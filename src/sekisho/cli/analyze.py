"""``sekisho analyze``: captured export datagrams in, the lines that flood or scan out."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.pipeline.analysis import Analysis
    from sekisho.web.report import ReportSeries

EXAMPLES = """
Examples:

    sekisho analyze exports.pcap --lines assignments.csv

    sekisho analyze exports.pcap --lines assignments.csv --map-e rules.toml --config sekisho.toml --report report.html

    sekisho analyze exports.pcap --lines assignments.csv --cases sqlite:///cases.db

    sekisho analyze exports.pcap --lines assignments.csv --indicators feed.csv

    sekisho analyze /var/lib/sekisho/flows --lines assignments.csv --engine spark --master spark://master:7077

    tcpdump -w - udp port 2055 | sekisho analyze - --lines assignments.parquet --format json
"""


class Form(StrEnum):
    """How the result is written."""

    TABLE = "table"
    JSON = "json"


class EngineName(StrEnum):
    """What runs the detectors' SQL."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class Language(StrEnum):
    """Language of the table."""

    JA = "ja"
    EN = "en"

    @classmethod
    def of_environment(cls) -> Language:
        """Japanese where the locale is, else English."""
        locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
        return cls.JA if locale.startswith("ja") else cls.EN


def analyze(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="pcap or pcapng files that hold export datagrams; - is standard input."
        ),
    ],
    lines: Annotated[
        list[Path] | None,
        typer.Option("--lines", help="Assignments or lines file, CSV or Parquet; may be given several times."),
    ] = None,
    map_e: Annotated[Path | None, typer.Option("--map-e", help="MAP-E rules, TOML.")] = None,
    radius: Annotated[
        list[Path] | None, typer.Option("--radius", help="FreeRADIUS detail file; may be given several times.")
    ] = None,
    kea: Annotated[
        list[Path] | None, typer.Option("--kea", help="Kea lease file (memfile); may be given several times.")
    ] = None,
    cgnat: Annotated[
        list[Path] | None, typer.Option("--cgnat", help="Log of an address translator; may be given several times.")
    ] = None,
    indicators: Annotated[
        list[Path] | None,
        typer.Option(
            "--indicators",
            help="Addresses that malware reports to: list, CSV, MISP or STIX 2.1. Lines in contact are looked for; "
            "may be given several times.",
        ),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="What narrows the flows down: this process, or Spark over a flow store.")
    ] = EngineName.DUCKDB,
    master: Annotated[
        str, typer.Option("--master", help="Spark's master, such as spark://HOST:7077; with --engine spark.")
    ] = "local[*]",
    config: Annotated[
        Path | None, typer.Option("--config", help="sekisho.toml; without it every exporter of the input is accepted.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="Table for people, JSON for programs.")] = Form.TABLE,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write a self-contained HTML page to this file.")
    ] = None,
    cases: Annotated[
        str | None, typer.Option("--cases", help="Also open and renew cases in this database: sqlite:///PATH.")
    ] = None,
    lang: Annotated[
        Language | None, typer.Option("--lang", help="Language of the table; else that of the environment.")
    ] = None,
) -> None:
    """Find the lines that send unintended mass traffic in captured export datagrams.

    Nothing is stored, and no case is opened unless --cases says where. Exit status 0 means that the input was analysed,
    whatever was found.
    """
    from sekisho.cli import progress

    if report is not None:
        _require_writable(report)
    if cases is not None:
        from sekisho.cases.database import require_usable

        require_usable(cases)

    with progress.bar() as bar:
        analysis = _analyzer(engine, master, with_series=report is not None)(
            inputs,
            lines=lines or [],
            map_e=map_e,
            radius=radius or [],
            kea=kea or [],
            cgnat=cgnat or [],
            config_file=config,
            on_progress=bar,
            indicators=indicators or [],
        )
    language = lang or Language.of_environment()
    for remark in analysis.remarks:
        typer.echo(f"sekisho: {remark.text(language.value)}", err=True)
    if report is not None:
        _write_report(report, analysis)
    if cases is not None:
        from sekisho.cli.cases import record

        record(cases, analysis.document, lang=language.value)
    if form is Form.JSON:
        typer.echo(analysis.to_json())
    else:
        from sekisho.cli import table

        table.show(analysis, lang=language.value)


def _analyzer(engine: EngineName, master: str, *, with_series: bool) -> Callable[..., Analysis]:
    """Everything in this process, or what Spark narrows down; the latter has no traffic over time."""
    if engine is EngineName.SPARK:
        from sekisho.pipeline import distributed

        return partial(distributed.analyze, master=master)
    from sekisho.pipeline import batch

    return partial(batch.analyze, engine=engine.value, with_series=with_series)


def _require_writable(path: Path) -> None:
    """Find out before the work what would spoil it afterwards."""
    from sekisho.core.errors import InputError

    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(path, "expected a file that can be written in a folder that exists")


def _write_report(path: Path, analysis: Analysis) -> None:
    from sekisho.core.errors import InputError
    from sekisho.web.report import render

    try:
        path.write_text(render(analysis.document, _rates(analysis)), encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"expected a file that can be written, found: {error.strerror}") from error


def _rates(analysis: Analysis) -> ReportSeries:
    """Octets by window as bits a second."""
    from sekisho.schema.line_window import WINDOW_MS
    from sekisho.web.report import ReportSeries

    traffic = analysis.series
    if traffic is None:
        return ReportSeries()
    bits = 8000 / WINDOW_MS
    return ReportSeries(
        times_ms=traffic.times_ms,
        outbound_bps=[bits * octets for octets in traffic.outbound],
        detected_bps={key: [bits * octets for octets in row] for key, row in traffic.detected.items()},
    )
