"""The installed command, run as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    Completed = subprocess.CompletedProcess[str]

LIMIT_S = 120
"""A hang is a failure; nothing that a test runs takes this long."""


def sekisho(*arguments: str | Path, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Completed:
    """Run one command; the exit status is the caller's to look at."""
    done = subprocess.run(
        [sys.executable, "-m", "sekisho", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", **(env or {})},
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def analysis(*arguments: str | Path) -> dict[str, Any]:
    """The JSON of a run of ``analyze`` that must succeed."""
    done = sekisho("analyze", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document
