"""The load of a link over time, by ten seconds: from counters with flows for the finer grain, or from flows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sekisho.impact.coverage import flow_sums
from sekisho.impact.load import Sum
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.impact.counters import Interval
    from sekisho.impact.links import Place
    from sekisho.impact.load import Load, Side

MINUTE_MS = 60_000
_SHORTEST_S = 30.0
"""A minute of which less is known is left out of its percentile and its count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Load of a link in consecutive windows; all arrays are (windows,) float64.

    Attributes:
        first: number of the first window.
        octets, packets: carried, octets are those of frames.
        covered_s: seconds of each window that were measured.
        flow_octets, flow_packets, flow_var: what flows tell of them, and the variance of their octets.
        attempts: octets of packets that the exporter dropped.
        discards: packets discarded; NaN where nobody counts them.
    """

    first: int
    octets: NDArray[np.float64]
    packets: NDArray[np.float64]
    covered_s: NDArray[np.float64]
    flow_octets: NDArray[np.float64]
    flow_packets: NDArray[np.float64]
    flow_var: NDArray[np.float64]
    attempts: NDArray[np.float64]
    discards: NDArray[np.float64]

    @property
    def minutes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Number of the minute of each window, and the starts of those minutes' runs of windows."""
        numbers = (self.first + np.arange(len(self.octets))) * WINDOW_MS // MINUTE_MS
        return numbers, np.flatnonzero(np.diff(numbers, prepend=-1))

    def per_minute(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean per second by minute, (minutes,), NaN where less than half a minute was measured."""
        _, starts = self.minutes
        sums, seconds = np.add.reduceat(values, starts), np.add.reduceat(self.covered_s, starts)
        return np.asarray(np.divide(sums, seconds, out=np.full(len(starts), np.nan), where=seconds >= _SHORTEST_S))

    def per_window(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean per second by window, NaN where nothing was measured."""
        return np.asarray(np.divide(values, self.covered_s, out=np.full(len(values), np.nan), where=self.covered_s > 0))


def of_flows(sums: NDArray[np.float64], first: int) -> Timeline:
    """The load that flows tell, (windows, len(Sum)) from the window ``first`` on."""
    unknown = np.full(len(sums), np.nan)
    return Timeline(
        first=first,
        octets=sums[:, Sum.OCTETS],
        packets=sums[:, Sum.PACKETS],
        covered_s=np.full(len(sums), WINDOW_MS / 1000),
        flow_octets=sums[:, Sum.OCTETS],
        flow_packets=sums[:, Sum.PACKETS],
        flow_var=sums[:, Sum.OCTETS_VAR],
        attempts=sums[:, Sum.ATTEMPT_OCTETS],
        discards=unknown,
    )


def of_counters(load: Load, places: Sequence[tuple[Place, Side, Sequence[Interval]]], flows: Timeline) -> Timeline:
    """The load that counters tell, each interval shared out over its windows as its flows are; evenly without any.

    Octets that an interface of several did not count in a window lower the load of that window, not its time: the
    interfaces' intervals are taken to cover the same time.
    """
    count = len(flows.octets)
    octets, packets, covered, discards = (np.zeros(count) for _ in range(4))
    for place, side, intervals in places:
        for interval in intervals:
            at = interval.start_ms // WINDOW_MS - flows.first
            end = -(-interval.end_ms // WINDOW_MS) - flows.first
            if at < 0 or end > count:
                continue
            begins = (flows.first + np.arange(at, end)) * WINDOW_MS
            inside = np.minimum(begins + WINDOW_MS, interval.end_ms) - np.maximum(begins, interval.start_ms)
            sums = flow_sums(load, place.key, side, interval.start_ms, interval.end_ms)
            octets[at:end] += interval.octets[side] * _parts(sums[:, Sum.OCTETS], inside)
            packets[at:end] += interval.packets[side] * _parts(sums[:, Sum.PACKETS], inside)
            discards[at:end] += interval.discards[side] * _parts(inside.astype(np.float64), inside)
            covered[at:end] += inside / 1000 / len(places)
    return Timeline(
        first=flows.first,
        octets=octets,
        packets=packets,
        covered_s=covered,
        flow_octets=flows.flow_octets,
        flow_packets=flows.flow_packets,
        flow_var=flows.flow_var,
        attempts=flows.attempts,
        discards=discards,
    )


def _parts(amounts: NDArray[np.float64], inside_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares that sum up to 1, as the amounts are, or as the time is where there are none."""
    total = amounts.sum()
    return np.asarray(amounts / total if total > 0 else inside_ms / inside_ms.sum())
