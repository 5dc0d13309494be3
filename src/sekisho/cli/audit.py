"""``sekisho audit``: is the audit trail whole."""

from __future__ import annotations

from typing import Annotated

import typer

from sekisho.cases.roles import Action
from sekisho.cli.cases import CasesOption, ConfigOption, configuration, database_of, require_role

VERIFY_EXAMPLES = """
Examples:

    sekisho audit verify --config sekisho.toml

    sekisho audit verify --cases sqlite:///cases.db --expect 3f0c…
"""

app = typer.Typer(no_args_is_help=True, help="Verify the audit trail.")


@app.callback()
def audit() -> None:
    """Stand before the commands, so that there can be more than one."""


@app.command(epilog=VERIFY_EXAMPLES)
def verify(
    cases: CasesOption = None,
    config: ConfigOption = None,
    expect: Annotated[
        str | None, typer.Option("--expect", help="Digest of an earlier end that was kept elsewhere; it must be there.")
    ] = None,
) -> None:
    """Walk the chain of the audit trail and print its end: number of rows and digest.

    Exit status 1 says that a row was changed, removed or put in, and which.
    """
    from sekisho.cases.audit import Intact, holds, verify
    from sekisho.cases.database import reading

    settings = configuration(config)
    require_role(Action.AUDIT, settings)
    with reading(database_of(cases, settings)) as connection:
        found = verify(connection)
        known = expect is None or holds(connection, expect)
    if not isinstance(found, Intact):
        place = "end" if found.row is None else f"row {found.row}"
        typer.echo(f"sekisho: audit trail, {place}: {found.why}", err=True)
        raise typer.Exit(1)
    if not known:
        typer.echo("sekisho: audit trail: no row has the expected digest", err=True)
        raise typer.Exit(1)
    typer.echo(f"{found.rows} {found.digest}")
