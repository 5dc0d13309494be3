"""Pooled figures: shares with their 95 % interval, by kind, condition and sampling interval."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import sqrt
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from evaluate.trial import Attack, Outcome

ENOUGH_SAMPLED = 40
"""Packets that an attack must have left in the records to count: below it nobody could know."""

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """0 to 1; of nothing it is 0."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval (Wilson, "Probable inference", J. Am. Stat. Assoc. 22, 1927)."""
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, self.value
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def __str__(self) -> str:
        """``0.985 (0.97-0.99, n 812)``."""
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f}-{high:.3f}, n {self.of})" if self.of else "-"


@dataclass(slots=True)
class Pool:
    """Outcomes of one condition."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def attacks(self) -> list[Attack]:
        """Those that left enough in the records to be told."""
        return [a for outcome in self.outcomes for a in outcome.attacks if a.sampled_packets >= ENOUGH_SAMPLED]

    def on_lines(self) -> list[Attack]:
        """Those whose line can be known."""
        return [attack for attack in self.attacks if not attack.unattributed]

    def recall(self) -> Share:
        """Lines at ``act`` among those that attacked."""
        found = [attack.found for attack in self.on_lines()]
        return Share(sum(found), len(found))

    def kind_right(self) -> Share:
        """Right kind among those found."""
        right = [attack.kind_right for attack in self.on_lines() if attack.found]
        return Share(sum(right), len(right))

    def without_line(self) -> Share:
        """Found with the right kind and reason, or at the interface, where no line can be known."""
        found = [attack.kind_right for attack in self.attacks if attack.unattributed]
        return Share(sum(found), len(found))

    def accused(self) -> list[tuple[str, str]]:
        """(line_id, kind) at ``act`` on innocent lines."""
        return [pair for outcome in self.outcomes for pair in outcome.accused]

    def watched(self) -> int:
        """Innocent lines at ``watch``."""
        return sum(len(outcome.watched) for outcome in self.outcomes)

    def innocent(self) -> int:
        """Lines that attacked nobody."""
        return sum(o.lines - len({a.line_id for a in o.attacks}) for o in self.outcomes)

    def wrong_sides(self) -> int:
        """Record sides given to a line that did not hold them."""
        return sum(outcome.wrong_sides for outcome in self.outcomes)

    def records(self) -> int:
        """Data records judged."""
        return sum(outcome.records for outcome in self.outcomes)

    def delays(self) -> tuple[float, float] | None:
        """Median and 95th percentile of the seconds from the first packet to the verdict of the right kind."""
        delays = sorted(attack.delay_s for attack in self.attacks if attack.delay_s is not None)
        if len(delays) < 2:
            return (delays[0], delays[0]) if delays else None
        return median(delays), quantiles(delays, n=20, method="inclusive")[-1]


def pooled(outcomes: Iterable[tuple[Hashable, Outcome]]) -> dict[Hashable, Pool]:
    """Outcomes by their condition, in the order in which conditions come."""
    pools: defaultdict[Hashable, Pool] = defaultdict(Pool)
    for key, outcome in outcomes:
        pools[key].outcomes.append(outcome)
    return dict(pools)


def by(attacks: Iterable[Attack], key: Callable[[Attack], str]) -> dict[str, list[Attack]]:
    """Attacks by a property."""
    groups: defaultdict[str, list[Attack]] = defaultdict(list)
    for attack in attacks:
        groups[key(attack)].append(attack)
    return dict(groups)
