"""``sekisho reports``: what third parties report, and whose lines they mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho.cases.evidence.forms import ReportForm
from sekisho.cli.analyze import Form
from sekisho.cli.cases import CasesOption, ConfigOption  # noqa: TC001 (Typer reads them at run time)

if TYPE_CHECKING:
    from sekisho.attribution.attributor import Attributor
    from sekisho.cases.evidence.model import ReportedEvidence
    from sekisho.core.config import Config

EXAMPLES = """
Examples:

    sekisho reports read 2026-11-24-scan_dns.csv --lines assignments.csv

    sekisho reports read report.eml --lines assignments.csv --map-e rules.toml --format json

    sekisho reports read report.csv --config sekisho.toml --join

    sekisho reports read list.csv --columns columns.toml --lines assignments.csv
"""

XARF_EXAMPLES = """
Examples:

    sekisho reports xarf 12 --contact abuse@example.jp --port 40000 --purpose own_network_protection
"""

app = typer.Typer(no_args_is_help=True, help="Read third parties' reports: Shadowserver, XARF, lists as CSV.")


@app.callback()
def reports() -> None:
    """Keep ``read`` a command of its own."""


@app.command(epilog=EXAMPLES)
def read(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, JSON, or a mail that carries them.")],
    lines: Annotated[
        list[Path] | None, typer.Option("--lines", help="Assignments and lines files, told apart by header.")
    ] = None,
    form: Annotated[
        ReportForm | None, typer.Option("--as", help="The form of the files; without it each file tells.")
    ] = None,
    columns: Annotated[
        Path | None, typer.Option("--columns", help="Which column of a list holds what, TOML; names the zone.")
    ] = None,
    map_e: Annotated[Path | None, typer.Option("--map-e", help="MAP-E rules, TOML.")] = None,
    realm: Annotated[str, typer.Option(help="Address realm of the reported addresses.")] = "",
    config: Annotated[
        Path | None, typer.Option("--config", help="sekisho.toml: sources of assignments, our prefixes, partners.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Note each entry as a second signal of the open case that it speaks for.")
    ] = False,
    cases: CasesOption = None,
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="CODE", help="Of --join: what for, a code of the policy.")
    ] = "own_network_protection",
    ask: Annotated[
        Path | None, typer.Option("--partner-query", help="Write what only partners know as a query, CSV.")
    ] = None,
    output: Annotated[Form, typer.Option("--format", help="Table for people, JSON for programs.")] = Form.TABLE,
) -> None:
    """Say of each reported address whose line it was at the reported time and port, or why nobody can know.

    A file without a single entry is an error, and the others are read all the same.
    """
    import json

    from sekisho.attribution.partner import Partner, query_csv
    from sekisho.cases.evidence.columns import load_columns
    from sekisho.cases.evidence.model import Parsed, attribute, questions_of
    from sekisho.cases.evidence.reading import read_report
    from sekisho.core.config import load_config
    from sekisho.core.errors import ConfigError, InputError

    if form is ReportForm.CSV and columns is None:
        raise ConfigError("command line", "--columns", expected="the map of the list's columns", found=None)
    known = load_columns(columns) if columns is not None else None
    settings = load_config(config, os.environ)
    partners = [Partner(name=partner.name, prefixes=partner.prefixes) for partner in settings.partner]
    together, failed = Parsed(), False
    for file in files:
        try:
            parsed = read_report(file, form=form, columns=known)
        except InputError as error:
            typer.echo(f"sekisho: {error}", err=True)
            failed = True
            continue
        together.entries += parsed.entries
        together.dropped += parsed.dropped
    attributor = _attributor(lines or [], map_e, settings)
    found = list(attribute(together.entries, attributor, realm=realm, partners=partners))
    if join:
        _join(found, cases, config, purpose)
    if ask is not None:
        ask.write_text(query_csv(questions_of(found, partners)), encoding="utf-8")
    dropped = {reason.value: count for reason, count in together.dropped.items()}
    if output is Form.JSON:
        document = {"entries": [evidence.to_json() for evidence in found], "dropped": dropped}
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        _show(found)
        for reason, count in sorted(dropped.items()):
            typer.echo(f"sekisho: not used: {reason} {count}", err=True)
    if failed:
        raise typer.Exit(2)


@app.command(epilog=XARF_EXAMPLES)
def xarf(
    number: Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.")],
    reporter: Annotated[str, typer.Option("--contact", metavar="MAIL", help="Address that answers questions.")],
    purpose: Annotated[str, typer.Option("--purpose", metavar="CODE", help="What for, a code of the policy.")],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Source port that the flows show; else one of the line's.")
    ] = 0,
    protocol: Annotated[int, typer.Option("--protocol", min=0, max=255, help="IANA number.")] = 17,
    address: Annotated[
        str | None, typer.Option("--address", help="Which of the line's addresses; needed where it held several.")
    ] = None,
    org: Annotated[str | None, typer.Option("--org", help="Who reports; else [operator] name_en.")] = None,
    cases: CasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Print the reports of a case as XARF 4, one a line, for the partner or network whose customer it is.

    They hold address, source port, time and volume. Destinations, evidence and everything internal stay here. That it
    was told is in the audit trail.
    """
    import json

    from sekisho.cases import audit
    from sekisho.cases.evidence.outgoing import Contact, reports_of
    from sekisho.cases.read import get_case
    from sekisho.cases.roles import Action
    from sekisho.cli.case_acts import acting
    from sekisho.core.errors import ConfigError

    with acting(Action.REVEAL, cases, config, purpose) as (connection, act, _, settings):
        name = org or settings.operator.name_en
        if name is None:
            raise ConfigError("configuration", "operator.name_en", expected="who reports, or --org", found=None)
        who = Contact(org=name, contact=reporter, domain=reporter.rpartition("@")[2])
        case = get_case(connection, number)
        found = reports_of(case, address=address, port=port, protocol=protocol, reporter=who)
        audit.append(connection, "xarf", act, case_id=number, details={"reports": [one["report_id"] for one in found]})
    for report in found:
        typer.echo(json.dumps(report, ensure_ascii=False))


def _join(found: list[ReportedEvidence], cases: str | None, config: Path | None, purpose: str) -> None:
    from sekisho.cases.evidence.joining import join
    from sekisho.cases.roles import Action
    from sekisho.cli.case_acts import acting

    with acting(Action.ANSWER, cases, config, purpose) as (connection, act, _, _):
        done = join(connection, found, act)
    typer.echo(
        f"sekisho: {done.entries} entries speak for {done.cases} open cases, {done.elsewhere} for none, "
        f"{done.unsure} have no certain line",
        err=True,
    )


def _attributor(lines: list[Path], map_e: Path | None, settings: Config) -> Attributor:
    from sekisho.pipeline.batch import load_attributor

    attributor = load_attributor(settings, lines, map_e, lambda *_: None)
    attributor.start()
    return attributor


def _show(found: list[ReportedEvidence]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from sekisho.attribution.outcome import Attributed
    from sekisho.core.time import jst_and_utc

    table = Table(box=box.SIMPLE)
    for name in ("line", "category", "observed", "address", "source", "says"):
        table.add_column(name, overflow="fold")
    for evidence in found:
        entry, line = evidence.entry, evidence.line
        table.add_row(
            line.line_id if isinstance(line, Attributed) else line.reason.label,
            entry.category.value,
            jst_and_utc(entry.observed_at_ms),
            f"{entry.address} {entry.port or ''}".rstrip(),
            entry.source,
            entry.says,
        )
    Console().print(table)
