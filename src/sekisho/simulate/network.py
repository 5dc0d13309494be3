"""What every way of running a scenario has in common: lines, who attacks, who resembles it, who talks to whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sekisho.simulate.attacks import Attacks
from sekisho.simulate.barrages import Barrages
from sekisho.simulate.conversations import Conversations, Uses, households
from sekisho.simulate.day import always, hourly
from sekisho.simulate.delivery import Delivery
from sekisho.simulate.lines import ACCESS, build_lines
from sekisho.simulate.packet_keys import PacketKeys
from sekisho.simulate.placing import Placing
from sekisho.simulate.sessions import SessionChange, Sessions
from sekisho.simulate.truth import Truth
from sekisho.simulate.ways import Ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from sekisho.simulate.flows import Flows
    from sekisho.simulate.router import Router
    from sekisho.simulate.scenario import ExporterPart, Scenario
    from sekisho.simulate.thinned_router import ThinnedRouter

AT_THE_ACCESS = "access"

_LINES, _PLACING, _SESSIONS, _MEMBERS, _LOSS, TALK, SAMPLING, THINNING = range(8)
"""Purposes of random numbers; each has its own stream, so that sessions are the same whatever the traffic is."""


class Network:
    """A scenario with one seed.

    Attributes:
        placing: which lines attack and which do something that resembles it.
        routers: one for each exporter of the scenario.
        delivery: the way of their datagrams.
        most_open_flows: the most that was held in memory at one time.
    """

    routers: Sequence[Router] | Sequence[ThinnedRouter]

    def __init__(self, scenario: Scenario, *, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.lines = build_lines(scenario.lines, self.rng(_LINES))
        self.placing = Placing(scenario, self.lines, self.rng(_PLACING))
        self.attacks = Attacks(
            scenario.attack, self.placing.infected, self.lines, start_ms=scenario.start_ms, seed=seed
        )
        placed = self.placing.look_alikes
        self.barrages = Barrages(
            [target for look_alike in placed for target in look_alike.targets()],
            first_pattern=len(self.attacks.patterns),
            seed=seed,
        )
        self.keys = PacketKeys((*self.attacks.patterns, *self.barrages.patterns), self.lines.ports)
        self.truth = Truth(self.attacks, start_ms=scenario.start_ms, duration_s=scenario.duration_s)
        self.delivery = Delivery(scenario, [self.rng(_LOSS, number) for number in range(len(scenario.exporter))])
        self.here = [np.isin(self.lines.access, _codes(part)) for part in scenario.exporter]
        self.most_open_flows = 0
        self.v4_lo = self.lines.fixed_v4.copy()
        self.connected_ms = np.zeros(len(self.lines), np.int64)

    def rng(self, *purpose: int) -> np.random.Generator:
        """The stream of random numbers of a purpose."""
        return np.random.default_rng([self.seed, *purpose])

    def access_router(self, line: int) -> int:
        """Number of the exporter at the access boundary that meters a line."""
        exporters = enumerate(self.scenario.exporter)
        return next(n for n, part in exporters if self.here[n][line] and part.boundary == AT_THE_ACCESS)

    def session_changes(self) -> Iterator[SessionChange]:
        """Who gets and loses a dynamic address, from the start; the same at every call."""
        forced: dict[int, list[int]] = {}
        # What a look-alike is about would be cut off with its line.
        for placed in self.placing.look_alikes:
            if not placed.row.everywhere:
                forced |= {line: [] for line in placed.lines.tolist()}
        for part, line in zip(self.attacks.parts, self.attacks.line, strict=True):
            forced[line] = [self.scenario.start_ms + int(at * 1000) for at in part.reconnects_at_s]
        return Sessions(
            self.lines,
            self.rng(_SESSIONS),
            start_ms=self.scenario.start_ms,
            end_ms=self.scenario.end_ms,
            reconnects_per_hour=self.scenario.lines.reconnects_per_hour,
            forced=forced,
        ).changes()

    def conversations(self, here: NDArray[np.bool_] | None = None, *purpose: int) -> list[Conversations]:
        """What people do on their lines, and what the look-alikes do beside it; each draws from a stream of its own.

        ``here``: (lines,) only those; ``purpose``: of the streams.
        """
        counts = self.scenario.lines
        usual = households(self.lines, counts.activity, self.rng(_MEMBERS))
        beside = Uses([use for placed in self.placing.look_alikes for use in placed.uses()])
        activity_at = hourly(self.scenario.start) if counts.by_hour else always
        talking = []
        for number, (uses, activity, between) in enumerate(
            ((usual, activity_at, counts.between_lines), (beside, always, 0.0))
        ):
            mine = uses if here is None else _only(uses, here)
            rng = self.rng(TALK, number, *purpose)
            ways = Ways(mine, self.lines, rng, between_lines=between)
            talking.append(Conversations(mine, ways, rng, activity_at=activity))
        return talking[: 2 if len(beside) else 1]

    def connect(self, changes: Iterable[SessionChange]) -> None:
        """Lines that get their address."""
        for change in changes:
            self.v4_lo[change.line] = change.address_lo if change.up else 0
            if change.up:
                self.connected_ms[change.line] = change.at_ms

    def attacking(self, at_ms: int, until_ms: int) -> Iterator[Flows]:
        """Flows of attacks, and of floods against lines, that begin in [at_ms, until_ms)."""
        yield self.attacks.starting(at_ms, until_ms, self.v4_lo, self.connected_ms)
        yield self.barrages.starting(at_ms, until_ms, self.v4_lo)


class Changes:
    """Session changes, taken up to an instant at a time."""

    def __init__(self, changes: Iterator[SessionChange]) -> None:
        self._changes, self._next = changes, next(changes, None)

    def before(self, at_ms: int) -> Iterator[SessionChange]:
        """Those that have not been taken yet, of the time before ``at_ms``."""
        while self._next is not None and self._next.at_ms < at_ms:
            yield self._next
            self._next = next(self._changes, None)


def _codes(part: ExporterPart) -> list[int]:
    return [ACCESS.index(access) for access in part.access]


def _only(uses: Uses, here: NDArray[np.bool_]) -> Uses:
    return Uses([replace(use, lines=use.lines[here[use.lines]]) for use in uses.rows])
