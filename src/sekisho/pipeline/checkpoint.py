"""What a live run knows, on disk at every tick: a process that is killed goes on where it stood.

One SQLite file: every track, what exporters told (``wire/learned.py``), and where their sequences stand. A tick writes
what changed, in one transaction. The windows are not kept: the flow store has the records that they were made of
(``resume.py``).
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from sekisho.core.errors import Unavailable
from sekisho.core.log import logger
from sekisho.detect.detect import Remembered
from sekisho.detect.track_text import FORMAT, track_of, track_text
from sekisho.wire.learned import Learned, LearnedSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sekisho.detect.episodes import Track

_LEARNED = TypeAdapter(Learned)
_SOURCES = TypeAdapter(tuple[LearnedSource, ...])

STATE = "collector.db"
"""Name of the file in the directory of the state."""

_SCHEMA = """
create table if not exists track (
  line integer not null, kind text not null, exporter text, subject text, realm text not null, content text not null,
  primary key (line, kind)) without rowid;
create table if not exists run (name text primary key, content text not null) without rowid;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One track as a checkpoint holds it.

    Attributes:
        exporter: address of the exporter that reported the line.
        subject: who it is, where it is no line: a row of ``Subjects``.
        realm: of the subject.
        track: None = it was forgotten.
    """

    line: int
    kind: str
    exporter: str | None
    subject: tuple[int, ...] | None
    realm: str
    track: Track | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an earlier run stood.

    Attributes:
        tick_ms: its last tick, milliseconds UTC.
        sources: of the decoder, with what they told in ``learned``.
    """

    tick_ms: int
    tracks: tuple[Kept, ...]
    remembered: Remembered
    sources: tuple[LearnedSource, ...]
    learned: Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a tick changed.

    Attributes:
        tracks: those that differ from what was written last.
        sources: of the decoder, all of them.
        remembered: None = as it was written last; learned: likewise.
    """

    tick_ms: int
    tracks: Iterable[Kept]
    sources: tuple[LearnedSource, ...]
    remembered: Remembered | None = None
    learned: Learned | None = None


class Checkpoint:
    """The file of one collector.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def start(self) -> None:
        """Open the file; one that is damaged or of another version is put aside.

        Raises:
            Unavailable: it cannot be written to.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._connection = self._opened()
            except sqlite3.DatabaseError as error:
                _put_aside(self._path, str(error))
                self._connection = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"{self._path}: the state of the collector cannot be kept: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def standing(self, *, code_of: Callable[[str], int | None]) -> Standing | None:
        """Where the earlier run stood; None where there was none.

        Args:
            code_of: the code of an exporter in this run.
        """
        connection = self._connected()
        run = dict(connection.execute("select name, content from run"))
        if "tick_ms" not in run:
            return None
        try:
            return Standing(
                tick_ms=int(run["tick_ms"]),
                tracks=tuple(_kept(row, code_of) for row in connection.execute("select * from track")),
                remembered=Remembered(**json.loads(run["remembered"])),
                sources=_SOURCES.validate_json(run["sources"]),
                learned=_LEARNED.validate_json(run["learned"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            why = str(error).splitlines()[0]
            logger().warning("what the last run knew cannot be read; it is learned anew", file=str(self._path), why=why)
            return None

    def save(self, step: Step) -> None:
        """Write a tick, all of it or nothing.

        Raises:
            Unavailable: the disk refuses; what was written before stands.
        """
        connection = self._connected()
        run = {"tick_ms": str(step.tick_ms), "sources": _SOURCES.dump_json(step.sources).decode()}
        if step.remembered is not None:
            run["remembered"] = json.dumps(step.remembered._asdict())
        if step.learned is not None:
            run["learned"] = _LEARNED.dump_json(step.learned).decode()
        try:
            with connection:
                for kept in step.tracks:
                    _write(connection, kept)
                connection.executemany("insert or replace into run values (?, ?)", run.items())
        except sqlite3.Error as error:
            raise Unavailable(f"{self._path}: the state of the collector cannot be kept: {error}") from error

    def _connected(self) -> sqlite3.Connection:
        assert self._connection is not None, "start() comes first"
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        """The database, with the tables of this format and no others."""
        # Only the thread of the run uses it, but who starts the run may be another one.
        connection = sqlite3.connect(self._path, check_same_thread=False)
        try:
            connection.execute("pragma journal_mode = wal")
            # A killed process loses nothing; a power cut may lose the last ticks, and never more than that.
            connection.execute("pragma synchronous = normal")
            _check_format(connection)
            connection.executescript(_SCHEMA)
            connection.execute(f"pragma user_version = {FORMAT}")
        except BaseException:
            connection.close()
            raise
        return connection


def _check_format(connection: sqlite3.Connection) -> None:
    with closing(connection.execute("pragma user_version")) as cursor:
        (found,) = cursor.fetchone()
    if found not in (0, FORMAT):
        raise sqlite3.DatabaseError(f"format {found}, expected {FORMAT}")


def lines_with_tracks(path: Path) -> set[int]:
    """Keys of the lines of which a collector has detected something, from its file; none where there is no file."""
    if not path.exists():
        return set()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {line for (line,) in connection.execute("select distinct line from track where line > 0")}


def _kept(row: tuple[Any, ...], code_of: Callable[[str], int | None]) -> Kept:
    line, kind, exporter, subject, realm, content = row
    return Kept(
        line=line,
        kind=kind,
        exporter=exporter,
        subject=tuple(json.loads(subject)) if subject is not None else None,
        realm=realm,
        track=track_of(content, exporter=code_of(exporter) if exporter is not None else None),
    )


def _write(connection: sqlite3.Connection, kept: Kept) -> None:
    if kept.track is None:
        connection.execute("delete from track where line = ? and kind = ?", (kept.line, kept.kind))
        return
    subject = json.dumps(kept.subject) if kept.subject is not None else None
    row: tuple[Any, ...] = (kept.line, kept.kind, kept.exporter, subject, kept.realm, track_text(kept.track))
    connection.execute("insert or replace into track values (?, ?, ?, ?, ?, ?)", row)


def _put_aside(path: Path, why: str) -> None:
    aside = path.with_name(f"{path.name}.damaged")
    logger().warning("the state of the last run cannot be read and is put aside", file=str(aside), why=why)
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
