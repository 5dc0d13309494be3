"""Random 1-in-N packet selection (RFC 5475, section 5.2.2: uniform probabilistic sampling) over the open flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.simulate.flows import OWN_KEYS

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.flows import Flows


class Sampled(NamedTuple):
    """(n,) int64: packets ``nth`` to ``nth + packets - 1`` of flow ``row``, counted from the flow's first."""

    row: NDArray[np.int64]
    nth: NDArray[np.int64]
    packets: NDArray[np.int64]


def sample(flows: Flows, before: NDArray[np.int64], sent: NDArray[np.int64], interval: int, rng: Generator) -> Sampled:
    """Choose packets among those that left in one time step.

    Each is chosen with probability 1 / ``interval``, independently. ``before`` and ``sent`` are (n,): packets of each
    flow that left before the step, and in it.
    """
    if interval == 1:
        return _all(flows, before, sent)
    ends = np.cumsum(sent)
    chosen = _positions(int(ends[-1]) if len(ends) else 0, interval, rng)
    row = np.searchsorted(ends, chosen, side="right")
    return Sampled(row=row, nth=before[row] + chosen - (ends - sent)[row], packets=np.ones_like(row))


def _all(flows: Flows, before: NDArray[np.int64], sent: NDArray[np.int64]) -> Sampled:
    """Every packet; those of a pattern one by one, since each has its own key."""
    row = np.repeat(np.arange(len(sent)), np.where(flows.pattern == OWN_KEYS, sent > 0, sent))
    single = flows.pattern[row] != OWN_KEYS
    offset = np.arange(len(row)) - np.searchsorted(row, row)
    return Sampled(row=row, nth=before[row] + offset, packets=np.where(single, 1, sent[row]))


def _positions(packets: int, interval: int, rng: Generator) -> NDArray[np.int64]:
    """Chosen positions among ``packets`` packets laid end to end: the gaps are geometric."""
    expected = packets / interval
    chosen = np.zeros(0, np.int64)
    reached = -1
    while reached < packets:
        gaps = rng.geometric(1 / interval, size=int(expected + 6 * expected**0.5) + 8)
        chosen = np.concatenate([chosen, reached + np.cumsum(gaps)])
        reached = int(chosen[-1])
    return chosen[: np.searchsorted(chosen, packets)]
