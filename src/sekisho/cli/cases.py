"""``sekisho cases``: which lines have a case, and what is known about one of them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sekisho.cases.roles import Action
from sekisho.cases.states import OPEN, State
from sekisho.cli.analyze import Form, Language
from sekisho.core.errors import InputError
from sekisho.core.time import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from sekisho.core.config import Config

LIST_EXAMPLES = """
Examples:

    sekisho cases list --cases sqlite:///cases.db

    sekisho cases list --config sekisho.toml --kind scan --state open --format json
"""

SHOW_EXAMPLES = """
Examples:

    sekisho cases show 11 --cases sqlite:///cases.db

    sekisho cases show 11 --config sekisho.toml --lang ja
"""

RECORDED = {
    "ja": "ケース: 新規 {opened}、再発 {relapsed}、更新 {updated}、変更なし {unchanged}",
    "en": "cases: {opened} opened, {relapsed} relapsed, {updated} updated, {unchanged} unchanged",
}

app = typer.Typer(no_args_is_help=True, help="Look at cases and decide about them.")

CasesOption = Annotated[
    str | None, typer.Option("--cases", help="Case database, sqlite:///PATH; else [cases] url of the configuration.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="sekisho.toml.")]
LanguageOption = Annotated[Language | None, typer.Option("--lang", help="Language; else that of the environment.")]
FormOption = Annotated[Form, typer.Option("--format", help="Table for people, JSON for programs.")]


@app.command("list", epilog=LIST_EXAMPLES)
def list_cases(
    cases: CasesOption = None,
    config: ConfigOption = None,
    states: Annotated[
        list[State] | None,
        typer.Option(
            "--state", help="Only this state; may be given several times. Without it, all that are not closed."
        ),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only cases in which this was seen, such as udp_flood.")] = None,
    line: Annotated[str | None, typer.Option(help="Only this line, closed cases included.")] = None,
    form: FormOption = Form.TABLE,
    lang: LanguageOption = None,
) -> None:
    """List cases, the most harmful first."""
    import json

    from sekisho.cases.read import find_cases

    wanted = states or (tuple(State) if line is not None else OPEN)
    with looking(Action.LOOK, cases, config) as connection:
        found = find_cases(connection, states=wanted, kind=kind, line_id=line)
    if form is Form.JSON:
        typer.echo(json.dumps([case.to_json() for case in found], ensure_ascii=False, indent=1))
    else:
        from sekisho.cli import case_view

        case_view.show_list(found, lang=(lang or Language.of_environment()).value)


@app.command(epilog=SHOW_EXAMPLES)
def show(
    number: Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.")],
    cases: CasesOption = None,
    config: ConfigOption = None,
    form: FormOption = Form.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Show a case: what was seen, how sure that is, how far the measures are, and who did what.

    Volumes and counts only: where the traffic went is shown by `sekisho cases reveal`, for a purpose.
    """
    import json

    from sekisho.cases.read import get_case

    with looking(Action.LOOK, cases, config) as connection:
        case = get_case(connection, number)
    if form is Form.JSON:
        typer.echo(json.dumps(case.to_json(), ensure_ascii=False, indent=1))
    else:
        from sekisho.cli import case_view

        case_view.show_case(case, lang=(lang or Language.of_environment()).value)


def record(url: str, document: Mapping[str, Any], *, lang: str) -> None:
    """Write the cases of an analysis and say in one line what became of them."""
    from dataclasses import asdict

    from sekisho.cases.record import record_analysis

    result = record_analysis(url, document, now_ms=now_ms())
    typer.echo(f"sekisho: {RECORDED[lang].format(**asdict(result))}", err=True)


@contextmanager
def looking(action: Action, url: str | None, config: Path | None) -> Iterator[Connection]:
    """One view of the database, for a person who may look.

    Raises:
        Refused: there are accounts, and this person has none whose roles are enough.
    """
    from sekisho.cases.accounts.people import roles_of
    from sekisho.cases.database import reading
    from sekisho.cases.roles import require
    from sekisho.cli.hunt import caller

    person = caller()
    with reading(database_of(url, configuration(config))) as connection:
        require(action, roles_of(connection, person), person)
        yield connection


def configuration(path: Path | None) -> Config:
    """The configuration that a command was given, or the defaults and the environment."""
    from sekisho.core.config import load_config

    return load_config(path, os.environ)


def database_of(url: str | None, config: Config) -> str:
    """The case database that a command is about.

    Raises:
        InputError: neither the option nor the configuration names one.
    """
    if url is None and config.cases.url is None:
        raise InputError("case database", "expected --cases URL, or [cases] url in the file that --config names")
    return url or config.cases.url or ""
