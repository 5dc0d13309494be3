"""``sekisho audit``: is the audit trail whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cases.roles import Action
from sekisho.cli.cases import CasesOption, ConfigOption, configuration, looking

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
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of a flow store: its audit file, instead of the database.")
    ] = None,
) -> None:
    """Walk the chain of the audit trail and print its end: number of rows and digest.

    Hunts are recorded in the store, everything about cases in the case database.

    Exit status 1 says that a row was changed, removed or put in, and which.
    """
    from sekisho.cases.audit import Intact, holds, verify

    if store is not None:
        # Where there are accounts, their roles hold for this trail as well.
        if cases is not None or configuration(config).cases.url is not None:
            with looking(Action.AUDIT, cases, config):
                pass
        _verify_file(store, expect)
        return
    with looking(Action.AUDIT, cases, config) as connection:
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


def _verify_file(store: Path, expect: str | None) -> None:
    from sekisho.core.errors import InputError
    from sekisho.store.audit import AUDIT, digest_of_end, first_break

    path = store / AUDIT
    try:
        line = first_break(path, expect=expect)
        digest = digest_of_end(path)
    except OSError as error:
        raise InputError(path, f"expected an audit file, found: {error.strerror}") from error
    if line is not None:
        typer.echo(f"sekisho: {path}, line {line}: it does not name the line before, or is missing", err=True)
        raise typer.Exit(1)
    typer.echo(digest)
