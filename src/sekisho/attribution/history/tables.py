"""The history on disk: SQLite, written in one transaction for each poll of a source."""

from __future__ import annotations

import sqlite3
from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.attribution.history.facts import Facts
from sekisho.attribution.sources.events import Held, Inside
from sekisho.core.address import parse_address
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.attribution.sources.events import Holder

_SCHEMA = """
create table if not exists session (
    id integer primary key, server text not null, name text not null, source text not null,
    line text, inside_realm text, inside_address text,
    began_ms integer not null, begun integer not null, confirmed_ms integer not null,
    ended_ms integer, until_ms integer, every_ms integer, octets_up integer);
create index if not exists session_name on session (server, name);
create index if not exists session_confirmed on session (confirmed_ms);
create table if not exists held (
    session integer not null references session (id) on delete cascade,
    prefix text not null, realm text not null, port_first integer not null, port_last integer not null,
    from_ms integer not null,
    primary key (session, prefix, realm, port_first, port_last)) without rowid;
create index if not exists held_prefix on held (prefix, realm);
create table if not exists restart (
    server text not null, at_ms integer not null, primary key (server, at_ms)) without rowid;
create table if not exists source (
    name text primary key, position text not null, watermark_ms integer not null, delays text not null) without rowid;
"""

_VERSION = 1
_SESSION = (
    "server, name, source, line, inside_realm, inside_address, began_ms, begun, confirmed_ms, ended_ms, until_ms, "
    "every_ms, octets_up"
)


def connect(path: Path | None) -> sqlite3.Connection:
    """The history in a file, made where there is none; without a path in memory.

    Raises:
        InputError: the file is no history, or of another version.
    """
    name = ":memory:" if path is None else str(path)
    try:
        # The one writer is one thread at a time; the daemon polls in a thread of its own.
        database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        version = database.execute("pragma user_version").fetchone()[0]
        if version not in {0, _VERSION}:
            raise InputError(name, f"expected a history of version {_VERSION}, found version {version}")
        database.execute("pragma journal_mode = wal")
        # Full: a record counts as taken only once it would survive a power cut, for then the server forgets it.
        database.execute("pragma synchronous = full")
        database.execute("pragma foreign_keys = on")
        database.executescript(_SCHEMA)
        database.execute(f"pragma user_version = {_VERSION}")
    except sqlite3.Error as error:
        raise InputError(name, f"expected a history of assignments, found: {error}") from error
    return database


def sessions_named(database: sqlite3.Connection, server: str, name: str) -> Iterator[tuple[int, Facts]]:
    """The sessions of one name on one server, with their numbers."""
    for number, *cells in database.execute(
        f"select id, {_SESSION} from session where server = ? and name = ?",  # noqa: S608 - a constant
        (server, name),
    ).fetchall():
        yield number, _facts(cells, _held(database, number))


def write_session(database: sqlite3.Connection, number: int | None, facts: Facts) -> int:
    """Write a session anew; answers its number."""
    inside = facts.holder if isinstance(facts.holder, Inside) else None
    cells = (
        number,
        facts.server,
        facts.session,
        facts.source,
        None if inside else facts.holder,
        inside.realm if inside else None,
        str(inside.address) if inside else None,
        facts.began_ms,
        facts.begun,
        facts.confirmed_ms,
        facts.ended_ms,
        facts.until_ms,
        facts.every_ms,
        facts.octets_up,
    )
    row = database.execute(
        f"insert into session (id, {_SESSION}) values ({', '.join('?' * len(cells))}) "  # noqa: S608 - constants
        "on conflict (id) do update set began_ms = excluded.began_ms, begun = excluded.begun, "
        "confirmed_ms = excluded.confirmed_ms, ended_ms = excluded.ended_ms, until_ms = excluded.until_ms, "
        "every_ms = excluded.every_ms, octets_up = excluded.octets_up returning id",
        cells,
    ).fetchone()
    database.executemany(
        "insert into held (session, prefix, realm, port_first, port_last, from_ms) values (?, ?, ?, ?, ?, ?) "
        "on conflict do update set from_ms = excluded.from_ms",
        [
            (row[0], str(what.prefix), what.realm, what.port_first, what.port_last, since)
            for what, since in facts.held.items()
        ],
    )
    return int(row[0])


def holder_of(line: str | None, inside_realm: str | None, inside_address: str | None) -> Holder:
    """The holder that three cells name."""
    if line is not None:
        return line
    return Inside(address=parse_address(inside_address or ""), realm=inside_realm or "")


def _held(database: sqlite3.Connection, number: int) -> dict[Held, int]:
    rows = database.execute(
        "select prefix, realm, port_first, port_last, from_ms from held where session = ?", (number,)
    )
    return {
        Held(prefix=ip_network(prefix), realm=realm, port_first=first, port_last=last): since
        for prefix, realm, first, last, since in rows
    }


def _facts(cells: list[object], held: dict[Held, int]) -> Facts:
    server, name, source, line, realm, address, began, begun, confirmed, ended, until, every, octets = cells
    values = {
        "server": server,
        "session": name,
        "source": source,
        "holder": holder_of(line, realm, address),  # type: ignore[arg-type]
        "began_ms": began,
        "begun": bool(begun),
        "confirmed_ms": confirmed,
        "ended_ms": ended,
        "until_ms": until,
        "every_ms": every,
        "octets_up": octets,
        "held": held,
    }
    return Facts(**values)  # type: ignore[arg-type]
