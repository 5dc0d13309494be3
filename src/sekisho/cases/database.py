"""Where the case database is, what it must be, and one transaction on it.

SQLite, with the write-ahead log, so that people can look while an analysis writes; or PostgreSQL. A process that writes
takes one write lock when its transaction begins: two of them never read the same state and then both act on it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sekisho.cases.tables import VERSION_TABLE
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config as AlembicConfig
    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import DBAPIError

SCHEME = "sqlite:///"
POSTGRES = ("postgresql://", "postgresql+psycopg://")
EXPECTED_URL = (
    "expected a URL such as sqlite:///cases.db, sqlite:////var/lib/sekisho/cases.db or postgresql://sekisho@host/cases"
)
WRITE_LOCK = 0x53454B49
"""Number of the advisory lock that writers of one PostgreSQL database take."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every form that the database has had, the present one last; the files of ``migrations/versions``."""

BUSY_TIMEOUT_MS = 5_000
"""A transaction takes well under a second; who waits longer waits for something that hangs."""

ENGINES = 16
"""An engine holds no connection, but every statement that it has compiled: that costs more than running it."""

_PROBLEMS = {
    "SQLITE_NOTADB": "expected a SQLite database, found another kind of file",
    "SQLITE_CORRUPT": "the database is damaged",
    "SQLITE_BUSY": "another process holds the database; try again when it is done",
    "SQLITE_LOCKED": "another process holds the database; try again when it is done",
    "SQLITE_READONLY": "expected a database that can be written, found a read-only file or folder",
    "SQLITE_CANTOPEN": "expected a database in a folder that can be read and written; it cannot be opened",
    "SQLITE_FULL": "there is no space left for the database",
    "SQLITE_IOERR": "the disk reports an error",
    "SQLITE_PERM": "access to the database is denied",
}
"""What SQLite says -> what a person can do something with; extended codes begin with these."""


@contextmanager
def writing(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Iterator[Connection]:
    """One transaction that may change everything or, if it fails, nothing; makes and upgrades the database.

    Raises:
        InputError: the URL is wrong, the file is no database of ours, newer, locked, or cannot be written.
    """
    place = place_of(url)
    with _transaction(url, place, writes=True, busy_timeout_ms=busy_timeout_ms) as connection:
        if _revision(connection, place) != REVISIONS[-1]:
            upgrade(connection)
        yield connection


@contextmanager
def reading(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Iterator[Connection]:
    """One view of the database that nothing changes under.

    Raises:
        InputError: the URL is wrong, there is no database, or it has another form than this version reads.
    """
    place = place_of(url)
    if isinstance(place, Path) and not place.exists():
        raise InputError(place, "expected a case database, found nothing; `sekisho analyze --cases` makes one")
    with _transaction(url, place, writes=False, busy_timeout_ms=busy_timeout_ms) as connection:
        if _revision(connection, place) != REVISIONS[-1]:
            raise InputError(place, "the database is of an earlier version; `sekisho analyze --cases` upgrades it")
        yield connection


def require_usable(url: str) -> None:
    """Find out before long work what would spoil its result; makes no database.

    Raises:
        InputError: as ``writing``.
    """
    place = place_of(url)
    if not isinstance(place, Path) or place.exists():
        with writing(url):
            pass
    elif not os.access(place.parent, os.W_OK):
        raise InputError(place, _PROBLEMS["SQLITE_READONLY"])


def place_of(url: str) -> Path | str:
    """The file that a URL names; for a server a name without what may be a password.

    Raises:
        InputError: another kind of URL, or no file can be there.
    """
    if url.startswith(POSTGRES):
        return "case database"
    if not url.startswith(SCHEME) or url == SCHEME:
        # What stands behind the scheme may be a password.
        raise InputError("case database", f"{EXPECTED_URL}, found {url.partition(':')[0]!r}")
    path = Path(url.removeprefix(SCHEME))
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(path, "expected a file in a folder that exists")
    return path


@contextmanager
def _transaction(url: str, place: Path | str, *, writes: bool, busy_timeout_ms: int) -> Iterator[Connection]:
    from sqlalchemy.exc import DBAPIError

    try:
        with _engine(url, place, writes=writes, busy_timeout_ms=busy_timeout_ms).begin() as connection:
            if writes and not isinstance(place, Path):
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {busy_timeout_ms:d}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK:d})")
            yield connection
    except DBAPIError as error:
        problem = _problem(error)
        if problem is None:
            raise
        raise InputError(place, problem) from error


@lru_cache(maxsize=ENGINES)
def _engine(url: str, place: Path | str, *, writes: bool, busy_timeout_ms: int) -> Engine:
    from sqlalchemy import create_engine, event, make_url
    from sqlalchemy.pool import NullPool

    if not isinstance(place, Path):
        options = (
            {} if writes else {"isolation_level": "REPEATABLE READ", "execution_options": {"postgresql_readonly": True}}
        )
        return create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool, **options)
    path, mode = place, "rwc" if writes else "ro"

    def connect() -> sqlite3.Connection:
        return _connect(path, mode=mode, busy_timeout_ms=busy_timeout_ms)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    # The driver begins a transaction at the first change and leaves table definitions out of it; here it begins at
    # the beginning and holds everything.
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _connect(path: Path, *, mode: str, busy_timeout_ms: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=busy_timeout_ms / 1000, isolation_level=None
    )
    try:
        _require_ours(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")
        if mode != "ro":
            connection.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything is written: a database of another program stays as it is."""
    with closing(connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")) as rows:
        names = {name for (name,) in rows}
    if names and VERSION_TABLE not in names:
        raise InputError(path, "expected a case database, found a SQLite database of another program")


def _revision(connection: Connection, place: Path | str) -> str | None:
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 (a constant)
    if revision is not None and revision not in REVISIONS:
        raise InputError(place, f"the database is of a later version ({revision}) than this program ({REVISIONS[-1]})")
    return revision


def upgrade(connection: Connection, to: str = "head") -> None:
    """Bring the database to the present form."""
    from alembic import command

    command.upgrade(_migrations(connection), to)


def downgrade(connection: Connection, to: str) -> None:
    """Bring the database back to an earlier form, for a program of that time; what only the later one held is lost."""
    from alembic import command

    command.downgrade(_migrations(connection), to)


def _migrations(connection: Connection) -> AlembicConfig:
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # A percent sign in a path would be read as an interpolation.
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _problem(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", "")
    if state == "55P03":
        return _PROBLEMS["SQLITE_BUSY"]
    if state == "25006":
        return _PROBLEMS["SQLITE_READONLY"]
    if state is None or state.startswith(("08", "28", "3D", "57P")):
        return "expected a database server that answers and lets us in; it does not"
    name = getattr(error.orig, "sqlite_errorname", "")
    return next((text for code, text in _PROBLEMS.items() if name.startswith(code)), None)
