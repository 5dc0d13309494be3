"""What may stand in a file of ``detectors.d``; unknown keys are errors, so that a misspelt one is never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from sekisho.core.config_layers import first_problem, read_layers
from sekisho.core.errors import ConfigError
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW, WINDOW_MS

if TYPE_CHECKING:
    from pathlib import Path

NAME = r"^x_[a-z][a-z0-9_]{0,39}$"
"""Kinds of operators' own begin with ``x_``, so that none of ours ever takes their name."""

WINDOW_S = WINDOW_MS // 1000
LONGEST_S = 600
"""A simple detector adds up ten minutes at most: what every look at a line has at hand."""

RATES = ("packets_per_s", "octets_per_s")
"""Thresholds of which a simple detector needs one at least."""
SAMPLED = "sampled_packets"

_RESERVED = {*LINE_WINDOW.names, *LINE_TARGET.names, "two_way", "opens", "acts"}

Text = Annotated[str, Strict(), Field(min_length=1)]
Number = Annotated[float, Strict()]
Seconds = Annotated[int, Strict(), Field(ge=0, le=86_400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Title(_Part):
    """What the kind is called."""

    ja: Text
    en: Text


class Threshold(_Part):
    """A number that the SQL compares with, by group of lines."""

    value: Number
    """For a home, and for every group that has no number of its own."""
    unit: Text
    """What it counts."""
    why: Annotated[str, Strict(), Field(min_length=16)]
    """The reasoning behind the number: who changes it next year will ask."""
    business: Number | None = None
    building: Number | None = None
    reseller: Number | None = None
    server: Number | None = None


class Simple(_Part):
    """A rate of certain packets, without any SQL but the names of their sums."""

    packets: Text
    """The packets meant: a column of ``line_window``, or an expression over several."""
    octets: Text
    """Their octets, likewise."""
    where: Annotated[str, Strict()] = ""
    """Further condition over a window."""
    over_s: Annotated[int, Strict(), Field(ge=WINDOW_S, le=LONGEST_S, multiple_of=WINDOW_S)] = WINDOW_S
    """The rate is the mean of so many seconds."""
    targets: Annotated[str, Strict()] = ""
    """Condition over ``line_target``: which targets are named; without it, all of the line's."""


class Statements(_Part):
    """The statements themselves, as shipped detectors have them."""

    screen: Text
    """Condition over a sent row of ``line_window``; lines without such a window are not looked at further."""
    suspects: Annotated[str, Strict()] = ""
    """SELECT of the lines in ``line_target`` that are worth the whole question."""
    candidates: Text
    """SELECT of one row a line and window."""
    targets: Text
    """SELECT of one row a line, block, network and port."""
    reach_s: Seconds = 0
    """How far before a block of ten minutes targets count for its windows."""


class OwnFile(_Part):
    """One detector of the operator's own."""

    name: Annotated[str, Strict(), Field(pattern=NAME)]
    """Name of the detector and of the kind that it reports."""
    title: Title
    """What the kind is called, in both languages."""
    gap_s: Seconds = 900
    """Silence up to which two windows are one episode."""
    thresholds: dict[str, Threshold] = {}
    """Name -> number, unit and reason."""
    simple: Simple | None = None
    """Either this or ``sql``."""
    sql: Statements | None = None
    """Either this or ``simple``."""

    @property
    def form(self) -> Simple | Statements:
        """The one that is given."""
        given = self.simple or self.sql
        assert given is not None
        return given


def read_own_file(path: Path) -> OwnFile:
    """Read a file.

    Raises:
        InputError: it cannot be read, or is no TOML.
        ConfigError: a key is unknown, or its value is not what it should be.
    """
    layers = read_layers(path, {})
    try:
        own = OwnFile.model_validate(layers.merged)
    except ValidationError as error:
        raise first_problem(error, layers, known_keys=KEYS) from None
    _require_consistent(own, path)
    return own


def _require_consistent(own: OwnFile, path: Path) -> None:
    if (own.simple is None) == (own.sql is None):
        found = "neither" if own.sql is None else "both"
        raise ConfigError(path, "simple", expected="either [simple] or [sql]", found=found)
    for name in own.thresholds:
        is_column = name in _RESERVED and (own.simple is None or name != SAMPLED)
        if not name.isidentifier() or name != name.lower() or is_column:
            expected = "a name in small letters that is no column"
            raise ConfigError(path, f"thresholds.{name}", expected=expected, found=name)
    if own.simple is None:
        return
    known = (*RATES, SAMPLED)
    if not set(RATES) & set(own.thresholds):
        expected = f"{' or '.join(RATES)} beside [simple]"
        raise ConfigError(path, "thresholds", expected=expected, found=", ".join(own.thresholds))
    if unknown := sorted(set(own.thresholds) - set(known)):
        expected = f"{', '.join(known)} and no others beside [simple]"
        raise ConfigError(path, f"thresholds.{unknown[0]}", expected=expected, found=unknown[0])


KEYS = frozenset(key for part in (OwnFile, Title, Threshold, Simple, Statements) for key in part.model_fields)
"""Every key, to name the one that was probably meant."""
