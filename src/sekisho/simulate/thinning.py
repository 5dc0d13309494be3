"""Conversations that leave at least one sampled packet, drawn without drawing the others.

At 1:1000 hardly one conversation in fifty leaves anything. Of those that start, the ones that do are a thinned Poisson
process; its proposals are drawn in proportion to a bound on their packets, so that the cost follows what is sampled.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.simulate.flows import no_flows
from sekisho.simulate.ways import RETRIES

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.conversations import Conversations, Drawn
    from sekisho.simulate.flows import Flows
    from sekisho.simulate.lines import Lines

_EACH_WAY = 2
"""A conversation has at least one packet each way, however short it is."""

_CERTAIN = 40.0
"""So many expected sampled packets leave none once in 10^17 times."""


class Thinned(NamedTuple):
    """Flows, and (n,) how many of the packets of each are sampled."""

    flows: Flows
    sampled: NDArray[np.int64]


class Thinning:
    """The conversations of ``conversations`` as a router sees them that samples 1 in ``interval`` packets."""

    def __init__(self, conversations: Conversations, lines: Lines, interval: int, rng: Generator) -> None:
        self._conversations, self._uses, self._rng = conversations, conversations.uses, rng
        self._lines, self._interval = lines, interval

    def starting(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64]) -> Thinned:
        """Those that start by chance in [at_ms, until_ms) and leave at least one sampled packet."""
        proposed = self._proposed(at_ms, until_ms)
        if proposed is None:
            return Thinned(no_flows(), np.zeros(0, np.int64))
        drawn, group, bound = proposed
        flows, row = self._conversations.open(drawn, v4_lo)
        group_of_flow, packets = group[row], flows.total().astype(np.float64)
        expected = np.bincount(group_of_flow, packets, minlength=len(bound)) / self._interval
        leaves_some = self._rng.random(len(bound)) * bound < -np.expm1(-expected)
        kept = np.flatnonzero(leaves_some[group_of_flow])
        kept = kept[np.argsort(group_of_flow[kept], kind="stable")]
        sampled = self._shared_out(group_of_flow[kept], packets[kept], expected)
        return Thinned(flows.select(kept[sampled > 0]), sampled[sampled > 0])

    def _proposed(self, at_ms: int, until_ms: int) -> tuple[Drawn, NDArray[np.int64], NDArray[np.float64]] | None:
        """Proposals (parallel ones form a group), and the bound on each group's expected sampled packets, at most 1."""
        mean = np.minimum(1.0, self._mean_packets / self._interval)
        starts, start_ms = self._conversations.starts(at_ms, until_ms, factor=mean)
        use = np.repeat(np.arange(len(starts)), starts)
        if not len(use):
            return None
        spread = self._uses.column("spread")[use]
        # Where a bound above one is no help, a proposal is an ordinary conversation.
        ordinary = (mean[use] == 1.0) | (self._rng.random(len(use)) * self._mean_packets[use] < self._base[use])
        long, fast = self._rng.standard_normal((2, len(use)))
        # A log-normal weighted by its size is the same one, shifted by its variance.
        stretch = np.exp(spread * (long + np.where(ordinary, 0, spread)))
        pace = np.exp(spread / 2 * (fast + np.where(ordinary, 0, spread / 2)))
        bound = (self._base[use] + self._scale[use] * stretch * pace) / self._interval
        bound[mean[use] == 1.0] = 1.0
        drawn, group = self._conversations.drawn(use, stretch, pace, start_ms)
        return drawn, group, bound

    def _shared_out(
        self, group: NDArray[np.int64], packets: NDArray[np.float64], expected: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Sampled packets of each flow, at least one a group; flows of a group stand together."""
        # Where many are sampled, "at least one" is no condition.
        many = expected[group] > _CERTAIN
        sampled = np.where(many, self._rng.poisson(packets / self._interval), 0)
        few = np.flatnonzero(~many)
        sampled[few] = self._one_by_one(group[few], packets[few], expected)
        return sampled

    def _one_by_one(
        self, group: NDArray[np.int64], packets: NDArray[np.float64], expected: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """The same, each sampled packet given to a flow of its group by their numbers of packets."""
        first = np.flatnonzero(np.diff(group, prepend=-1))
        if not len(first):
            return np.zeros(0, np.int64)
        mean = expected[group[first]]
        # The first sampled packet comes after a time that is exponential, but not longer than the whole.
        after = -np.log1p(self._rng.random(len(mean)) * np.expm1(-mean))
        count = 1 + self._rng.poisson(np.maximum(0.0, mean - after))
        reached = np.cumsum(packets)
        begin, whole = (reached - packets)[first], np.add.reduceat(packets, first)
        which = np.repeat(np.arange(len(first)), count)
        position = begin[which] + self._rng.random(len(which)) * whole[which]
        chosen = np.minimum(np.searchsorted(reached, position, side="right"), len(packets) - 1)
        return np.bincount(chosen, minlength=len(packets))

    @cached_property
    def _base(self) -> NDArray[np.float64]:
        """(uses,) packets that a bound must allow for a conversation without any length."""
        retries = np.where(self._uses.column("answered") < 1, RETRIES, 0)
        return np.asarray((_EACH_WAY + retries) * self._uses.column("parallel"))

    @cached_property
    def _scale(self) -> NDArray[np.float64]:
        """(uses,) packets of a median conversation, both ways, if no line's speed limits it."""
        column = self._uses.column
        fastest = float(max(self._lines.up_bps.max(), self._lines.down_bps.max())) / 8
        both = np.zeros(len(self._uses))
        for way in ("up", "down"):
            fast = fastest / column(f"{way}_octets") / column("parallel")
            both += np.where(column(f"line_rate_{way}") > 0, fast, column(f"{way}_pps"))
        return np.asarray(both * column("duration_s") * column("parallel"))

    @cached_property
    def _mean_packets(self) -> NDArray[np.float64]:
        """(uses,) mean of the bound over all conversations: of two independent log-normals."""
        spread = self._uses.column("spread")
        return np.asarray(self._base + self._scale * np.exp(spread**2 / 2 + spread**2 / 8))
