"""``sekisho notice``: the text on standard output, what is missing on standard error, nothing sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cases.documents import NOW_MS, content, detection, document, event
from notices.test_bounces import dsn
from sekisho.cases.record import record_analysis
from sekisho.cli.notice import app
from sekisho.core.errors import InputError

PERIOD = ("--from", "2026-11-24T11:00+09:00", "--until", "2026-11-24T13:00+09:00")


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    found = [detection(f"L{n}", event="E1") for n in range(12)]
    record_analysis(url, document(*found, events=[event()]), now_ms=NOW_MS)
    return url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={})


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, InputError), result.output
    assert result.stdout == ""
    return str(result.exception)


@pytest.mark.parametrize(("lang", "words"), [("ja", "お使いの回線"), ("en", "your line")])
@pytest.mark.parametrize("form", ["mail", "letter"])
@pytest.mark.parametrize("output", ["text", "html"])
def test_a_preview_is_the_text_and_changes_nothing(
    url: str, tmp_path: Path, lang: str, words: str, form: str, output: str
) -> None:
    """Data on standard output, one line about what is not configured on standard error."""
    before = content(tmp_path / "cases.db")
    result = run("preview", "1", "--cases", url, "--lang", lang, "--as", output, "--form", form)
    assert result.exit_code == 0, result.output
    assert words in result.stdout
    assert result.stdout.startswith("<!doctype html>" if output == "html" else "[")
    assert "operator.telephone" in result.stderr
    assert content(tmp_path / "cases.db") == before


def test_the_operators_words_come_from_the_configuration(url: str, tmp_path: Path) -> None:
    """Complete, there is nothing left to say on standard error."""
    file = tmp_path / "sekisho.toml"
    file.write_text(
        '[cases]\nurl = "sqlite:///cases.db"\n[operator]\nname_en = "Sample Net"\ncontact_en = "Desk"\n'
        'telephone = "0120-000-000"\nhours_en = "9 to 18"\nsite = "www.isp.example"\n',
        encoding="utf-8",
    )
    result = run("preview", "1", "--config", str(file), "--lang", "en")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Sample Net" in result.stdout
    assert url.endswith("cases.db")


@pytest.mark.parametrize("about", [("--event", "E1"), ("--event", "1"), PERIOD])
def test_an_announcement_is_about_an_event_or_a_period(url: str, about: tuple[str, ...]) -> None:
    """137 lines of the event, 12 cases of the period, each rounded."""
    result = run("announce", *about, "--preview", "--cases", url, "--lang", "en")
    assert result.exit_code == 0, result.output
    assert ("about 140 lines" if about[0] == "--event" else "about 10 lines") in result.stdout
    assert "bng-1/0" in result.stdout
    assert "203.0.113" not in result.stdout


def test_nothing_is_announced_without_an_approver(url: str) -> None:
    """Without --preview the command says why it does nothing."""
    assert "approver" in refused("announce", *PERIOD, "--cases", url)


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("command", [("preview", "1"), ("announce", *PERIOD, "--preview")])
def test_a_letter_can_be_previewed(url: str, command: tuple[str, ...], lang: str) -> None:
    """A PDF on standard output; no contact is looked up for it."""
    result = run(*command, "--cases", url, "--as", "pdf", "--lang", lang)
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("reminder", "Reminder:"),
        ("recovery", "No longer seen:"),
        ("relapse", "Seen again:"),
        ("closing", "closed the matter"),
    ],
)
def test_every_message_can_be_previewed(url: str, about: str, words: str) -> None:
    """Each has its own subject."""
    result = run("preview", "1", "--cases", url, "--lang", "en", "--about", about)
    assert words in result.stdout.splitlines()[2]


def test_bounces_are_listed(tmp_path: Path) -> None:
    """One a line; what is none of ours is counted, and without a mailbox the command says what it needs."""
    config = tmp_path / "sekisho.toml"
    config.write_text(
        '[mail]\nfrom_address = "abuse@isp.example"\nbounces = "mbox"\n',
        encoding="utf-8",
    )
    start = b"From x Tue Nov 24 11:00:00 2026\n"
    (tmp_path / "mbox").write_bytes(start + dsn() + b"\n" + start + b"Subject: hello\n\nAway.\n")
    result = run("bounces", "--config", str(config))
    assert result.stdout == "n1.a\tfinal\t5.1.1\n"
    assert "1 not_a_status" in result.stderr
    assert "[mail] bounces" in refused("bounces")


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ((), "either --event, or --from and --until"),
        (("--event", "E1", *PERIOD), "either --event"),
        (PERIOD[:2], "either --event"),
        (("--event", "first"), "'first'"),
        (("--event", "E7"), "the last are E1"),
        (("--from", "2026-11-24", "--until", "2026-11-25"), "with its zone"),
        (("--from", "2025-01-01T00:00Z", "--until", "2025-01-02T00:00Z"), "found none"),
        ((*PERIOD[2:], "--from", "2026-11-24T14:00+09:00"), "before its end"),
    ],
)
def test_a_wrong_question_is_answered_with_what_was_expected(url: str, about: tuple[str, ...], expected: str) -> None:
    """Neither, both, half a period, no number, an unknown event, a time without zone, a quiet or reversed period."""
    assert expected in refused("announce", *about, "--preview", "--cases", url)


def test_an_unknown_case_is_told(url: str) -> None:
    """The sentence names the number."""
    assert "found 77" in refused("preview", "77", "--cases", url)
