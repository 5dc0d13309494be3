"""Who held an address, with all that the answer rests on: for the person who has to stand by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.attribution.outcome import Attributed

if TYPE_CHECKING:
    from sekisho.attribution.attributor import Attributor
    from sekisho.attribution.history.feed import Feed
    from sekisho.attribution.history.history import History
    from sekisho.attribution.history.spans import Span
    from sekisho.attribution.outcome import Unattributed
    from sekisho.attribution.sources.events import Held
    from sekisho.core.address import IPAddress

NEAR_MS = 86_400_000
"""Holds that ended longer before, or began longer after, explain nothing about an instant."""

MOST_CONSIDERED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An address at an instant (milliseconds UTC); port 0 = not known."""

    address: IPAddress
    port: int
    protocol: int
    realm: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An answer and its grounds.

    Attributes:
        settled: every source has told what happened ``settle`` after the instant; before, the answer may change.
        decided: the holds of the answer's line that cover the instant; empty where assignments files decided.
        considered: other holds of the address around the instant, the nearest first.
        left_out: how many more there were.
    """

    question: Question
    answer: Attributed | Unattributed
    settled: bool
    decided: tuple[tuple[Held, Span], ...]
    considered: tuple[tuple[Held, Span], ...]
    left_out: int
    feeds: tuple[Feed, ...]


def explain(question: Question, *, attributor: Attributor, history: History, settle_ms: int) -> Explained:
    """The answer to a question with its grounds."""
    at_ms = question.at_ms
    answer = attributor.resolve(
        realm=question.realm,
        address=question.address,
        port=question.port,
        protocol=question.protocol,
        start_ms=at_ms,
        end_ms=at_ms,
    )
    known = history.around(question.address, realm=question.realm)
    near = [(held, span) for held, span in known if _distance(span, at_ms) <= NEAR_MS]
    line = answer.line_id if isinstance(answer, Attributed) else None
    decided = [one for one in near if one[1].holder == line and one[1].from_ms <= at_ms < one[1].to_ms]
    others = sorted((one for one in near if one not in decided), key=lambda one: _distance(one[1], at_ms))
    return Explained(
        question=question,
        answer=answer,
        settled=bool(history.feeds) and at_ms < history.settled_until_ms(settle_ms),
        decided=tuple(decided),
        considered=tuple(others[:MOST_CONSIDERED]),
        left_out=max(len(others) - MOST_CONSIDERED, 0),
        feeds=tuple(history.feeds.values()),
    )


def _distance(span: Span, at_ms: int) -> int:
    """How far a span is from an instant; 0 inside it."""
    return max(span.from_ms - at_ms, at_ms - span.to_ms, 0)
