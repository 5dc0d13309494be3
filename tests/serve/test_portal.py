"""The portal's process: it answers, tells of itself, ends in time, and says what it lacks."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from cases.documents import NOW_MS, detection, document
from operator_words import OPERATOR_TOML
from ports import free_port
from sekisho.cases.record import record_analysis
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError
from sekisho.core.metrics import BY_NAME
from sekisho.serve.portal import portal_of, samples_of

WAIT_S = 30.0


def written(
    folder: Path, port: int, *, operator: str = OPERATOR_TOML, cases: str = '[cases]\nurl = "sqlite:///cases.db"\n'
) -> Path:
    file = folder / "sekisho.toml"
    file.write_text(
        f'[portal]\nlisten = "127.0.0.1:{port}"\n[serve]\ndirectory = "state"\n{cases}{operator}', encoding="utf-8"
    )
    return file


def test_it_answers_tells_of_itself_and_ends(tmp_path: Path) -> None:
    """SIGTERM ends it within the ten seconds that the supervisor waits, with a connection open."""
    port = free_port(socket.SOCK_STREAM)
    record_analysis(f"sqlite:///{tmp_path / 'cases.db'}", document(detection("L1")), now_ms=NOW_MS)
    command = [sys.executable, "-m", "sekisho.serve", "portal", str(written(tmp_path, port))]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
            until = time.monotonic() + WAIT_S
            while True:
                try:
                    page = browser.get("/")
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < until, (tmp_path / "log").read_text()
                    time.sleep(0.1)
            assert "サンプルネット" in page.text
            status = tmp_path / "state" / "status" / "portal.json"
            while not status.exists():
                assert time.monotonic() < until
                time.sleep(0.05)
            assert json.loads(status.read_text())["process"] == "portal"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"cases": ""}, r"cases\.url"), ({"operator": OPERATOR_TOML.replace("telephone", "#")}, "telephone")],
)
def test_what_it_lacks_is_said(tmp_path: Path, changes: dict[str, str], key: str) -> None:
    """A page that does not say whom to call is shown to nobody."""
    file = written(tmp_path, 1, **changes)
    with pytest.raises(ConfigError, match=key):
        portal_of(load_config(file, {}), file)


def test_tries_to_enter_are_told_under_a_declared_name(tmp_path: Path) -> None:
    """By outcome."""
    file = written(tmp_path, 1)
    portal = portal_of(load_config(file, {}), file)
    portal.counts["wrong"] += 1
    (sample,) = samples_of(portal)
    assert (sample.name in BY_NAME, sample.labels, sample.value) == (True, ("wrong",), 1)
