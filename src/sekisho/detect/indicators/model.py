"""What an indicator is, and why an entry of a feed did not become one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.core.address import IPNetwork

ALWAYS_FROM_MS, ALWAYS_UNTIL_MS = -(1 << 62), 1 << 62
"""Bounds of an indicator without times: far outside every clock, and still safe to add to."""

SEEN_BEFORE_MS = 7 * 86_400_000
"""Malware reports to an address before somebody notices: contacts of the week before the first sighting count."""

SEEN_AFTER_MS = 30 * 86_400_000
"""Hosting addresses change hands within weeks: a month after the last sighting it may be anybody's."""

LABEL_LENGTH = 80
"""Characters kept of a label: it stands in a sentence."""

PROTOCOLS = {"tcp": 6, "udp": 17, "6": 6, "17": 17, "any": 0, "0": 0, "": 0}
"""Protocols that have ports, by the names feeds use."""


class SkipReason(Enum):
    """Why an entry of a feed did not become an indicator."""

    NOT_AN_ADDRESS = "not_an_address"
    BAD_PORT = "bad_port"
    BAD_PROTOCOL = "bad_protocol"
    BAD_TIME = "bad_time"
    BAD_ROW = "bad_row"
    BAD_PATTERN = "bad_pattern"
    UNSUPPORTED_PATTERN = "unsupported_pattern"
    OTHER_KIND = "other_kind"
    NOT_FOR_DETECTION = "not_for_detection"
    TOO_WIDE = "too_wide"
    SPECIAL_USE = "special_use"
    OURS = "ours"
    PUBLIC_SERVICE = "public_service"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An address that malware reports to.

    Attributes:
        port: 0 = any.
        protocol: IANA number, 0 = any.
        label: what the feed calls it.
        source: file and place in it.
        is_sinkhole: researchers hold the address: a device that asks there is infected, nobody steers it.
        valid_from_ms, valid_until_ms: for how long it holds, milliseconds UTC, the second exclusive.
    """

    network: IPNetwork
    port: int
    protocol: int
    label: str
    source: str
    is_sinkhole: bool
    valid_from_ms: int
    valid_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An entry that did not become an indicator: where it stands, what was expected, what was found."""

    reason: SkipReason
    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, found {self.found[:LABEL_LENGTH]!r}"


Entry = Indicator | Skipped


class SkipError(Exception):
    """An entry is no indicator; the reader turns it into a ``Skipped`` with its place."""

    def __init__(self, reason: SkipReason, *, expected: str, found: object) -> None:
        self.reason, self.expected, self.found = reason, expected, found
        super().__init__(expected)

    def at(self, place: str) -> Skipped:
        """The outcome, told where it stands."""
        return Skipped(reason=self.reason, place=place, expected=self.expected, found=str(self.found))


def label_of(text: str, *, default: str) -> str:
    """A label fit for one line of a terminal or a page: no control characters, not longer than a line."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text).strip()[:LABEL_LENGTH] or default


def tells_sinkhole(*texts: str) -> bool:
    """Whether a feed's own words call an address a sinkhole."""
    return any("sinkhole" in text.lower() for text in texts)
