"""A scenario in motion: sessions, conversations and attacks through the routers, step by step, as datagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import warm
from sekisho.simulate import flow_cache
from sekisho.simulate.delivery import STEP_MS, Exported
from sekisho.simulate.flows import OUTSIDE
from sekisho.simulate.network import AT_THE_ACCESS, SAMPLING, Changes, Network
from sekisho.simulate.router import Router

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.simulate.flows import Flows
    from sekisho.simulate.scenario import Scenario
    from sekisho.simulate.sessions import SessionChange


class Simulation(Network):
    """One run of a scenario with one seed, packet by packet; the same two give the same octets.

    Memory grows with lines, attacks and open flows, not with the duration (but for the truth's sums by window).
    """

    routers: list[Router]

    def __init__(self, scenario: Scenario, *, seed: int) -> None:
        super().__init__(scenario, seed=seed)
        self.routers = [
            Router(
                part,
                self.keys,
                self.truth,
                self.rng(SAMPLING, number),
                here=here,
                counts=part.boundary == AT_THE_ACCESS,
            )
            for number, (part, here) in enumerate(zip(scenario.exporter, self.here, strict=True))
        ]

    def datagrams(self) -> Iterator[Exported]:
        """Every export datagram in order of arrival. Iterate once."""
        warm([flow_cache.KERNELS])
        start_ms, end_ms = self.scenario.start_ms, self.scenario.end_ms
        changes, talking = Changes(self.session_changes()), self.conversations()
        self._apply(changes.before(start_ms))
        self._open(conversations.running(start_ms, self.v4_lo) for conversations in talking)
        for at_ms in range(start_ms, end_ms, STEP_MS):
            until_ms = at_ms + STEP_MS
            self._apply(changes.before(until_ms))
            self._open(conversations.starting(at_ms, until_ms, self.v4_lo) for conversations in talking)
            self._open(self.attacking(at_ms, until_ms))
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

    def _apply(self, changes: Iterable[SessionChange]) -> None:
        for change in changes:
            self.connect([change])
            if not change.up:
                for router in self.routers:
                    router.cut(change.line, change.at_ms)

    def _open(self, beginning: Iterable[Flows]) -> None:
        for flows in beginning:
            # A line that has come back within the step sends nothing before that instant.
            connected = flows.select(flows.start_ms >= self.connected_ms[flows.line])
            within = connected.peer_line != OUTSIDE
            for router, here in zip(self.routers, self.here, strict=True):
                at_access = router.part.boundary == AT_THE_ACCESS
                router.open(connected.select(here[connected.line] & (~within | at_access)))
                if at_access and within.any():
                    elsewhere = within & ~here[connected.line] & here[connected.peer_line]
                    router.open(_arriving(connected.select(elsewhere)))


def _arriving(flows: Flows) -> Flows:
    """The same packets where they come to the line that they are for."""
    return flows._replace(line=flows.peer_line, peer_line=flows.line, outbound=np.zeros_like(flows.outbound))
