"""Firmware versions: compared where both follow a scheme that orders them, otherwise not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_SCHEME = re.compile(
    r"(?:firmware\s*)?(?:version\s*|ver\.?\s*|v\.?\s*)?(?P<numbers>\d{1,9}(?:\.\d{1,9}){0,5})(?P<letter>[a-z]?)"
    r"(?:[ _.-]*(?:build|b|rev|r|p)\s*(?P<build>\d{1,12}))?",
    re.IGNORECASE,
)
"""Numbers between dots, perhaps a letter, perhaps a build: how the makers of home devices number their firmware."""

Key = tuple[tuple[int, ...], str, int]


class Within(Enum):
    """Whether a version lies in a range."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def version_key(text: str) -> Key | None:
    """An ordering key, None where the text follows no scheme."""
    found = _SCHEME.fullmatch(text.strip())
    if found is None:
        return None
    numbers = [int(number) for number in found["numbers"].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), found["letter"].lower(), int(found["build"] or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRange:
    """Affected versions: from (inclusive) to (exclusive, or inclusive where ``to_included``); "" = unbounded."""

    start: str = ""
    start_included: bool = True
    end: str = ""
    end_included: bool = False

    @classmethod
    def exactly(cls, version: str) -> VersionRange:
        """One version."""
        return cls(start=version, end=version, end_included=True)

    def holds(self, version: str) -> Within:
        """Whether a version is affected; UNKNOWN where a bound or the version cannot be ordered."""
        if version and version in (self.start, self.end):
            return _at_bound(self, version)
        key = version_key(version)
        start, end = version_key(self.start), version_key(self.end)
        if key is None or (self.start and start is None) or (self.end and end is None):
            return Within.UNKNOWN
        above = start is None or key > start or (key == start and self.start_included)
        below = end is None or key < end or (key == end and self.end_included)
        return Within.YES if above and below else Within.NO


def _at_bound(span: VersionRange, version: str) -> Within:
    inside = (version != span.start or span.start_included) and (version != span.end or span.end_included)
    return Within.YES if inside else Within.NO
