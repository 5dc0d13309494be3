"""``sekisho checkup``: what the commands print and when they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import structlog
from typer.testing import CliRunner

from sekisho.checkup import session as sessions
from sekisho.checkup.consent import OutOfScope
from sekisho.checkup.outcomes import Observation, finding
from sekisho.checkup.probes import PROBES
from sekisho.checkup.state import write_json
from sekisho.cli.checkup import _scored, app
from sekisho.measures.order import DeviceKind
from sekisho.measures.report import DeviceReport, Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.checkup.network import LocalNetwork

NOW_MS = 1_790_000_000_000


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command sends logs to the standard error of its own time, which is gone when the test is over."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def report_file(tmp_path: Path) -> Path:
    found = finding(Observation("c1.1.open_page", {"place": "192.0.2.9:80"}, "http"), NOW_MS)
    device = DeviceReport(
        id="d", kind=DeviceKind.CAMERA, name="cam", addresses=("192.0.2.9",), identity={}, findings=(found,)
    )
    report = Report(generated_at_ms=NOW_MS, gateway_mac="m", prefix="192.0.2.0/24", devices=(device,))
    write_json(tmp_path / "r.json", report.to_json())
    return tmp_path / "r.json"


@pytest.mark.parametrize("command", ["discover", "run"])
def test_a_dry_run_lists_every_kind_of_packet_and_sends_none(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the network is looked at."""

    def never(*_: object) -> object:
        raise AssertionError("the network was looked at")

    monkeypatch.setattr(sessions, "known_gateway", never)
    result = CliRunner().invoke(app, [command, "--dry-run"])
    assert result.exit_code == 0
    for row in PROBES.values():
        assert row.sends in result.output


def test_a_report_is_shown_again_in_every_form(report_file: Path, tmp_path: Path) -> None:
    """Terminal, JSON, HTML, PDF; from the file alone."""
    files = {"--html": tmp_path / "r.html", "--pdf": tmp_path / "r.pdf"}
    words = [word for option, path in files.items() for word in (option, str(path))]
    result = CliRunner().invoke(app, ["report", str(report_file), "--lang", "en", *words])
    assert result.exit_code == 0
    assert "A settings page opens without a password" in result.output
    assert all(path.stat().st_size > 1000 for path in files.values())
    as_json = CliRunner().invoke(app, ["report", str(report_file), "--format", "json"])
    assert json.loads(as_json.stdout)["devices"][0]["name"] == "cam"


def test_a_broken_report_is_bad_input(tmp_path: Path) -> None:
    """Exit status 2 and one sentence on standard error."""
    (tmp_path / "x.json").write_text("{}")
    result = CliRunner().invoke(app, ["report", str(tmp_path / "x.json")])
    assert result.exit_code == 2
    assert "x.json" in result.stderr
    assert result.stdout == ""


def test_no_report_yet_is_a_sentence(tmp_path: Path) -> None:
    """It says what to do first."""
    result = CliRunner().invoke(app, ["report", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "sekisho checkup run" in result.stderr


def test_a_network_that_cannot_be_told_from_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No gateway MAC, no check-up."""

    async def unknown(*_: object) -> object:
        raise OutOfScope("the gateway's MAC is not known")

    monkeypatch.setattr(sessions, "known_gateway", unknown)
    result = CliRunner().invoke(app, ["run", "--consent", "me", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "gateway" in result.stderr
    assert not (tmp_path / "consents.jsonl").exists()


def test_looser_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: LocalNetwork) -> None:
    """Before consent is asked for or recorded."""

    async def known(*_: object) -> LocalNetwork:
        return network

    monkeypatch.setattr(sessions, "known_gateway", known)
    result = CliRunner().invoke(app, ["run", "--consent", "me", "--state", str(tmp_path), "--per-second", "50"])
    assert result.exit_code == 1
    assert "tightened" in result.stderr
    assert not (tmp_path / "consents.jsonl").exists()


def test_a_password_is_scored_and_only_the_number_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was typed is in no value that goes on."""
    from sekisho.checkup.data.knowledge import Knowledge

    monkeypatch.setattr("typer.prompt", lambda *_, **__: "admin123")
    inputs = _scored(sessions.Inputs(knowledge=Knowledge()), ["192.0.2.9"])
    assert inputs.answers.devices == {"192.0.2.9": {"password_score": 0}}
    assert "admin123" not in repr(inputs)


def test_a_baseline_needs_a_run_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: LocalNetwork) -> None:
    """There is nothing to accept."""

    async def known(*_: object) -> LocalNetwork:
        return network

    monkeypatch.setattr(sessions, "known_gateway", known)
    result = CliRunner().invoke(app, ["baseline", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "no run of this network yet" in result.stderr
