"""The console's process: it makes the database, answers, shows what the others tell, ends in time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from ports import free_port
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError
from sekisho.serve.console import console_of, statuses
from sekisho.serve.status import tell, told

WAIT_S = 60.0


def written(folder: Path, port: int, cases: str = '[cases]\nurl = "sqlite:///cases.db"\n') -> Path:
    file = folder / "sekisho.toml"
    file.write_text(f'[console]\nlisten = "127.0.0.1:{port}"\n[serve]\ndirectory = "state"\n{cases}')
    return file


def test_it_answers_tells_of_itself_and_ends(tmp_path: Path) -> None:
    """Signed out, every page leads to the form; SIGTERM ends it within ten seconds."""
    port = free_port(socket.SOCK_STREAM)
    command = [sys.executable, "-m", "sekisho.serve", "console", str(written(tmp_path, port))]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    process = subprocess.Popen(command, env=environ)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
            until = time.monotonic() + WAIT_S
            while True:
                try:
                    answer = browser.get("/noc")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < until
                    assert process.poll() is None
                    time.sleep(0.1)
            assert answer.headers["location"] == "/sign-in?next=/noc"
            page = browser.get("/sign-in")
            assert page.status_code == 200
            assert "server" not in page.headers
            # It tells once a second, whatever it is asked meanwhile.
            while told(tmp_path / "state", "console") is None:
                assert time.monotonic() < until
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_without_a_database_it_says_what_it_lacks(tmp_path: Path) -> None:
    """File and key."""
    file = written(tmp_path, 8443, cases="")
    with pytest.raises(ConfigError, match=r"cases\.url"):
        console_of(load_config(file, {}), file, statuses=list)


def test_it_reads_what_every_process_tells(tmp_path: Path) -> None:
    """Those that told nothing are left out."""
    assert statuses(tmp_path) == []
    tell(tmp_path, "collector", at_ms=5)
    tell(tmp_path, "supervisor", at_ms=6)
    assert [(status.process, status.at_ms) for status in statuses(tmp_path)] == [("supervisor", 6), ("collector", 5)]
