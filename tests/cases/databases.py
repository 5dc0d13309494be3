"""Case databases for tests: SQLite always, PostgreSQL in a cluster of its own where Debian's package is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


class Cluster:
    """A PostgreSQL server of a test's own."""

    def __init__(self, folder: Path, control: Sequence[str | Path], options: str) -> None:
        self.url = f"postgresql://sekisho@/postgres?host={folder}"
        self._folder, self._control, self._options = folder, control, options

    def start(self) -> None:
        """Let it answer."""
        self._run("-l", self._folder / "log", "-o", self._options, "start")

    def kill(self) -> None:
        """Without a word to anybody, as a crash would."""
        self._run("-m", "immediate", "stop")

    def _run(self, *arguments: str | Path) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self._folder}
        subprocess.run([*self._control, *arguments], check=True, **quiet)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database, on a socket in a folder of its own; no network port is opened."""
    with cluster() as server:
        yield server.url


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server with an empty database, likewise."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        reason = "PostgreSQL is not installed (apt-get install postgresql)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    binaries, as_user = programs[-1].parent, []
    folder = Path(tempfile.mkdtemp(prefix="sekisho-pg-"))
    if os.getuid() == 0:
        # PostgreSQL does not start as root.
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [*as_user, binaries / "initdb", "-D", data, "-A", "trust", "-U", "sekisho", "-N"], check=True, **quiet
    )
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    server = Cluster(folder, [*as_user, binaries / "pg_ctl", "-D", data, "-w"], options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
