"""From facts about sessions to who held a prefix when, and how surely.

A pure function of the facts: whatever the order in which they came, the answer is the same. Between two facts about a
session nobody else can have held the prefix; after the last one the holder is only inferred where something speaks
against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.attribution.validity import OPEN_TO_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sekisho.attribution.sources.events import Holder

MISSED_CONFIRMS = 2
"""Promised confirmations that must stay away before a session counts as over: one alone is often lost on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One session's hold on a prefix, as far as it is known.

    Attributes:
        confirmed_ms: last instant at which it was surely on.
        ended_ms: told end, exclusive.
        until_ms: end of the lease.
        every_ms: promised interval of confirmations.
        restarted_ms: first restart of the server after ``confirmed_ms``.
        watermark_ms: newest event of the session's source.
    """

    session: int
    source: str
    holder: Holder
    began_ms: int
    confirmed_ms: int
    ended_ms: int | None = None
    until_ms: int | None = None
    every_ms: int | None = None
    restarted_ms: int | None = None
    watermark_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One holder from ``from_ms`` (inclusive) to ``to_ms`` (exclusive)."""

    holder: Holder
    from_ms: int
    to_ms: int
    inferred: bool
    source: str


def spans(holdings: Sequence[Holding]) -> Iterator[Span]:
    """Spans of one prefix and one range of ports; those of different holders may overlap, and then nobody is named."""
    for holding in holdings:
        certain_to, to = _ends(holding, holdings)
        for begin, end, inferred in ((holding.began_ms, certain_to, False), (certain_to, to, True)):
            if begin < end:
                yield Span(holder=holding.holder, from_ms=begin, to_ms=end, inferred=inferred, source=holding.source)


def _ends(holding: Holding, holdings: Sequence[Holding]) -> tuple[int, int]:
    """Until when the hold is certain, and until when it is at all."""
    if holding.ended_ms is not None:
        return holding.ended_ms, holding.ended_ms
    last = max(holding.began_ms, holding.confirmed_ms)
    to = min((other.began_ms for other in holdings if _contradicts(other, holding, last)), default=OPEN_TO_MS)
    if holding.until_ms is not None and holding.until_ms <= to:
        return holding.until_ms, holding.until_ms
    every = holding.every_ms
    if every is not None and holding.watermark_ms >= last + MISSED_CONFIRMS * every:
        to = min(to, last + every)
    if to != OPEN_TO_MS:
        return last, to
    if holding.restarted_ms is not None:
        return holding.restarted_ms, OPEN_TO_MS
    return OPEN_TO_MS, OPEN_TO_MS


def _contradicts(other: Holding, holding: Holding, last_ms: int) -> bool:
    """Another session that began after the last sign of this one, or at the same instant and known later."""
    if other.session == holding.session:
        return False
    return other.began_ms > last_ms or (other.began_ms == last_ms and other.began_ms > holding.began_ms)
