"""Case databases for tests: SQLite always, PostgreSQL in a cluster of its own where Debian's package is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database, on a socket in a folder of its own; no network port is opened."""
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
    control = [*as_user, binaries / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], check=True, **quiet)
    try:
        yield f"postgresql://sekisho@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(folder)
