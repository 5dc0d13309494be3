"""Logs of AFTRs, and of every translator that no reader knows: their shape is the operator's regular expression.

DS-Lite (RFC 6333) and 464XLAT keep their state in the AFTR or PLAT: no arithmetic leads from a port to a line, only its
log does. The inside is the household's IPv6 address; the line is whoever held the prefix around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Self

from sekisho.attribution.sources.cgnat.block import Block, Change
from sekisho.core.errors import ConfigError
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REQUIRED = ("outside", "port_first")
HOLDERS = ("inside", "line_id")
OPTIONAL = ("port_last", "change", "session")

MAX_SEARCHED = 1024
"""Characters of a message that the expression sees: what it costs is bounded by them, whatever the operator wrote."""

_REPEATED_GROUP = re.compile(r"[+*}]\)[+*{]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one kind of log line is read.

    Attributes:
        pattern: named groups ``outside``, ``port_first`` and one of ``inside`` and ``line_id``; ``port_last`` where a
            block is logged, ``change`` unless every line means ``change``.
        words: text of ``change`` -> what it means.
    """

    pattern: re.Pattern[str]
    words: Mapping[str, Change]

    @classmethod
    def configured(cls, file: Path | str, key: str, pattern: str, words: Mapping[str, str]) -> Self:
        """A shape of the configuration.

        Raises:
            ConfigError: no regular expression, a group that is missing or unknown, a word that is no change.
        """
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ConfigError(file, key, expected=f"a regular expression ({error})", found=pattern) from error
        groups = compiled.groupindex.keys()
        missing = [name for name in REQUIRED if name not in groups]
        unknown = groups - {*REQUIRED, *HOLDERS, *OPTIONAL}
        if missing or unknown or len(groups & set(HOLDERS)) != 1:
            expected = f"groups {', '.join(REQUIRED)}, one of {' and '.join(HOLDERS)}; also {', '.join(OPTIONAL)}"
            raise ConfigError(file, key, expected=expected, found=", ".join(sorted(groups)))
        if _REPEATED_GROUP.search(pattern):
            raise ConfigError(file, key, expected="no repetition of a repetition, which never ends", found=pattern)
        known = [change.value for change in Change]
        if wrong := [meaning for meaning in words.values() if meaning not in known]:
            raise ConfigError(file, f"{key} words", expected=" or ".join(known), found=wrong[0])
        return cls(pattern=compiled, words={word: Change(meaning) for word, meaning in words.items()})

    def read_message(self, message: str) -> Block | SourceReason:
        """The block of one message without its syslog header."""
        found = self.pattern.search(message[:MAX_SEARCHED])
        if found is None:
            return SourceReason.NOT_RELEVANT
        said = found.groupdict()
        change = self.words.get(said.get("change") or "", None if "change" in said else Change.ALLOCATED)
        if change is None:
            return SourceReason.UNKNOWN_SHAPE
        holder = said.get("line_id") or said.get("inside")
        if not holder:
            return SourceReason.NO_HOLDER
        try:
            first = int(said["port_first"])
            return Block(
                change=change,
                outside=IPv4Address(said["outside"]),
                port_first=first,
                port_last=int(said.get("port_last") or first),
                holder=holder,
                is_line="line_id" in said,
                session=said.get("session") or "",
            )
        except (TypeError, ValueError):
            return SourceReason.MALFORMED
