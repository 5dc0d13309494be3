"""New benign conversations of one time step: which line starts what, and for how long. ``ways.py`` makes them flows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.simulate.applications import APPLICATIONS, Application

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.flows import Flows
    from sekisho.simulate.lines import Lines
    from sekisho.simulate.ways import Ways

LONGEST_MS = 12 * 3_600_000
"""A TCP connection of half a day is rare, and no flow needs to be longer to be seen as endless."""

FOREVER_MS = 1 << 52

_ALREADY_MS = 600_000
"""What goes on all the time has begun within the ten minutes before the scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An application on some lines.

    Attributes:
        lines: (n,) int64, their numbers.
        times: factor on the conversations that start.
        from_ms, until_ms: while it is used, milliseconds UTC.
    """

    application: Application
    lines: NDArray[np.int64]
    times: float = 1.0
    from_ms: int = 0
    until_ms: int = FOREVER_MS


class Drawn(NamedTuple):
    """Conversations whose addresses are not chosen yet, (n,) each.

    Attributes:
        use: row of the uses.
        pace: factor on the median packet rate.
    """

    use: NDArray[np.int64]
    line: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    duration_ms: NDArray[np.int64]
    v6: NDArray[np.bool_]
    pace: NDArray[np.float64]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Drawn:
        """The chosen rows."""
        return Drawn._make(values[rows] for values in self)


class Uses:
    """All uses side by side, their attributes as arrays."""

    def __init__(self, uses: Sequence[Use]) -> None:
        self.rows = tuple(uses)
        self.applications = tuple(use.application for use in uses)
        self._columns: dict[str, NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> NDArray[np.float64]:
        """An attribute of each use's application as a number."""
        if name not in self._columns:
            self._columns[name] = np.array([float(getattr(row, name)) for row in self.applications], np.float64)
        return self._columns[name]

    def of(self, drawn: Drawn, name: str) -> NDArray[np.float64]:
        """An attribute of each conversation's application."""
        return self.column(name)[drawn.use]

    @cached_property
    def population(self) -> NDArray[np.int64]:
        """(uses,) lines of each."""
        return np.array([len(use.lines) for use in self.rows], np.int64)

    @cached_property
    def starts_per_ms(self) -> NDArray[np.float64]:
        """(uses,) conversations that start on all its lines together."""
        each = self.column("starts_per_hour") * np.array([use.times for use in self.rows], np.float64)
        return np.asarray(each / 3_600_000 * self.population)

    @cached_property
    def window_ms(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(uses,) from when and until when."""
        spans = np.array([(use.from_ms, use.until_ms) for use in self.rows], np.int64).reshape(-1, 2)
        return spans[:, 0], spans[:, 1]


class Conversations:
    """Draws the conversations of all uses, step by step.

    Args:
        activity_at: factor on the conversations that start, at an instant.
    """

    def __init__(
        self, uses: Uses, ways: Ways, rng: Generator, *, activity_at: Callable[[int], float] = lambda _at_ms: 1.0
    ) -> None:
        self.uses, self._ways, self._rng, self._activity_at = uses, ways, rng, activity_at

    def running(self, at_ms: int, v4_lo: NDArray[np.int64]) -> Flows:
        """Conversations that have been going on for a while at ``at_ms``, the scenario's first instant."""
        mean_ms = self.uses.column("duration_s") * np.exp(self.uses.column("spread") ** 2 / 2) * 1000
        begun = self.uses.window_ms[0] <= at_ms
        count = self._counts(at_ms, mean_ms * begun)
        use = np.repeat(np.arange(len(count)), count)
        stretch, pace = self._varied(use)
        # An instant meets conversations in proportion to their length; a log-normal is then shifted by its variance.
        stretch *= np.exp(self.uses.column("spread")[use] ** 2)
        drawn, _ = self._on_lines(use, self._lines_of(use), stretch, pace)
        elapsed = (drawn.duration_ms * self._rng.random(len(drawn.line))).astype(np.int64)
        drawn = self._within(drawn._replace(start_ms=at_ms - elapsed))
        always = self._always(begun)
        already = self._rng.integers(_ALREADY_MS, size=len(always.line))
        always = always._replace(start_ms=at_ms - already, duration_ms=always.duration_ms + already)
        return self.open(joined_draws(drawn, always), v4_lo)[0]

    def starting(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64]) -> Flows:
        """Conversations that start in [at_ms, until_ms).

        ``v4_lo``: (lines,) lower word of each line's IPv4 address during that time, 0 = not connected.
        """
        count, start_ms = self.starts(at_ms, until_ms)
        use = np.repeat(np.arange(len(count)), count)
        by_chance, _ = self.drawn(use, *self._varied(use), start_ms)
        return self.open(joined_draws(by_chance, self._punctual(at_ms, until_ms)), v4_lo)[0]

    def punctual(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64]) -> Flows:
        """Conversations that start in [at_ms, until_ms) not by chance: all the time from now on, or every so often."""
        return self.open(self._punctual(at_ms, until_ms), v4_lo)[0]

    def starts(
        self, at_ms: int, until_ms: int, factor: NDArray[np.float64] | float = 1.0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many of each use start by chance in [at_ms, until_ms), times ``factor``, and when each does."""
        from_ms, past_ms = self.uses.window_ms
        first = np.maximum(from_ms, at_ms)
        during = np.maximum(0, np.minimum(past_ms, until_ms) - first)
        count = self._counts(at_ms, during * np.broadcast_to(factor, len(self.uses)))
        use = np.repeat(np.arange(len(count)), count)
        return count, first[use] + (self._rng.random(len(use)) * during[use]).astype(np.int64)

    def drawn(
        self,
        use: NDArray[np.int64],
        stretch: NDArray[np.float64],
        pace: NDArray[np.float64],
        start_ms: NDArray[np.int64],
    ) -> tuple[Drawn, NDArray[np.int64]]:
        """Conversations of some uses on any of their lines; parallel ones are repeated, and know which they repeat.

        ``stretch`` and ``pace``: factors on the median duration and packet rate.
        """
        drawn, repeated = self._on_lines(use, self._lines_of(use), stretch, pace)
        return self._within(drawn._replace(start_ms=start_ms[repeated])), repeated

    def open(self, drawn: Drawn, v4_lo: NDArray[np.int64]) -> tuple[Flows, NDArray[np.int64]]:
        """As ``Ways.open``."""
        return self._ways.open(drawn, v4_lo)

    def _punctual(self, at_ms: int, until_ms: int) -> Drawn:
        from_ms = self.uses.window_ms[0]
        begins = (from_ms > at_ms) & (from_ms < until_ms)
        return joined_draws(self._always(begins), self._every(at_ms, until_ms))

    def _every(self, at_ms: int, until_ms: int) -> Drawn:
        turns = [(row, n) for row, use in enumerate(self.uses.rows) for n in _turns(use, at_ms, until_ms)]
        lines = [self.uses.rows[row].lines for row, _ in turns]
        which = np.repeat(np.arange(len(turns)), [len(line) for line in lines])
        use = np.array([row for row, _ in turns], np.int64)[which]
        line = np.concatenate([np.zeros(0, np.int64), *lines])
        start_ms = np.array([_turn_ms(self.uses.rows[row], n) for row, n in turns], np.int64)[which]
        drawn, repeated = self._on_lines(use, line, *self._varied(use))
        return self._within(drawn._replace(start_ms=start_ms[repeated]))

    def _counts(self, at_ms: int, during_ms: NDArray[np.float64]) -> NDArray[np.int64]:
        """(uses,) conversations that start in a time of that length."""
        return self._rng.poisson(self._activity_at(at_ms) * self.uses.starts_per_ms * during_ms)

    def _varied(self, use: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Factors on the median duration and packet rate of each conversation."""
        spread = self.uses.column("spread")[use]
        long, fast = self._rng.standard_normal((2, len(use)))
        return np.exp(spread * long), np.exp(spread / 2 * fast)

    def _lines_of(self, use: NDArray[np.int64]) -> NDArray[np.int64]:
        """A line of each use's, drawn evenly; ``use`` in rising order."""
        picked = self._rng.random(len(use)) * self.uses.population[use]
        return self._members[self._first_member[use] + picked.astype(np.int64)]

    @cached_property
    def _members(self) -> NDArray[np.int64]:
        return np.concatenate([np.zeros(0, np.int64), *(row.lines for row in self.uses.rows)])

    @cached_property
    def _first_member(self) -> NDArray[np.int64]:
        return np.cumsum(self.uses.population) - self.uses.population

    def _on_lines(
        self, use: NDArray[np.int64], line: NDArray[np.int64], stretch: NDArray[np.float64], pace: NDArray[np.float64]
    ) -> tuple[Drawn, NDArray[np.int64]]:
        """Conversations whose start is still 0, parallel ones repeated, and which row each repeats."""
        duration = self.uses.column("duration_s")[use] * stretch * 1000
        drawn = Drawn(
            use=use,
            line=line,
            start_ms=np.zeros(len(line), np.int64),
            duration_ms=np.clip(duration, 1, LONGEST_MS).astype(np.int64),
            v6=self._ways.takes_v6(use, line),
            pace=pace,
        )
        repeated = np.repeat(np.arange(len(use)), self.uses.column("parallel").astype(np.int64)[use])
        return drawn.select(repeated), repeated

    def _within(self, drawn: Drawn) -> Drawn:
        """No conversation outlasts its use."""
        left = self.uses.window_ms[1][drawn.use] - drawn.start_ms
        return drawn._replace(duration_ms=np.minimum(drawn.duration_ms, left))

    def _always(self, begun: NDArray[np.bool_]) -> Drawn:
        """What goes on all the time, of the uses that begin."""
        from_ms, until_ms = self.uses.window_ms
        each = np.where(begun, self.uses.column("always"), 0).astype(np.int64)
        use = np.repeat(np.arange(len(self.uses)), each * self.uses.population)
        none = np.zeros(0, np.int64)
        rows = [np.repeat(row.lines, count) for row, count in zip(self.uses.rows, each, strict=True)]
        line = np.concatenate([none, *rows])
        drawn, _ = self._on_lines(use, line, *self._varied(use))
        return drawn._replace(start_ms=from_ms[drawn.use], duration_ms=(until_ms - from_ms)[drawn.use])


def households(lines: Lines, activity: float, rng: Generator) -> Uses:
    """What people use on which lines; ``activity`` = 0 leaves every line silent."""
    uses = []
    for application in APPLICATIONS:
        able = np.flatnonzero(np.isin(lines.access, application.lines)) if activity else np.zeros(0, np.int64)
        mine = able[rng.random(len(able)) < application.prevalence]
        uses.append(Use(application=application, lines=mine, times=activity))
    return Uses(uses)


def _turns(use: Use, at_ms: int, until_ms: int) -> range:
    """Numbers of the conversations of a use that start in [at_ms, until_ms) at its fixed pace."""
    if not use.application.every_s:
        return range(0)
    first_ms, every_ms = use.from_ms + use.application.after_s * 1000, use.application.every_s * 1000
    first, past = (max(0, math.ceil((t - first_ms) / every_ms)) for t in (at_ms, min(until_ms, use.until_ms)))
    return range(first, past)


def _turn_ms(use: Use, number: int) -> int:
    return use.from_ms + int((use.application.after_s + number * use.application.every_s) * 1000)


def joined_draws(*parts: Drawn) -> Drawn:
    """All rows of all parts."""
    return Drawn._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
