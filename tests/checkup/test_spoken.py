"""What is said: every table has its rows, in both languages, with the same placeholders."""

from __future__ import annotations

import ast
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from sekisho.checkup import checks, outcomes, spoken
from sekisho.checkup.consent import CheckClass
from sekisho.checkup.probes import PROBES
from sekisho.checkup.report.view import terms
from sekisho.checkup.restart import COUNTERS
from sekisho.checkup.spoken import Note, Step, check_titles, note, packets
from sekisho.measures.model import Language

CHECKS = Path(checks.__file__).parent
PROTOCOLS = {"telnet", "http", "ftp", "mqtt", "rtsp", "ssdp", "onvif", "security.txt", "http, rtsp, mqtt, telnet"}
"""Sources that are called the same in every language."""


def same_placeholders(row: dict[str, str]) -> bool:
    names = [{name for _, name, _, _ in Formatter().parse(row[language]) if name} for language in Language]
    return set(row) == set(Language) and all(row.values()) and names[0] == names[1]


def packet_rows() -> list[dict[str, str]]:
    tables: dict[str, Any] = spoken._table("packets")
    return [row for part in tables.values() for row in part.values()]


@pytest.mark.parametrize(
    "row",
    [
        *spoken.spoken().values(),
        *check_titles().values(),
        *packet_rows(),
        *(row for part in terms().values() for row in part.values()),
    ],
    ids=lambda row: row["en"][:30],
)
def test_each_sentence_says_the_same_in_both_languages(row: dict[str, str]) -> None:
    """Both there, with the same placeholders."""
    assert same_placeholders(row)


def test_every_step_note_class_check_and_probe_has_its_words() -> None:
    """The tables are those of the code: none is missing, and none is of nothing."""
    assert {*Step, *Note, *CheckClass} <= set(spoken.spoken())
    assert list(check_titles()) == list(checks.CHECKS)
    assert set(spoken._table("packets")["probe"]) == {*PROBES, "default_pair"}
    assert {counter.name for counter in COUNTERS} | {"services_vanished_and_returned"} == set(terms()["signal"])


def literals(position: int) -> set[str]:
    """Constants that the checks' modules give as the source (2), or as keys of the evidence (1), of an observation."""
    found: set[str] = set()
    for path in CHECKS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Observation":
                part = node.args[position]
                if isinstance(part, ast.Constant):
                    found.add(part.value)
                if isinstance(part, ast.Dict):
                    found |= {key.value for key in part.keys if isinstance(key, ast.Constant)}
    return found


def test_every_source_that_a_check_names_has_its_words() -> None:
    """A Japanese report must not say "nobody was asked yet" in English."""
    assert literals(2) - PROTOCOLS <= set(terms()["source"])


def test_every_evidence_that_a_check_gives_or_a_text_shows_has_its_words() -> None:
    """Keys of the evidence, as literals in the checks and as placeholders of the texts."""
    shown = {
        name
        for outcome in outcomes.outcomes().values()
        for text in (outcome.found, outcome.do)
        for wording in text.wording.values()
        for _, name, _, _ in Formatter().parse(wording)
        if name
    }
    assert literals(1) | shown <= set(terms()["evidence"])


@pytest.mark.parametrize("language", Language)
def test_a_note_of_the_report_becomes_a_sentence(language: Language) -> None:
    """With its detail; a text that is none of ours stands for itself."""
    assert "10.0.0.0/8" in note(f"{Note.PREFIX_TOO_LARGE} 10.0.0.0/8", language)
    assert note("something else", language) == "something else"


@pytest.mark.parametrize("language", Language)
def test_the_dry_run_names_every_action_that_may_be_called(language: Language) -> None:
    """The read-only actions stand there one by one."""
    from sekisho.checkup.probes.soap import READ_ONLY

    text = "\n".join(packets(language))
    assert all(action in text for action in READ_ONLY)
    assert "{" not in text
