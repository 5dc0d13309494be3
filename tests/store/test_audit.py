"""The audit file: appended, complete, and a condition for an answer."""

from __future__ import annotations

import json

import pytest

from sekisho.core.errors import Refused
from sekisho.store.audit import START, digest_of_end, first_break, record

ENTRY = {"at_ms": 0, "who": "op", "action": "hunt", "purpose": "own_network_protection"}


def test_entries_are_appended(tmp_path):
    """Each entry is one line behind the last, readable by its owner alone."""
    path = tmp_path / "audit.jsonl"
    for number in range(3):
        record(path, **ENTRY, details={"asked": {"to": "192.0.2.1"}, "number": number})
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["number"] for entry in entries] == [0, 1, 2]
    assert entries[0] == {
        "at": "1970-01-01T00:00:00.000Z", "who": "op", "action": "hunt", "purpose": "own_network_protection",
        "asked": {"to": "192.0.2.1"}, "number": 0, "previous": START,
    }  # fmt: skip
    assert path.stat().st_mode & 0o077 == 0


def test_an_entry_that_was_cut_does_not_swallow_the_next(tmp_path):
    """After a crash in the middle of an entry the next one stands on a line of its own."""
    path = tmp_path / "audit.jsonl"
    path.write_text('{"at": "19')
    record(path, **ENTRY, details={})
    assert json.loads(path.read_text().splitlines()[1])["who"] == "op"


def test_what_cannot_be_recorded_is_refused(tmp_path):
    """Without a place to record it, the answer is no."""
    with pytest.raises(Refused, match="cannot be recorded"):
        record(tmp_path / "nowhere" / "audit.jsonl", **ENTRY, details={})


def test_a_changed_a_removed_and_a_cut_entry(tmp_path):
    """Changing or removing one before the end is found; one that a crash cut is part of the chain."""
    path = tmp_path / "audit.jsonl"
    for number in range(3):
        record(path, **ENTRY, details={"number": number})
    end = digest_of_end(path)
    with path.open("a") as file:
        file.write('{"at": "19')
    record(path, **ENTRY, details={"number": 3})
    assert first_break(path, expect=end) is None
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace('"op"', '"no"'), *lines[2:]]) + "\n")
    assert first_break(path) == 3
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert first_break(path) == 2
    path.write_text("\n".join(lines[:2]) + "\n")
    assert first_break(path) is None
    assert first_break(path, expect=end) == 3
