"""The unit file: systemd takes it as it is, and finds little to reproach."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import needs

DEPLOY = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = DEPLOY / "sekisho.service"
BATCH, TIMER = DEPLOY / "sekisho-batch.service", DEPLOY / "sekisho-batch.timer"

EXPOSURE = 20
"""Tenths of what `systemd-analyze security` gives; it calls less than 2 "OK", and the unhardened service 9.6."""


@pytest.fixture(params=[UNIT, BATCH], ids=lambda unit: unit.stem)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit with a program that is there on the machine of the test."""
    file = tmp_path / request.param.name
    text = request.param.read_text(encoding="utf-8")
    file.write_text(text.replace("/opt/sekisho/bin/sekisho", sys.executable))
    return file


def test_systemd_takes_every_line(unit: Path):
    """No unknown key, no value out of range; what it says of other units of the machine is not ours."""
    done = subprocess.run(
        [needs("systemd-analyze"), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []


def test_the_service_can_reach_little(unit: Path):
    """Hardening stays: the exposure that systemd works out is at most 2.0 of 10."""
    command = [needs("systemd-analyze"), "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager"]
    done = subprocess.run([*command, str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_kernels_need_is_there():
    """A cache that outlives a start, and memory that may become code: else nothing compiles, or each start does."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert settings["CacheDirectory"] == settings["StateDirectory"] == "sekisho"
    assert "MemoryDenyWriteExecute" not in settings
    assert settings["KillMode"] == "mixed"
    assert settings["RestartPreventExitStatus"] == "2"


def test_the_timer_is_understood(tmp_path: Path):
    """Once a day, by the clock of the desk; a machine that was off makes up for it."""
    for file in (BATCH, TIMER):
        text = file.read_text(encoding="utf-8").replace("/opt/sekisho/bin/sekisho", sys.executable)
        (tmp_path / file.name).write_text(text)
    command = [needs("systemd-analyze"), "verify", "--man=no", str(tmp_path / TIMER.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if TIMER.stem in line] == []
    lines = TIMER.read_text(encoding="utf-8").splitlines()
    assert "Persistent=true" in lines
    when = next(line.removeprefix("OnCalendar=") for line in lines if line.startswith("OnCalendar="))
    calendar = [needs("systemd-analyze"), "calendar", "--base-time=2026-11-24 00:00:00 UTC", when]
    answer = subprocess.run(calendar, capture_output=True, text=True, check=False)
    assert "16:00:00 UTC" in answer.stdout, answer.stderr
