"""``sekisho lines``: what it answers, what it refuses, what it records, what it forgets."""

from __future__ import annotations

import json
from ipaddress import ip_network

import pytest
from typer.testing import CliRunner

from attribution.sources.test_radius_records import text
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.events import Begin, Held
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


KEPT = """
[attribution]
history = "history.db"
[store]
directory = "flows"
"""
STILL_THERE = """
[[source]]
kind = "radius_detail"
name = "old"
file = "detail"
zone = "+09:00"
"""


def forget(config, *arguments, typed=""):
    result = CliRunner().invoke(app, ["lines", "forget", *arguments, "--config", str(config)], input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code


@pytest.fixture
def kept(tmp_path):
    with History(tmp_path / "history.db") as history:
        for number, name in enumerate(("old", "new")):
            held = Held(prefix=ip_network(f"203.0.113.{number}"))
            begin = Begin(at_ms=1000, received_ms=1000, server=name, session="1", holder="L000001", held=(held,))
            history.apply(name, [begin])
    (tmp_path / "sekisho.toml").write_text(KEPT)
    return tmp_path / "sekisho.toml"


def sources(config):
    with History(config.parent / "history.db") as history:
        return {name: history.told_by(name) for name in history.feeds}


def test_a_source_that_is_gone_is_forgotten_when_somebody_says_so(kept):
    """Its sessions with it, and no other's; who did it is on record."""
    assert forget(kept, "old", typed="n\n") == 1
    assert sources(kept) == {"old": 1, "new": 1}
    assert forget(kept, "old", typed="y\n") == 0
    assert sources(kept) == {"new": 1}
    (entry,) = map(json.loads, (kept.parent / "flows" / "audit.jsonl").read_text().splitlines())
    assert (entry["action"], entry["source"], entry["sessions"]) == ("lines_forget", "old", 1)


def test_what_would_tell_again_or_never_told_is_not_forgotten(kept):
    """A configured source, and a name that none has."""
    with pytest.raises(InputError, match="new, old"):
        forget(kept, "other", "--yes")
    kept.write_text(KEPT + STILL_THERE)
    with pytest.raises(Refused, match="configured"):
        forget(kept, "old", "--yes")
    assert sources(kept) == {"old": 1, "new": 1}
