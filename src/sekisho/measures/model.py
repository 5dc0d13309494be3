"""The measures: what a subscriber does, why, at two reading levels and in two languages.

The wording lives in ``texts/<measure>.toml``, both languages side by side, so that a change of one is seen beside the
other. Placeholders are written ``{name}`` and are the same in every language and level (the tests compare them).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class MeasureId(StrEnum):
    """The five measures, and the questions that only the maker can answer."""

    REBOOT = "reboot"
    CREDENTIALS = "credentials"
    CONNECTIONS = "connections"
    VULNERABILITIES = "vulnerabilities"
    SETTINGS = "settings"
    MAKER = "maker"


class MeasureState(StrEnum):
    """How far one measure of one case is; each measure is tracked by itself."""

    OPEN = "open"
    CLAIMED = "claimed"
    EVIDENCED = "evidenced"
    NOT_APPLICABLE = "not_applicable"


class Language(StrEnum):
    """Languages of every text."""

    JA = "ja"
    EN = "en"


class Reader(StrEnum):
    """Reading levels: for anyone, and for the person who knows the device."""

    ANYONE = "anyone"
    EXPERT = "expert"


@dataclass(frozen=True, slots=True)
class Text:
    """One statement in every language and at both reading levels."""

    wording: Mapping[tuple[Language, Reader], str]

    def render(self, language: Language, reader: Reader = Reader.ANYONE, /, **values: object) -> str:
        """The statement with its placeholders filled.

        Raises:
            KeyError: a placeholder has no value.
        """
        return self.wording[language, reader].format_map(values)

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Text:
        """From ``{ja = "…" | {anyone = "…", expert = "…"}, en = …}``; one string serves both levels."""
        return cls(
            {(language, reader): _wording(table[language], reader) for language in Language for reader in Reader}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do within a measure; its id stands in cases, answers and reports."""

    id: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure: its name, why it matters, and its actions in the order of doing."""

    id: MeasureId
    title: Text
    why: Text
    actions: tuple[Action, ...]

    def action(self, action_id: str) -> Action:
        """The action of that id.

        Raises:
            KeyError: the measure has no such action.
        """
        for action in self.actions:
            if action.id == action_id:
                return action
        raise KeyError(action_id)


@cache
def measures() -> Mapping[MeasureId, Measure]:
    """Every measure by its id, in the subscriber's order: restart first, then the others, the maker last."""
    return {measure_id: _measure(measure_id) for measure_id in MeasureId}


def load_texts(name: str) -> dict[str, Any]:
    """One file of ``texts/`` as tables."""
    return tomllib.loads(files(__package__).joinpath("texts", f"{name}.toml").read_text("utf-8"))


def _measure(measure_id: MeasureId) -> Measure:
    tables = load_texts(measure_id)
    return Measure(
        id=measure_id,
        title=Text.of(tables["title"]),
        why=Text.of(tables["why"]),
        actions=tuple(Action(id=row["id"], text=Text.of(row)) for row in tables["action"]),
    )


def _wording(entry: str | Mapping[str, str], reader: Reader) -> str:
    return entry if isinstance(entry, str) else entry[reader]
