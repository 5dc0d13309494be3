"""Who writes: the operator's own words, and clear marks where they are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.notices.wording import say

if TYPE_CHECKING:
    from sekisho.core.config import Operator
    from sekisho.measures.model import Language

PARTS = ("name", "contact", "telephone", "hours", "site")
_BY_LANGUAGE = frozenset({"name", "contact", "hours"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The operator as a text names it.

    Attributes:
        missing: keys of the configuration that have no value; a text with a mark in it is not sent to anybody.
    """

    name: str
    contact: str
    telephone: str
    hours: str
    site: str
    missing: tuple[str, ...]


def sender(operator: Operator, language: Language) -> Sender:
    """The words of a configuration in one language."""
    keys = {part: f"{part}_{language}" if part in _BY_LANGUAGE else part for part in PARTS}
    given: dict[str, str | None] = {part: getattr(operator, key) for part, key in keys.items()}
    words = {part: word if word is not None else _mark(part, language) for part, word in given.items()}
    missing = tuple(f"operator.{keys[part]}" for part, word in given.items() if word is None)
    return Sender(**words, missing=missing)


def _mark(part: str, language: Language) -> str:
    return say("unset", language, what=say(f"unset_{part}", language))
