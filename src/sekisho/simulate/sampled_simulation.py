"""A scenario whose sampled packets are drawn directly: days of many lines, at a cost that follows what is sampled."""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import TYPE_CHECKING

from sekisho.core.errors import ConfigError
from sekisho.core.kernels import warm
from sekisho.simulate import flow_cache
from sekisho.simulate.delivery import STEP_MS
from sekisho.simulate.flows import BENIGN, joined, no_flows
from sekisho.simulate.network import AT_THE_ACCESS, THINNING, Network
from sekisho.simulate.record_batches import RecordBatches
from sekisho.simulate.thinned_router import ThinnedRouter
from sekisho.simulate.thinning import Thinning
from sekisho.simulate.truth import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.schema.batch import FlowBatch
    from sekisho.simulate.conversations import Conversations
    from sekisho.simulate.delivery import Exported
    from sekisho.simulate.flows import Flows
    from sekisho.simulate.scenario import Scenario

SPAN_MS = 60_000
"""Packets are drawn for a minute at a time; routers still look at their timeouts every second."""


class SampledSimulation(Network):
    """One run of a scenario with one seed; the same two give the same records, other ones than packet by packet.

    What it leaves out: the truth does not know what all lines sent, only what attacks did; lines keep their
    addresses; no line talks to another; routers stand at the access, and their sampling does not change.
    """

    routers: list[ThinnedRouter]

    def __init__(self, scenario: Scenario, *, seed: int) -> None:
        _check(scenario)
        super().__init__(scenario, seed=seed)
        self.truth.knows_all = False
        self._attacking = no_flows()
        self.routers = [
            ThinnedRouter(part, self.keys, self.rng(THINNING, number), attacks=len(scenario.attack))
            for number, part in enumerate(scenario.exporter)
        ]

    def datagrams(self) -> Iterator[Exported]:
        """Every export datagram in order of arrival, as ``Simulation.datagrams``. Iterate once."""
        for at_ms, records in self._steps():
            yield from self.delivery.export(records, at_ms)

    def batches(self) -> Iterator[FlowBatch]:
        """The same records as a decoder would give them, without the way over datagrams; none is lost.

        Rows are in order of arrival; no batch holds rows of two seconds. Iterate once, instead of ``datagrams``.
        """
        made = RecordBatches(self.scenario)
        for at_ms, records in self._steps():
            yield from made.of(records, at_ms)

    def _steps(self) -> Iterator[tuple[int, list[NDArray[np.int64]]]]:
        """(instant, records of each router that leave then), second by second."""
        warm([flow_cache.KERNELS])
        start_ms, end_ms = self.scenario.start_ms, self.scenario.end_ms
        self.connect(change for change in self.session_changes() if change.at_ms < start_ms)
        talking = [self.conversations(here, number) for number, here in enumerate(self.here)]
        thinning = [
            [
                Thinning(conversations, self.lines, router.part.sampling_interval, self.rng(THINNING, number, part))
                for part, conversations in enumerate(mine)
            ]
            for number, (router, mine) in enumerate(zip(self.routers, talking, strict=True))
        ]
        for router, mine in zip(self.routers, talking, strict=True):
            for conversations in mine:
                router.open(conversations.running(start_ms, self.v4_lo))
        for at_ms in range(start_ms, end_ms, SPAN_MS):
            until_ms = min(end_ms, at_ms + SPAN_MS)
            self._begin(at_ms, until_ms, talking, thinning)
            spans = [
                [(edge, number, records) for edge, records in router.span(at_ms, until_ms, STEP_MS)]
                for number, router in enumerate(self.routers)
            ]
            yield from _by_second(heapq.merge(*spans, key=itemgetter(0, 1)), len(self.routers))
            self.most_open_flows = max(self.most_open_flows, sum(router.open_flows for router in self.routers))
        yield end_ms + STEP_MS, [router.flush() for router in self.routers]

    def _begin(
        self, at_ms: int, until_ms: int, talking: list[list[Conversations]], thinning: list[list[Thinning]]
    ) -> None:
        """Open what begins in a span, at the routers that see it."""
        attacking = [flows for flows in self.attacking(at_ms, until_ms) if len(flows.line)]
        for router, here, mine, thinned in zip(self.routers, self.here, talking, thinning, strict=True):
            for conversations, chance in zip(mine, thinned, strict=True):
                router.open_thinned(chance.starting(at_ms, until_ms, self.v4_lo))
                router.open(conversations.punctual(at_ms, until_ms, self.v4_lo))
            for flows in attacking:
                router.open(flows.select(here[flows.line]))
        self._count(attacking, at_ms, until_ms)

    def _count(self, attacking: list[Flows], at_ms: int, until_ms: int) -> None:
        """Tell the truth what the attacks send, window by window."""
        flows = joined([self._attacking, *attacking])
        for window_ms in range(at_ms, until_ms, WINDOW_MS):
            before = flows.sent_before(window_ms)
            sent = flows.sent_before(min(until_ms, window_ms + WINDOW_MS)) - before
            self.truth.count(flows, before, sent, window_ms)
        self._attacking = flows.select((flows.attack != BENIGN) & (flows.end_ms > until_ms))


def _by_second(
    rows: Iterator[tuple[int, int, NDArray[np.int64]]], routers: int
) -> Iterator[tuple[int, list[NDArray[np.int64]]]]:
    """Records of all routers of the same second together; every router has every second."""
    records: list[NDArray[np.int64]] = []
    for edge, _, made in rows:
        records.append(made)
        if len(records) == routers:
            yield edge, records
            records = []


def _check(scenario: Scenario) -> None:
    """Raise where a scenario wants what only packet-by-packet runs have.

    Raises:
        ConfigError: names the key.
    """
    wanted = {
        "lines.reconnects_per_hour": (scenario.lines.reconnects_per_hour, 0),
        "lines.between_lines": (scenario.lines.between_lines, 0),
        **{f"exporter.{part.name}.boundary": (part.boundary, AT_THE_ACCESS) for part in scenario.exporter},
        **{f"exporter.{part.name}.sampling_changes": (part.sampling_changes, ()) for part in scenario.exporter},
        **{f"attack.{part.name}.reconnects_at_s": (part.reconnects_at_s, ()) for part in scenario.attack},
    }
    for key, (found, expected) in wanted.items():
        if found != expected:
            raise ConfigError(scenario.name, key, expected=f"{expected!r} in a run of sampled packets", found=found)
