"""Is the line still the right one: asked before a notice is approved, and again before it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.cases.model import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class SameLine:
    """Every source that covers the time has spoken, and it is this line for certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLine:
    """It was somebody else's, or nobody knows whose: the case is withdrawn.

    Attributes:
        why: a reason of attribution.
    """

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSettled:
    """A source has not spoken yet, or it is known by inference only: nothing leaves.

    Attributes:
        why: one sentence.
    """

    why: str


Answer = SameLine | OtherLine | NotSettled
Resolve = Callable[[str, "Evidence"], Answer]
"""(line id, evidence) -> whose it is, asked anew."""


def settled(line_id: str, evidence: tuple[Evidence, ...], resolve: Resolve) -> Answer:
    """One answer for all evidence of a case: another line wins over doubt, doubt over certainty."""
    return worst([resolve(line_id, each) for each in evidence])


def worst(answers: Sequence[Answer]) -> Answer:
    """Another line, else doubt, else the same line."""
    for kind in (OtherLine, NotSettled):
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    return SameLine() if answers else NotSettled(why="the case has no evidence")
