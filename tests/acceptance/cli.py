"""The installed command, run as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from sekisho.cli.main import app

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


def printed(*arguments: str | Path) -> str:
    """What a command that must succeed prints, run in this process: of many captures, starting is most of the work."""
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def analysis(*arguments: str | Path) -> dict[str, Any]:
    """The JSON of a run of ``analyze`` that must succeed."""
    document: dict[str, Any] = json.loads(printed("analyze", *arguments, "--format", "json"))
    return document
