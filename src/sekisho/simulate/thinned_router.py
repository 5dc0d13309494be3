"""A router whose sampled packets are drawn directly: the cost follows what is sampled, not what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.simulate import flow_cache as fc
from sekisho.simulate.flows import BENIGN, Flows, joined, no_flows
from sekisho.simulate.router import SEES, observations
from sekisho.simulate.sampling import Sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.packet_keys import PacketKeys
    from sekisho.simulate.scenario import ExporterPart
    from sekisho.simulate.thinning import Thinned

NOT_YET_DRAWN = -1
"""In place of the number of sampled packets that a flow has left: it is drawn span by span."""


class ThinnedRouter:
    """As ``Router``, in long spans; a packet is drawn with replacement, so one in 2 N is sampled twice.

    Attributes:
        selected_packets, selected_of_attack: as ``Router`` has them.
    """

    def __init__(self, part: ExporterPart, keys: PacketKeys, rng: Generator, *, attacks: int) -> None:
        self.part = part
        self._keys, self._rng = keys, rng
        self._flows, self._left = no_flows(), np.zeros(0, np.int64)
        self._cache = fc.FlowCache(active_ms=part.active_timeout_s * 1000, inactive_ms=part.inactive_timeout_s * 1000)
        self.selected_packets = 0
        self.selected_of_attack = np.zeros(attacks, np.int64)

    @property
    def open_flows(self) -> int:
        """Flows on the wire and flows in the cache: what memory is bounded by."""
        return len(self._flows.line) + len(self._cache)

    def open(self, flows: Flows) -> None:
        """Flows that begin in the span that comes next."""
        self._add(flows, np.full(len(flows.line), NOT_YET_DRAWN))

    def open_thinned(self, thinned: Thinned) -> None:
        """The same, where it is known how many of their packets are sampled."""
        self._add(thinned.flows, thinned.sampled)

    def span(self, at_ms: int, until_ms: int, step_ms: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """(instant, (n, ROW) records that leave then) of each step in [at_ms, until_ms)."""
        observed = self._observed(at_ms, until_ms)
        edges = np.arange(at_ms + step_ms, until_ms + 1, step_ms)
        past = np.searchsorted(observed[:, fc.FIRST_MS], edges)
        first = 0
        for edge, end in zip(edges.tolist(), past.tolist(), strict=True):
            self._cache.observe(observed[first:end])
            first = end
            yield edge, self._cache.expire(edge)

    def flush(self) -> NDArray[np.int64]:
        """(n, ROW) records of everything still in the cache."""
        return self._cache.flush()

    def _add(self, flows: Flows, left: NDArray[np.int64]) -> None:
        seen = np.isin(flows.outbound, SEES[self.part.sees])
        self._flows = joined([self._flows, flows.select(seen)])
        self._left = np.concatenate([self._left, left[seen]])

    def _observed(self, at_ms: int, until_ms: int) -> NDArray[np.int64]:
        """(n, ROW) sampled packets of a span in order of time."""
        flows = self._flows
        before = flows.sent_before(at_ms)
        sent = flows.sent_before(until_ms) - before
        count = self._drawn(before, sent)
        row = np.repeat(np.arange(len(count)), count)
        nth = before[row] + (self._rng.random(len(row)) * sent[row]).astype(np.int64)
        sampled, keys = self._keys.of(flows, Sampled(row=row, nth=nth, packets=np.ones_like(nth)))
        self._count(flows, sampled)
        observed = observations(flows, sampled, keys)
        going_on = (flows.end_ms > until_ms) & (self._left != 0)
        self._flows, self._left = flows.select(going_on), self._left[going_on]
        return np.asarray(observed[np.argsort(observed[:, fc.FIRST_MS], kind="stable")])

    def _drawn(self, before: NDArray[np.int64], sent: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many packets of each flow are sampled in the span; what a flow has left becomes less."""
        drawn = np.zeros(len(sent), np.int64)
        by_chance = self._left == NOT_YET_DRAWN
        drawn[by_chance] = self._rng.poisson(sent[by_chance] / self.part.sampling_interval)
        known = np.flatnonzero(~by_chance)
        to_come = (self._flows.select(known).total() - before[known]).astype(np.float64)
        share = np.divide(sent[known], to_come, out=np.zeros(len(known)), where=to_come > 0)
        drawn[known] = self._rng.binomial(self._left[known], np.minimum(1.0, share))
        self._left[known] -= drawn[known]
        return drawn

    def _count(self, flows: Flows, sampled: Sampled) -> None:
        self.selected_packets += len(sampled.row)
        attack = np.where(flows.outbound[sampled.row] == 1, flows.attack[sampled.row], BENIGN)
        np.add.at(self.selected_of_attack, attack[attack != BENIGN], 1)
