"""What a subscriber is told about each kind of detection."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sekisho.measures.model import Text
from sekisho.notices.wording import phrases

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER = "other"
"""Stands for kinds that only the operator knows, ``x_…``, and for those of a later version."""


class Counted(StrEnum):
    """Which number means something to the reader."""

    BITS = "bits"
    ATTEMPTS = "attempts"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWording:
    """The words about one kind.

    Attributes:
        what: stands in the subject, such as "mass traffic".
        seen: what was observed.
        effect: what it does to others.
    """

    counted: Counted
    what: Text
    seen: Text
    effect: Text


def wording_of(kind: str) -> KindWording:
    """The words about a kind; general ones where it has none of its own."""
    return kind_wordings().get(kind) or kind_wordings()[OTHER]


@cache
def kind_wordings() -> Mapping[str, KindWording]:
    """Every kind by its name."""
    tables = tomllib.loads(files(__package__).joinpath("texts", "kinds.toml").read_text("utf-8"))
    return {
        kind: KindWording(
            counted=Counted(table["counted"]),
            what=_text(table["what"]),
            seen=_text(table["seen"]),
            effect=_text(table["effect"]),
        )
        for kind, table in tables.items()
    }


def _text(entry: str | Mapping[str, Any]) -> Text:
    return phrases()[entry] if isinstance(entry, str) else Text.of(entry)
