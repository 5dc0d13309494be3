"""What each outcome of a check means: its verdict, its measure and its wording, as data in ``texts/outcomes.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sekisho.measures.model import MeasureId, Text, measures
from sekisho.measures.report import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row of the table."""

    id: str
    verdict: Verdict
    measure: MeasureId
    found: Text
    do: Text


@dataclass(frozen=True, slots=True)
class Observation:
    """What a check saw: the outcome's id, printable evidence, and what it rests on."""

    outcome: str
    evidence: Mapping[str, str]
    source: str


@cache
def outcomes() -> Mapping[str, Outcome]:
    """Every outcome by its id."""
    tables = tomllib.loads(files(__package__).joinpath("texts", "outcomes.toml").read_text("utf-8"))
    return {name: _outcome(name, table) for name, table in tables.items()}


def finding(observation: Observation, at_ms: int) -> Finding:
    """The report's form of an observation.

    Raises:
        KeyError: the table has no such outcome.
    """
    outcome = outcomes()[observation.outcome]
    return Finding(
        check=outcome.id.rpartition(".")[0],
        measure=outcome.measure,
        verdict=outcome.verdict,
        outcome=outcome.id.rpartition(".")[2],
        evidence=dict(observation.evidence),
        source=observation.source,
        at_ms=at_ms,
        found=outcome.found,
        do=outcome.do,
    )


def _outcome(name: str, table: Mapping[str, Any]) -> Outcome:
    return Outcome(
        id=name,
        verdict=Verdict(table["verdict"]),
        measure=MeasureId(table["measure"]),
        found=Text.of(table["found"]),
        do=_do(table["do"]),
    )


def _do(entry: str | Mapping[str, Any]) -> Text:
    if not isinstance(entry, str):
        return Text.of(entry)
    measure, _, action = entry.partition(".")
    return measures()[MeasureId(measure)].action(action).text
