"""Answers that no late record can change any more: what a notice may rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.time import iso

if TYPE_CHECKING:
    from sekisho.attribution.attributor import Attributor
    from sekisho.attribution.history.history import History
    from sekisho.attribution.outcome import Attributed, Unattributed
    from sekisho.core.address import IPAddress

DEFAULT_SETTLE_MS = 900_000
"""Stops are repeated for minutes where a server does not answer; after a quarter of an hour they are lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """A source has not told enough, or is not believed.

    Attributes:
        why: one English sentence that names the source.
    """

    why: str


class Settled:
    """Answers from what is known now; one of these is made for each round of questions.

    Every source counts, whichever addresses it has told of so far: the next record of any may name this one.

    Args:
        attributor: started; knows the history and whatever else there is.
        history: tells how far its sources have told, and which are not believed.
        clock_margin_ms: what a flow's times may be off by.
        settle_ms: what a source must have told beyond the time in question.
    """

    def __init__(
        self, attributor: Attributor, history: History, *, clock_margin_ms: int, settle_ms: int = DEFAULT_SETTLE_MS
    ) -> None:
        self._attributor = attributor
        self._feeds = tuple(history.feeds.values())
        self._quarantined = sorted(history.quarantined())
        self._settle_ms = settle_ms
        self._margin_ms = clock_margin_ms

    def resolve(
        self, *, realm: str, address: IPAddress, port: int, protocol: int, start_ms: int, end_ms: int
    ) -> Attributed | Unattributed | NotYet:
        """Who held an address from ``start_ms`` to ``end_ms``, or that it is too early to say."""
        return self.not_yet(end_ms) or self._attributor.resolve(
            realm=realm, address=address, port=port, protocol=protocol, start_ms=start_ms, end_ms=end_ms
        )

    def not_yet(self, end_ms: int) -> NotYet | None:
        """Why it is too early to say who held anything until ``end_ms``; None where it is not."""
        if self._quarantined:
            return NotYet(why=f"the times of {self._quarantined[0]} are off, and it may hold what decides")
        if not self._feeds:
            return NotYet(why="no source has told anything")
        slowest = min(self._feeds, key=lambda feed: feed.watermark_ms)
        needed_ms = end_ms + self._margin_ms + self._settle_ms
        if slowest.watermark_ms < needed_ms:
            told, needed = iso(slowest.watermark_ms), iso(needed_ms)
            return NotYet(why=f"{slowest.name} has told up to {told}, and {needed} is needed")
        return None
