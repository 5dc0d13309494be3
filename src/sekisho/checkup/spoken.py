"""What the program says while it works, in the reader's language; the wording is ``texts/spoken.toml``."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sekisho.checkup.probes.soap import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.measures.model import Language


class Step(StrEnum):
    """What is going on, or what the person should do now."""

    ASKING_LINK = "asking_link"
    GREETING = "greeting"
    UNPLUG = "unplug"
    PLUG_IN = "plug_in"
    CHECKING = "checking"


class Note(StrEnum):
    """What could not be done; it stands in the report, perhaps with a detail after a space."""

    NOT_HEARD = "not_heard"
    NO_ECHO = "no_echo"
    PREFIX_TOO_LARGE = "prefix_too_large"
    CUT_SHORT = "cut_short"


@cache
def spoken() -> Mapping[str, Mapping[str, str]]:
    """Every sentence by its name, in every language."""
    return _table("spoken")


@cache
def check_titles() -> Mapping[str, Mapping[str, str]]:
    """What each check is called, in every language."""
    return _table("checks")


def say(name: str, language: Language, /, **values: object) -> str:
    """One sentence with its placeholders filled.

    Raises:
        KeyError: there is no such sentence, or a placeholder has no value.
    """
    return spoken()[name][language].format_map(values)


def note(text: str, language: Language) -> str:
    """A note of the report as a sentence; a text that is none of ours stands for itself."""
    name, _, detail = text.partition(" ")
    return say(name, language, detail=detail) if name in set(Note) else text


def title(check: str, language: Language) -> str:
    """What a check is called."""
    return check_titles()[check][language]


def packets(language: Language) -> list[str]:
    """Every kind of packet that may leave."""
    table = _table("packets")
    actions = ", ".join(READ_ONLY)
    return [row[language].replace("{actions}", actions) for part in ("link", "probe") for row in table[part].values()]


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("texts", f"{name}.toml").read_text("utf-8"))
