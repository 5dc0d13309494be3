"""``sekisho contacts``: the sealed book of contacts, and the lines that nothing reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho.cli.cases import CasesOption, ConfigOption, configuration, database_of
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from sekisho.core.config import Config
    from sekisho.notices.contacts.contact import ContactSource

KEY_EXAMPLES = """
Example:

    sekisho contacts key /etc/sekisho/contacts.key
"""

IMPORT_EXAMPLES = """
Example:

    sekisho contacts import contacts.csv --config sekisho.toml
"""

MISSING_EXAMPLES = """
Example:

    sekisho contacts missing --config sekisho.toml
"""

app = typer.Typer(no_args_is_help=True, help="Where subscribers can be reached.")


@app.command(epilog=KEY_EXAMPLES)
def key(file: Annotated[Path, typer.Argument(metavar="FILE", help="New key file; one that is there is left.")]) -> None:
    """Make a key for the book of contacts, readable by its owner only."""
    from sekisho.notices.contacts.sealing import make_key

    make_key(file)
    typer.echo(f"{file}: a new key; keep a copy apart from the book, for the book cannot be read without it")


@app.command("import", epilog=IMPORT_EXAMPLES)
def import_file(
    source: Annotated[Path, typer.Argument(metavar="CSV", help="Contacts by line_id.")],
    config: ConfigOption = None,
) -> None:
    """Make the book anew from a CSV file; the file itself is not needed afterwards.

    Columns: line_id, name, mail, telephone, postal_code, address, language, channel. Errors name line and column
    and never what stands there.
    """
    from sekisho.notices.contacts.book import import_contacts

    contacts = configuration(config).contacts
    if contacts.book is None or contacts.key_file is None:
        raise InputError("contacts", "expected [contacts] book and key_file in the file that --config names")
    count = import_contacts(source, contacts.book, contacts.key_file)
    typer.echo(f"{contacts.book}: {count} contact{'' if count == 1 else 's'}")


@app.command(epilog=MISSING_EXAMPLES)
def missing(cases: CasesOption = None, config: ConfigOption = None) -> None:
    """List the open cases whose subscriber nothing reaches: number, line and reason. Each is work for a person."""
    from sekisho.cases.database import reading
    from sekisho.cases.read import find_cases
    from sekisho.cases.states import OPEN
    from sekisho.notices.contacts.join import without_contact

    settings = configuration(config)
    source = _source(settings)
    with reading(database_of(cases, settings)) as connection:
        found = find_cases(connection, states=OPEN, kind=None, line_id=None)
    for case, reason in without_contact(found, source):
        typer.echo(f"{case.number}\t{case.line_id}\t{reason}")


def _source(config: Config) -> ContactSource:
    from sekisho.notices.contacts.join import source_of

    source = source_of(config)
    if source is None:
        raise InputError("contacts", "expected [contacts] book or url in the file that --config names")
    return source
