"""Errors named by the reaction they ask for; anything else that is raised is a bug and is not swallowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.core.reasons import WireReason


class SekishoError(Exception):
    """Base of the errors that a command turns into one sentence and an exit status."""

    exit_status = 1


class InputError(SekishoError):
    """The input cannot be used at all: one sentence that names file, place, expected and found."""

    exit_status = 2

    def __init__(self, file: Path | str, problem: str, *, line: int | None = None) -> None:
        self.file, self.line, self.problem = str(file), line, problem
        place = f"{file}, line {line}" if line is not None else f"{file}"
        super().__init__(f"{place}: {problem}")


class NotFound(InputError):
    """What was asked for is not there, such as a case of that number."""


class ConfigError(SekishoError):
    """The configuration is wrong; fatal at start. Names file, key, what was expected and what was found."""

    exit_status = 2

    def __init__(self, file: Path | str, key: str, *, expected: str, found: object) -> None:
        self.file, self.key, self.expected, self.found = str(file), key, expected, found
        super().__init__(f"{file}: {key}: expected {expected}, found {found!r}")


class WireError(SekishoError):
    """A datagram or a part of it does not decode: count the reason, drop that part, go on."""

    def __init__(self, reason: WireReason, offset: int) -> None:
        self.reason, self.offset = reason, offset
        super().__init__(f"{reason.value} at octet {offset}")


class Unavailable(SekishoError):
    """Something outside does not answer now: try again with back-off."""


class Refused(SekishoError):
    """Not allowed, for good: shown to the person who asked, on a page in the language that they read.

    Args:
        en: one sentence; what the command line and the API say.
        ja: the same in Japanese, wherever a page may show it.
    """

    def __init__(self, en: str, ja: str = "") -> None:
        self._texts = {"en": en, "ja": ja or en}
        super().__init__(en)

    def text(self, language: str) -> str:
        """The sentence, in ``ja`` or ``en``."""
        return self._texts[language]
