"""``sekisho checkup``: what the commands print and when they refuse."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING

import pytest
import structlog
from rich.console import Console
from typer.testing import CliRunner

from sekisho.checkup import session as sessions
from sekisho.checkup.consent import CheckClass, OutOfScope
from sekisho.checkup.device import Device
from sekisho.checkup.outcomes import Observation, finding
from sekisho.checkup.report import upload
from sekisho.checkup.runner import Progress
from sekisho.checkup.spoken import Step, packets, say, title
from sekisho.checkup.state import read_lines, write_json
from sekisho.cli import checkup_talk
from sekisho.cli.checkup import _scored, app
from sekisho.cli.checkup_talk import Lang
from sekisho.measures.model import Language
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
    for lang in Language:
        result = CliRunner().invoke(app, [command, "--dry-run", "--lang", lang])
        assert result.exit_code == 0
        assert result.output.splitlines() == [f"- {line}" for line in packets(lang)]


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
    inputs = _scored(sessions.Inputs(knowledge=Knowledge()), ["192.0.2.9"], Lang.EN)
    assert inputs.answers.devices == {"192.0.2.9": {"password_score": 0}}
    assert "admin123" not in repr(inputs)


@pytest.mark.parametrize("lang", Lang)
def test_consent_says_what_where_and_until_when_in_the_persons_language(
    network: LocalNetwork, lang: Lang, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Network, devices, each kind of check, and the end in JST and UTC."""
    monkeypatch.setattr(checkup_talk, "now_ms", lambda: NOW_MS)
    consent = checkup_talk.ask_consent(network, set(CheckClass), [], "me", lang)
    text = capsys.readouterr().err
    for shown in (str(network.prefix), network.gateway_mac, "2026-09-22 23:13:20 JST (14:13:20 UTC)"):
        assert shown in text
    assert all(say(name, Language(lang)) in text for name in CheckClass)
    assert (consent.person, consent.expires_at_ms - consent.given_at_ms) == ("me", 86_400_000)


@pytest.mark.parametrize("lang", Lang)
def test_progress_names_the_device_and_the_check(lang: Lang, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar with done and known, the address, and what is being looked at."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(checkup_talk, "console", lambda **_: screen)
    with checkup_talk.watching(lang) as watch:
        watch.step(Step.ASKING_LINK)
        watch.progress(Progress(3, 40, Device(id="d", addresses=("192.0.2.9",)), "c2.1"))
        screen.file.flush()
    drawn = screen.file.getvalue()  # type: ignore[attr-defined]
    assert f"192.0.2.9  {title('c2.1', Language(lang))}" in drawn
    assert "3/40" in drawn


def test_what_would_leave_is_shown_octet_for_octet_and_nothing_leaves(report_file: Path, tmp_path: Path) -> None:
    """The preview is the body itself; without a case code there is none."""
    words = ["report", str(report_file), "--upload-preview", "--state", str(tmp_path), "--lang", "en"]
    shown = CliRunner().invoke(app, [*words, "--case", "ABCD-1234"])
    assert shown.exit_code == 0
    body = json.loads(report_file.read_text())
    assert shown.stdout.encode() == upload.body(body, "ABCD-1234") + b"\n"
    assert shown.stderr == "nothing was sent\n"
    assert not (tmp_path / "uploads.jsonl").exists()
    assert CliRunner().invoke(app, words).exit_code == 1


def test_nothing_is_sent_until_the_person_says_yes(
    report_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No, and no answer at all, send nothing; yes sends what was shown, once it is on record."""
    sent: list[bytes] = []
    monkeypatch.setattr(upload, "send", lambda _, octets: sent.append(octets) or 201)
    words = ["report", str(report_file), "--upload-to", "https://portal.example/checkup", "--case", "ABCD-1234"]
    words += ["--state", str(tmp_path), "--lang", "en"]
    for said in ("n\n", ""):
        assert CliRunner().invoke(app, words, input=said).exit_code == 1
    assert sent == []
    assert not (tmp_path / "uploads.jsonl").exists()
    done = CliRunner().invoke(app, words, input="y\n")
    assert done.exit_code == 0
    assert sent == [upload.body(json.loads(report_file.read_text()), "ABCD-1234")]
    (row,) = read_lines(tmp_path / "uploads.jsonl")
    assert row["sha256"] == hashlib.sha256(sent[0]).hexdigest()
    assert "201" in done.stderr


def test_sheets_for_the_makers_are_written(report_file: Path, tmp_path: Path) -> None:
    """One file a device that has questions; a folder that cannot be made is bad input."""
    body = json.loads(report_file.read_text())
    asked = finding(Observation("maker.sheet", {"count": "1", "questions": "ask_firmware"}, "x"), NOW_MS)
    device = DeviceReport(
        id="d", kind=DeviceKind.CAMERA, name="cam", addresses=("192.0.2.9",), identity={}, findings=(asked,)
    )
    body |= Report(generated_at_ms=NOW_MS, gateway_mac="m", prefix="192.0.2.0/24", devices=(device,)).to_json()
    write_json(report_file, body)
    folder = tmp_path / "sheets"
    assert CliRunner().invoke(app, ["report", str(report_file), "--maker-sheets", str(folder)]).exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["d.md"]
    refused = CliRunner().invoke(app, ["report", str(report_file), "--maker-sheets", str(report_file)])
    assert refused.exit_code == 2


def test_a_baseline_needs_a_run_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: LocalNetwork) -> None:
    """There is nothing to accept."""

    async def known(*_: object) -> LocalNetwork:
        return network

    monkeypatch.setattr(sessions, "known_gateway", known)
    result = CliRunner().invoke(app, ["baseline", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "no run of this network yet" in result.stderr
