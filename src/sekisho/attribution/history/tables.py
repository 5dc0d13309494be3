"""The history on disk: SQLite, written in one transaction for each poll of a source."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sekisho.attribution.history.facts import Facts
from sekisho.attribution.outcome import prefix_of_words
from sekisho.attribution.sources.events import Held, Inside
from sekisho.core.address import from_words, prefix_words, to_words
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.attribution.sources.events import Holder

_SCHEMA = """
create table if not exists line (id integer primary key, name text not null unique);
create table if not exists session (
    id integer primary key, server text not null, name text not null, source text not null,
    line integer references line (id), inside_realm text, inside_hi integer, inside_lo integer,
    began_ms integer not null, begun integer not null, confirmed_ms integer not null,
    ended_ms integer, until_ms integer, every_ms integer, octets_up integer);
create index if not exists session_name on session (server, name);
create index if not exists session_confirmed on session (confirmed_ms);
create index if not exists session_line on session (line);
create index if not exists session_inside on session (inside_hi, inside_lo) where inside_hi is not null;
create table if not exists held (
    session integer not null references session (id) on delete cascade,
    hi integer not null, lo integer not null, length integer not null, realm text not null,
    port_first integer not null, port_last integer not null, from_ms integer not null,
    primary key (session, hi, lo, length, realm, port_first, port_last)) without rowid;
create index if not exists held_prefix on held (hi, lo, length, port_first);
create table if not exists restart (
    server text not null, at_ms integer not null, primary key (server, at_ms)) without rowid;
create table if not exists source (
    name text primary key, position text not null, watermark_ms integer not null, delays text not null) without rowid;
"""
"""Prefixes stand as two signed words and a length, as the index has them; lines stand once, with a number."""

_VERSION = 2
_SESSION = (
    "server, name, source, line, inside_realm, inside_hi, inside_lo, began_ms, begun, confirmed_ms, ended_ms, "
    "until_ms, every_ms, octets_up"
)
_FACTS = f"session.{_SESSION.replace(', ', ', session.').replace('session.line', 'line.name')}"


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
        f"select session.id, {_FACTS} from session left join line on line.id = session.line "  # noqa: S608 - a constant
        "where server = ? and session.name = ?",
        (server, name),
    ).fetchall():
        yield number, _facts(cells, _held(database, number))


def write_session(database: sqlite3.Connection, number: int | None, facts: Facts) -> int:
    """Write a session anew; answers its number."""
    inside_realm, inside_hi, inside_lo, line = None, None, None, None
    if isinstance(facts.holder, Inside):
        inside_realm, (inside_hi, inside_lo) = facts.holder.realm, to_words(facts.holder.address)
    else:
        line = line_number(database, facts.holder)
    cells = (
        number,
        facts.server,
        facts.session,
        facts.source,
        line,
        inside_realm,
        inside_hi,
        inside_lo,
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
        "insert into held (session, hi, lo, length, realm, port_first, port_last, from_ms) "
        "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set from_ms = excluded.from_ms",
        [
            (row[0], *prefix_words(what.prefix), what.realm, what.port_first, what.port_last, since)
            for what, since in facts.held.items()
        ],
    )
    return int(row[0])


def line_number(database: sqlite3.Connection, name: str) -> int:
    """The number of a line, which it gets when it is first told of."""
    row = database.execute("select id from line where name = ?", (name,)).fetchone()
    if row is None:
        row = database.execute("insert into line (name) values (?) returning id", (name,)).fetchone()
    return int(row[0])


def holder_of(line: str | None, inside_realm: str | None, hi: int | None, lo: int | None) -> Holder:
    """The holder that four cells name."""
    if line is not None:
        return line
    return Inside(address=from_words(hi or 0, lo or 0), realm=inside_realm or "")


def _held(database: sqlite3.Connection, number: int) -> dict[Held, int]:
    rows = database.execute(
        "select hi, lo, length, realm, port_first, port_last, from_ms from held where session = ?", (number,)
    )
    return {held_of(*cells): since for *cells, since in rows}


def held_of(hi: int, lo: int, length: int, realm: str, port_first: int, port_last: int) -> Held:
    """What six cells say is held."""
    return Held(prefix=prefix_of_words(hi, lo, length), realm=realm, port_first=port_first, port_last=port_last)


def _facts(cells: list[object], held: dict[Held, int]) -> Facts:
    server, name, source, line, realm, hi, lo, began, begun, confirmed, ended, until, every, octets = cells
    values = {
        "server": server,
        "session": name,
        "source": source,
        "holder": holder_of(line, realm, hi, lo),  # type: ignore[arg-type]
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
