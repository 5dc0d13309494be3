"""Which processes a host runs: all that is asked for, or those that it names."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, get_args

import pytest

from cases.documents import NOW_MS, detection, document
from operator_words import OPERATOR_TOML
from ports import free_port
from sekisho.cases.database import reading
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.cases.settling import NotSettled, settled
from sekisho.core.config import Config
from sekisho.core.config_serve import ProcessName
from sekisho.core.errors import ConfigError
from sekisho.pipeline.settling import FreshResolver
from sekisho.serve.processes import PROCESSES, processes_of

WAIT_S = 60.0
EVERYTHING = {
    "exporter": [{"address": "192.0.2.1"}],
    "store": {"directory": "flows"},
    "cases": {"url": "sqlite:///cases.db"},
    "portal": {"listen": "127.0.0.1:8080"},
}


def names(given: dict[str, Any]) -> list[str]:
    return [process.name for process in processes_of(Config.model_validate(given), Path("sekisho.toml"))]


def test_what_is_asked_for_or_what_is_named() -> None:
    """Without names everything that the file asks for; with them those alone, in their order."""
    assert names(EVERYTHING) == ["keeper", "sender", "portal", "collector"]
    assert names(EVERYTHING | {"serve": {"processes": ["portal"]}}) == ["portal"]
    assert names(EVERYTHING | {"serve": {"processes": ["collector", "keeper"]}}) == ["keeper", "collector"]
    without = {name: value for name, value in EVERYTHING.items() if name != "exporter"}
    assert names(without | {"serve": {"processes": ["portal"]}}) == ["portal"]
    assert {process.name for process in PROCESSES} == set(get_args(ProcessName))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"portal": EVERYTHING["portal"]}, "exporter: expected at least one"),
        ({"serve": {"processes": ["portal"]}}, r"expected \[portal\] listen for the process portal"),
        ({"serve": {"processes": ["collector"]}}, r"expected at least one \[\[exporter\]\] for the process collector"),
    ],
)
def test_what_is_missing_is_said(given: dict[str, Any], expected: str) -> None:
    """A host that receives nothing does so on purpose."""
    with pytest.raises(ConfigError, match=expected):
        names(given)


def test_a_host_for_the_portal_alone(tmp_path: Path) -> None:
    """One process under the supervisor, well, and nothing that sends or erases; ended in time."""
    portal, http = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    record_analysis(f"sqlite:///{tmp_path / 'cases.db'}", document(detection("L1")), now_ms=NOW_MS)
    file = tmp_path / "sekisho.toml"
    file.write_text(
        f'[serve]\nprocesses = ["portal"]\nmetrics = "127.0.0.1:{http}"\n[cases]\nurl = "sqlite:///cases.db"\n'
        f'[portal]\nlisten = "127.0.0.1:{portal}"\n{OPERATOR_TOML}'
    )
    command = [sys.executable, "-m", "sekisho", "serve", "--config", str(file)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
    try:
        until_s = time.monotonic() + WAIT_S
        while (health := asked(f"http://127.0.0.1:{http}/health")) is None:
            assert time.monotonic() < until_s, (tmp_path / "log").read_text()
            time.sleep(0.1)
        assert list(json.loads(health)["processes"]) == ["portal"]
        assert "サンプルネット" in (asked(f"http://127.0.0.1:{portal}/") or "")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    with reading(f"sqlite:///{tmp_path / 'cases.db'}") as connection:
        assert connection.exec_driver_sql("select count(*) from audit").scalar_one() == 0


def asked(url: str) -> str | None:
    """The page, once it is there and well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def test_a_host_without_sources_says_nothing_of_lines(tmp_path: Path) -> None:
    """It would else find that nobody held the address, and withdraw the case at an approval."""
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    record_analysis(url, document(detection("L1")), now_ms=NOW_MS)
    with reading(url) as connection:
        case = get_case(connection, 1)
    answer = settled(case.line_id, case.evidence, FreshResolver(Config())())
    assert answer == NotSettled(why="the configuration of this host names no source that tells who held what")
