"""Documented default pairs, and what can come of trying them.

The pairs come from the manual that the owner holds (a catalogue file), never from a list of ours.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.core.errors import ConfigError, InputError, Refused

if TYPE_CHECKING:
    from pathlib import Path

_REQUIRED = ("id", "maker", "model", "username", "password", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A documented pair; only its id ever leaves this object.

    Attributes:
        lock_after: failures after which the maker says that it locks; half of it is the most that is tried.
        source: page of the manual.
    """

    id: str
    maker: str
    model: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    source: str
    lock_after: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The device accepted a pair."""

    pair: str
    source: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The device accepted none of the pairs; that is no proof of a good password."""

    pairs: tuple[str, ...]


class StopReason(StrEnum):
    """Why the check ended before all pairs were tried."""

    SHOWED_LOCK = "showed_lock"
    NO_LOGIN_PAGE = "no_login_page"
    UNKNOWN_LOGIN = "unknown_login"
    HAD_TRIES = "had_tries"
    WAS_ACCEPTED = "was_accepted"


class Spent(Refused):
    """The ledger holds why nothing more may be tried on a device today."""

    def __init__(self, reason: StopReason) -> None:
        self.reason = reason
        super().__init__(f"nothing more is tried within a day: {reason}")


@dataclass(frozen=True, slots=True)
class Stopped:
    """The check ended before all pairs were tried."""

    why: StopReason


PairResult = Accepted | NotAccepted | Stopped


def read_pairs(path: Path) -> list[Pair]:
    """A catalogue in TOML, ``[[pair]]`` rows.

    Raises:
        InputError: not TOML.
        ConfigError: a row without one of the required keys; the message names the key, never a value.
    """
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("pair", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, "a catalogue of documented pairs in TOML expected") from error
    for number, row in enumerate(rows, 1):
        for name in _REQUIRED:
            if not isinstance(row.get(name), str):
                raise ConfigError(path, f"pair {number}, {name}", expected="a text", found="nothing or another type")
    return [Pair(**{k: row[k] for k in _REQUIRED}, lock_after=int(row.get("lock_after", 0))) for row in rows]
