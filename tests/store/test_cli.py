"""``sekisho hunt`` as people and programs call it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cases.documents import NOW_MS, detection, document
from sekisho.attribution.keys import UNKEYED, line_keys
from sekisho.cases.database import writing
from sekisho.cases.record import record_analysis
from sekisho.cases.tables import CASE
from sekisho.cli.main import app
from sekisho.core.errors import InputError, Refused
from sekisho.core.purposes import SHIPPED
from sekisho.store.compact import Compactor
from sekisho.store.segments import Segments
from sekisho.store.space import SpaceFloor
from store.flows import Clock, numbered

FOLDER = "flows"


@pytest.fixture
def store(tmp_path):
    """Flows of lines L0 to L6 to 203.0.113.0 to .12, compacted."""
    root = tmp_path / FOLDER
    keys = line_keys((f"L{n}" for n in range(7)), UNKEYED)
    writer = Segments(root, collector="c1", clock=Clock(), space=SpaceFloor(tmp_path, 1, measure=lambda _: 1 << 40))
    writer.start()
    batch = numbered(0, 91)
    batch.column("src_line")[:] = keys[batch.column("octets") % 7]
    writer.append(batch)
    writer.close()
    Compactor(root, clock=Clock()).run(everything=True)
    return root


def call(*arguments, fails=None):
    result = CliRunner().invoke(app, ["hunt", *map(str, arguments)])
    if fails is None:
        assert result.exception is None, result.exception
    else:
        assert isinstance(result.exception, fails), result.exception
    return result


def test_json(store):
    """Counts in total, by hour and by line; the one destination is the one that was asked for."""
    given = call("--store", store, "--to", "203.0.113.5", "--purpose", "own_network_protection", "--format", "json")
    answer = json.loads(given.stdout)
    assert (answer["schema"], answer["purpose"]) == ("sekisho.hunt/1", "own_network_protection")
    assert answer["total"]["records"] == 7
    assert sum(hour["records"] for hour in answer["hours"]) == 7
    assert {len(line["line"]) for line in answer["lines"]} == {16}
    assert "line_id" not in given.stdout
    assert "203.0.113.6" not in given.stdout


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_table(store, lang):
    """The table reads in both languages, in JST and UTC, and says on request what was read."""
    given = call("--store", store, "--to", "203.0.113.5", "--purpose", "necessity", "--lang", lang, "--explain")
    wanted = {
        "ja": ("目的: 緊急避難", "回線 (仮名)", "読み取り"),
        "en": ("Purpose: necessity", "pseudonym", "Read: 2 files"),
    }
    for text in (*wanted[lang], "JST (", "UTC)"):
        assert text in given.stdout


def test_no_purpose_no_answer(store):
    """Without a code, or with one that nobody knows, nothing is answered and nothing is searched."""
    for purpose in ((), ("--purpose", ""), ("--purpose", "curiosity")):
        given = call("--store", store, "--to", "203.0.113.5", *purpose, fails=Refused)
        assert given.stdout == ""
        assert all(known.code in str(given.exception) for known in SHIPPED)
    assert not (store / "audit.jsonl").exists()


def test_every_hunt_is_in_the_audit_file(store):
    """Who, when, what for, what was asked and how much was answered stand in the audit file."""
    when = ("--from", "2025-11-24T00:00+09:00", "--until", "2025-11-25T00:00+09:00")
    call("--store", store, "--to", "203.0.113.5", *when, "--purpose", "consent")
    (line,) = (store / "audit.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["action"], entry["purpose"]) == ("hunt", "consent")
    assert entry["asked"] == {
        "to": "203.0.113.5", "from": "2025-11-23T15:00:00.000Z", "until": "2025-11-24T15:00:00.000Z",
    }  # fmt: skip
    assert entry["answered"] == {"lines": 7, "records": 7}
    assert entry["who"]


def test_what_cannot_be_recorded_is_not_answered(store):
    """Where the audit file cannot be written, nothing is shown."""
    (store / "audit.jsonl").mkdir()
    given = call("--store", store, "--to", "203.0.113.5", "--purpose", "consent", fails=Refused)
    assert given.stdout == ""


def test_only_a_line_with_an_open_case_is_named(store, tmp_path):
    """With a case database the line of an open case has its name and case; one whose case is closed has not."""
    url = f"sqlite:///{tmp_path}/cases.db"
    record_analysis(url, document(detection("L2"), detection("L3")), now_ms=NOW_MS)
    with writing(url) as connection:
        connection.execute(CASE.update().where(CASE.c.line_id == "L3").values(state="resolved"))
    arguments = ("--store", store, "--to", "203.0.113.5", "--purpose", "own_network_protection", "--cases", url)
    lines = json.loads(call(*arguments, "--format", "json").stdout)["lines"]
    assert [(line["line_id"], line["case"]) for line in lines if "line_id" in line] == [("L2", 1)]
    shown = call(*arguments, "--lang", "en").stdout
    assert "L2" in shown
    assert "L3" not in shown


def test_indicators(store, tmp_path):
    """A file of indicators is counted by indicator; entries that are none are told on standard error."""
    feed = tmp_path / "feed.txt"
    feed.write_text("203.0.113.5\n203.0.113.6\n8.8.8.8\n")
    given = call("--store", store, "--indicators", feed, "--purpose", "third_party_report", "--format", "json")
    answer = json.loads(given.stdout)
    assert answer["total"]["records"] == 14
    assert [count["records"] for count in answer["indicators"]] == [7, 7]
    assert "1 entries left out" in given.stderr
    entry = json.loads((store / "audit.jsonl").read_text())
    assert (entry["asked"]["indicators"], entry["asked"]["entries"]) == ("feed.txt", 2)


@pytest.mark.usefixtures("store")
def test_the_store_of_the_configuration(tmp_path):
    """``[store] directory`` stands in for --store, beside the configuration file."""
    config = tmp_path / "sekisho.toml"
    config.write_text(f'[store]\ndirectory = "{FOLDER}"\n')
    given = call("--config", config, "--to", "203.0.113.5", "--purpose", "own_network_protection", "--format", "json")
    assert json.loads(given.stdout)["total"]["records"] == 7


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--to", "203.0.113.5", "--indicators", "x"), "one of --to"),
        ((), "one of --to"),
        (("--to", "203.0.113.0/24"), "expected an IP address"),
        (("--to", "203.0.113.5", "--from", "2025-11-24T00:00"), "with its zone"),
        (
            ("--to", "203.0.113.5", "--from", "2025-11-24T00:00Z", "--until", "2025-11-24T00:00Z"),
            "after that of --from",
        ),
    ],
)
def test_bad_usage_is_one_sentence(store, arguments, expected):
    """What cannot be meant is refused before anything is searched or recorded."""
    given = call("--store", store, "--purpose", "own_network_protection", *arguments, fails=InputError)
    assert expected in str(given.exception)
    assert not (store / "audit.jsonl").exists()


def test_no_store(tmp_path):
    """A hunt without a store, or in a folder that is none, says what was expected."""
    for arguments in ((), ("--store", tmp_path)):
        given = call(*arguments, "--to", "203.0.113.5", "--purpose", "own_network_protection", fails=InputError)
        assert "store" in str(given.exception)
