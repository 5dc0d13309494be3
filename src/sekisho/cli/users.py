"""``sekisho users``: who may come in to the console, and which programs to its API; on the machine alone."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho.cases.roles import Action, Role
from sekisho.cli.cases import CasesOption, ConfigOption, configuration, database_of
from sekisho.core.errors import InputError
from sekisho.core.time import iso, now_ms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act

ADD_EXAMPLES = """
Examples:

    sekisho users add abe --role operator --config sekisho.toml

    sekisho users add sato --role operator --role approver --config sekisho.toml < password.txt
"""

PROGRAM_EXAMPLES = """
Examples:

    sekisho users token abe --name nightly-export --scope look --scope watch --days 90 --config sekisho.toml

    sekisho users token abe --revoke 3 --config sekisho.toml
"""

OWN = "own_network_protection"

app = typer.Typer(no_args_is_help=True, help="Who may come in to the console and its API.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
RolesOption = Annotated[list[Role], typer.Option("--role", help="What the person is; may be given several times.")]


@app.command(epilog=ADD_EXAMPLES)
def add(
    name: Name,
    roles: RolesOption,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Comes in by a proxy's sign-in alone, and on the command line.")
    ] = False,
    cases: CasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an account; the password is asked for twice, or read from standard input."""
    from sekisho.cases.accounts import people

    word = None if no_password else _password()
    with _acting(cases, config) as (connection, act):
        people.add(connection, name, word, roles, act)


@app.command("list")
def list_accounts(cases: CasesOption = None, config: ConfigOption = None) -> None:
    """List accounts: name, roles, state; then tokens: number, account, name, scopes, end, state."""
    from sekisho.cases.accounts import people, tokens
    from sekisho.cases.database import reading

    now = now_ms()
    with reading(database_of(cases, configuration(config))) as connection:
        _require_admin(connection)
        for account in people.everybody(connection):
            state = "enabled" if account.is_enabled else "disabled"
            typer.echo(f"{account.name}\t{','.join(sorted(account.roles))}\t{state}")
        for token in tokens.of_everybody(connection):
            over = token.revoked_at_ms is not None or token.expires_at_ms <= now
            cells = (token.number, token.account.name, token.name, ",".join(sorted(token.scopes)))
            typer.echo("\t".join(map(str, (*cells, iso(token.expires_at_ms), "over" if over else "valid"))))


@app.command()
def roles(name: Name, roles: RolesOption, cases: CasesOption = None, config: ConfigOption = None) -> None:
    """Give an account other roles in place of those that it has; they hold from the next page on."""
    from sekisho.cases.accounts import people

    with _acting(cases, config) as (connection, act):
        people.set_roles(connection, name, roles, act)


@app.command()
def password(name: Name, cases: CasesOption = None, config: ConfigOption = None) -> None:
    """Give an account another password; whoever is signed in under it is signed out."""
    from sekisho.cases.accounts import people

    word = _password()
    with _acting(cases, config) as (connection, act):
        people.set_password(connection, name, word, act)


@app.command()
def disable(name: Name, cases: CasesOption = None, config: ConfigOption = None) -> None:
    """Keep a person out from now on, with all sessions and tokens."""
    from sekisho.cases.accounts import people

    with _acting(cases, config) as (connection, act):
        people.disable(connection, name, act)


@app.command(epilog=PROGRAM_EXAMPLES)
def token(
    name: Name,
    label: Annotated[str, typer.Option("--name", help="What the program is called.")] = "",
    scopes: Annotated[
        list[Action] | None, typer.Option("--scope", help="What it may do, of what its person may; several times.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it is valid.")] = 90,
    revoke: Annotated[int | None, typer.Option("--revoke", metavar="NUMBER", help="End this token instead.")] = None,
    cases: CasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a token for a program that acts for this person; it is shown once."""
    from sekisho.cases.accounts import people, tokens

    if revoke is None and not (label and scopes):
        raise InputError("users token", "expected --name and at least one --scope, or --revoke NUMBER")
    with _acting(cases, config) as (connection, act):
        account = people.find(connection, name)
        if revoke is not None:
            tokens.revoke(connection, revoke, act)
            return
        secret = tokens.issue(connection, account, label, scopes or (), days, act)
    typer.echo(secret)


def _password() -> str:
    if sys.stdin.isatty():
        word: str = typer.prompt("password", hide_input=True, confirmation_prompt=True)
        return word
    return sys.stdin.readline().rstrip("\r\n")


@contextmanager
def _acting(url: str | None, config: Path | None) -> Iterator[tuple[Connection, Act]]:
    from sekisho.cases.database import writing
    from sekisho.cases.lifecycle import Act
    from sekisho.cli.hunt import caller

    with writing(database_of(url, configuration(config))) as connection:
        _require_admin(connection)
        yield connection, Act(actor=caller(), purpose=OWN, at_ms=now_ms())


def _require_admin(connection: Connection) -> None:
    """As long as no account is an admin's, whoever can open the database: somebody has to be the first.

    Raises:
        Refused: there is an admin, and this person is none.
    """
    from sekisho.cases.accounts.people import has, roles_of
    from sekisho.cases.roles import require
    from sekisho.cli.hunt import caller

    if has(connection, Role.ADMIN):
        require(Action.ACCOUNTS, roles_of(connection, caller()), caller())
