"""The few marks that the texts are written with, as blocks that every form sets in its own way.

A line is one block: ``## `` a heading, ``### `` a step, ``- `` an item, ``> label :: text`` a line of the box that says
the most important at a glance, ``! `` the notice code, anything else a paragraph. Values make no marks of their own: a
value stands on one line, and begins with a character that no mark begins with until the marks are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_VALUE = "\0"

MAX_VALUE = 400
"""Characters of one value; the longest sentence of ours has half of them. A longer one is cut and says so."""


class Kind(Enum):
    """What a block is, and the mark that it begins with."""

    HEADING = "## "
    STEP = "### "
    ITEM = "- "
    BOX = "> "
    CODE = "! "
    PARAGRAPH = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One line of a text; ``label`` is what a line of the box is about, else empty."""

    kind: Kind
    text: str
    label: str = ""


def parse(text: str) -> tuple[Block, ...]:
    """The blocks of a text; empty lines only make it easier to write."""
    return tuple(_block(line) for line in text.splitlines() if line.strip())


def as_value(value: object) -> object:
    """A value as it may stand in a template: without control characters and line ends, and no mark of its own."""
    if not isinstance(value, str):
        return value
    kept = value if len(value) <= MAX_VALUE else f"{value[: MAX_VALUE - 1]}…"
    return _VALUE + "".join(c if c.isprintable() or c == "\u00a0" else " " for c in kept)


def as_words(line: str) -> str:
    """A line as it is read: single spaces, nothing else between words."""
    return " ".join(line.replace(_VALUE, "").split())


def as_line(value: str) -> str:
    """Anybody's words as one line: nothing but what can be printed, and not endless."""
    return as_words(str(as_value(value)))


def _block(line: str) -> Block:
    kind = next(kind for kind in Kind if line.startswith(kind.value))
    text = as_words(line.removeprefix(kind.value))
    label, _, rest = text.partition(" :: ") if kind is Kind.BOX else ("", "", text)
    return Block(kind, rest, label)
