"""``sekisho lines who``: what it answers, what it refuses, what it records."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from attribution.sources.test_radius_records import text
from sekisho.cli.main import app
from sekisho.core.errors import InputError, Refused

CONFIG = """
[files]
radius = ["detail"]
[attribution]
radius_zone = "+09:00"
[store]
directory = "flows"
"""
NOON = "2026-11-24T12:00:00+09:00"


@pytest.fixture
def config(tmp_path):
    (tmp_path / "detail").write_text(
        text()
        + text(head="Tue Nov 24 13:00:00 2026", Acct_Session_Id="0002", User_Name="other")
        + text(head="Tue Nov 24 15:00:00 2026", Acct_Session_Id="9", Framed_IP_Address="203.0.113.99")
    )
    (tmp_path / "sekisho.toml").write_text(CONFIG)
    return tmp_path / "sekisho.toml"


def who(config, *arguments):
    result = CliRunner().invoke(app, ["lines", "who", "203.0.113.7", "--config", str(config), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_inferred_answer_is_explained(config):
    """A lost Stop: the line is inferred, settled, and the next holder of the address is named as considered."""
    answered = json.loads(
        who(config, "--at", "2026-11-24T12:30+09:00", "--purpose", "third_party_report", "--format", "json")
    )
    assert answered["answer"]["line_id"] == "taro@example.jp"
    assert answered["answer"]["certainty"] == "inferred"
    assert answered["settled"] is True
    assert [hold["line_id"] for hold in answered["considered"]] == ["other"]
    assert answered["sources"][0]["newest"] == "2026-11-24T06:00:00.000Z"
    (entry,) = map(json.loads, (config.parent / "flows" / "audit.jsonl").read_text().splitlines())
    assert (entry["action"], entry["purpose"]) == ("lines_who", "third_party_report")
    assert (entry["asked"]["address"], entry["answered"]) == ("203.0.113.7", "taro@example.jp")


@pytest.mark.parametrize(("lang", "words"), [("ja", ["回線: other — 確実", "暫定"]), ("en", ["line: other — certain"])])
def test_both_languages(config, lang, words):
    """After the last event of the source an answer is provisional."""
    shown = who(config, "--at", "2026-11-24T15:00+09:00", "--purpose", "consent", "--lang", lang)
    assert all(word in shown for word in words), shown


def test_nothing_without_a_purpose_or_a_record(config):
    """No code, no answer; nowhere to record, no answer."""
    with pytest.raises(Refused, match="purpose"):
        who(config, "--at", NOON)
    config.write_text(CONFIG.replace('[store]\ndirectory = "flows"', ""))
    with pytest.raises(Refused, match="recorded"):
        who(config, "--at", NOON, "--purpose", "consent")


@pytest.mark.parametrize(
    ("arguments", "found"), [(["--at", "2026-11-24T12:00"], "zone"), (["--protocol", "quic"], "quic")]
)
def test_wrong_questions(config, arguments, found):
    """A time without a zone and an unknown protocol are refused."""
    with pytest.raises(InputError, match=found):
        who(config, "--purpose", "consent", *arguments)
