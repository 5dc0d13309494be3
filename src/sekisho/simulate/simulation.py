"""A scenario in motion: sessions, conversations and attacks through the routers, step by step, as datagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import warm
from sekisho.simulate import flow_cache
from sekisho.simulate.attacks import Attacks
from sekisho.simulate.barrages import Barrages
from sekisho.simulate.conversations import Conversations, Uses, households
from sekisho.simulate.day import always, hourly
from sekisho.simulate.delivery import STEP_MS, Delivery, Exported
from sekisho.simulate.flows import OUTSIDE
from sekisho.simulate.lines import ACCESS, build_lines
from sekisho.simulate.packet_keys import PacketKeys
from sekisho.simulate.placing import Placing
from sekisho.simulate.router import Router
from sekisho.simulate.sessions import SessionChange, Sessions
from sekisho.simulate.truth import Truth
from sekisho.simulate.ways import Ways

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.simulate.flows import Flows
    from sekisho.simulate.scenario import ExporterPart, Scenario

_LINES, _PLACING, _SESSIONS, _CONVERSATIONS, _SAMPLING, _LOSS, _LOOK_ALIKES = range(7)
"""Purposes of random numbers; each has its own stream, so that sessions are the same whatever the traffic is."""

_ACCESS = "access"


class Simulation:
    """One run of a scenario with one seed; the same two give the same octets.

    Memory grows with lines, attacks and open flows, not with the duration (but for the truth's sums by window).
    """

    def __init__(self, scenario: Scenario, *, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.lines = build_lines(scenario.lines, self._rng(_LINES))
        self.placing = Placing(scenario, self.lines, self._rng(_PLACING))
        self.attacks = Attacks(
            scenario.attack, self.placing.infected, self.lines, start_ms=scenario.start_ms, seed=seed
        )
        placed = self.placing.look_alikes
        self._barrages = Barrages(
            [target for look_alike in placed for target in look_alike.targets()],
            first_pattern=len(self.attacks.patterns),
            seed=seed,
        )
        self.truth = Truth(self.attacks, start_ms=scenario.start_ms, duration_s=scenario.duration_s)
        keys = PacketKeys((*self.attacks.patterns, *self._barrages.patterns), self.lines.ports)
        self._here = [np.isin(self.lines.access, _codes(part)) for part in scenario.exporter]
        self.routers = [
            Router(part, keys, self.truth, self._rng(_SAMPLING, number), here=here, counts=part.boundary == _ACCESS)
            for number, (part, here) in enumerate(zip(scenario.exporter, self._here, strict=True))
        ]
        self.delivery = Delivery(scenario, [self._rng(_LOSS, number) for number in range(len(scenario.exporter))])
        self.most_open_flows = 0
        self._v4_lo = self.lines.fixed_v4.copy()
        self._connected_ms = np.zeros(len(self.lines), np.int64)

    def access_router(self, line: int) -> int:
        """Number of the exporter at the access boundary that meters a line."""
        numbers = range(len(self.routers))
        return next(n for n in numbers if self._here[n][line] and self.scenario.exporter[n].boundary == _ACCESS)

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
            self._rng(_SESSIONS),
            start_ms=self.scenario.start_ms,
            end_ms=self.scenario.end_ms,
            reconnects_per_hour=self.scenario.lines.reconnects_per_hour,
            forced=forced,
        ).changes()

    def conversations(self) -> list[Conversations]:
        """What people do on all lines, and what the look-alikes do beside it; each draws from a stream of its own."""
        counts, rng = self.scenario.lines, self._rng(_CONVERSATIONS)
        usual = households(self.lines, counts.activity, rng)
        ways = Ways(usual, self.lines, rng, between_lines=counts.between_lines)
        activity_at = hourly(self.scenario.start) if counts.by_hour else always
        people = Conversations(usual, ways, rng, activity_at=activity_at)
        rng = self._rng(_LOOK_ALIKES)
        uses = Uses([use for placed in self.placing.look_alikes for use in placed.uses()])
        return [people, Conversations(uses, Ways(uses, self.lines, rng), rng)] if len(uses) else [people]

    def datagrams(self) -> Iterator[Exported]:
        """Every export datagram in order of arrival. Iterate once."""
        warm([flow_cache.KERNELS])
        start_ms, end_ms = self.scenario.start_ms, self.scenario.end_ms
        changes = _Changes(self.session_changes())
        talking = self.conversations()
        self._apply(changes.before(start_ms))
        for conversations in talking:
            self._open(conversations.running(start_ms, self._v4_lo))
        for at_ms in range(start_ms, end_ms, STEP_MS):
            until_ms = at_ms + STEP_MS
            self._apply(changes.before(until_ms))
            for conversations in talking:
                self._open(conversations.starting(at_ms, STEP_MS, self._v4_lo))
            self._open(self.attacks.starting(at_ms, until_ms, self._v4_lo, self._connected_ms))
            self._open(self._barrages.starting(at_ms, until_ms, self._v4_lo))
            yield from self._step(at_ms, until_ms)
            self.most_open_flows = max(self.most_open_flows, sum(router.open_flows for router in self.routers))
        yield from self.delivery.export([router.flush() for router in self.routers], end_ms + STEP_MS)

    def _step(self, at_ms: int, until_ms: int) -> Iterator[Exported]:
        """One second of all routers; where the sampling changes at its end, the old one's records leave first."""
        records = [router.step(at_ms, until_ms) for router in self.routers]
        resampled = []
        for number, router in enumerate(self.routers):
            for change in router.part.sampling_changes:
                if self.scenario.start_ms + change.at_s * 1000 == until_ms:
                    records[number] = np.concatenate([records[number], router.resample(change.interval)])
                    resampled.append((number, change.interval))
        yield from self.delivery.export(records, until_ms)
        for number, interval in resampled:
            self.delivery.exports[number].announce(interval, until_ms)

    def _rng(self, *purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose])

    def _apply(self, changes: Iterator[SessionChange]) -> None:
        for change in changes:
            self._v4_lo[change.line] = change.address_lo if change.up else 0
            if change.up:
                self._connected_ms[change.line] = change.at_ms
            else:
                for router in self.routers:
                    router.cut(change.line, change.at_ms)

    def _open(self, flows: Flows) -> None:
        # A line that has come back within the step sends nothing before that instant.
        flows = flows.select(flows.start_ms >= self._connected_ms[flows.line])
        within = flows.peer_line != OUTSIDE
        for router, here in zip(self.routers, self._here, strict=True):
            passing = here[flows.line] & (~within | (router.part.boundary == _ACCESS))
            router.open(flows.select(passing))
            if within.any() and router.part.boundary == _ACCESS:
                router.open(_arriving(flows.select(within & ~here[flows.line] & here[flows.peer_line])))


def _codes(part: ExporterPart) -> list[int]:
    return [ACCESS.index(access) for access in part.access]


def _arriving(flows: Flows) -> Flows:
    """The same packets where they come to the line that they are for."""
    return flows._replace(line=flows.peer_line, peer_line=flows.line, outbound=np.zeros_like(flows.outbound))


class _Changes:
    """Session changes, taken up to an instant at a time."""

    def __init__(self, changes: Iterator[SessionChange]) -> None:
        self._changes, self._next = changes, next(changes, None)

    def before(self, at_ms: int) -> Iterator[SessionChange]:
        while self._next is not None and self._next.at_ms < at_ms:
            yield self._next
            self._next = next(self._changes, None)
