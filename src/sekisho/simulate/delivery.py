"""From the routers' records to the collector: exporting processes, datagrams that get lost, what arrived."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.simulate import flow_cache as fc
from sekisho.simulate.export import PROTOCOLS
from sekisho.simulate.flows import BENIGN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.export.message import Export
    from sekisho.simulate.scenario import Scenario

STEP_MS = 1000
"""Divides the ten-second windows; a router looks at its timeouts this often."""


class Exported(NamedTuple):
    """One export datagram: when it arrives (milliseconds UTC), from which exporter (its place in the scenario).

    Attributes:
        rows: (n, ROW) what was metered, of each data record in its order: the truth that a decoder never sees.
    """

    at_ms: float
    exporter: int
    octets: bytes
    rows: NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Received:
    """What of one exporter's datagrams reached the collector, and what did not.

    Attributes:
        packets_of_attack: (attacks,) sampled packets that each attack's line sent, in records that arrived.
    """

    packets_of_attack: NDArray[np.int64]
    lost_datagrams: int = 0
    lost_records: int = 0


class Delivery:
    """The way of all exporters' datagrams.

    Args:
        rngs: one stream for each exporter; it decides which datagrams are lost.

    Attributes:
        exports, received: of each exporter.
    """

    def __init__(self, scenario: Scenario, rngs: Sequence[Generator]) -> None:
        self.exports: list[Export] = [
            PROTOCOLS[part.protocol](part, start_ms=scenario.start_ms, domain_id=number + 1)
            for number, part in enumerate(scenario.exporter)
        ]
        attacks = len(scenario.attack)
        self.received = [Received(packets_of_attack=np.zeros(attacks, np.int64)) for _ in scenario.exporter]
        self._rngs = rngs

    def export(self, records: Sequence[NDArray[np.int64]], at_ms: int) -> Iterator[Exported]:
        """What arrives in the second after ``at_ms``, of all exporters in order of time.

        ``records``: (n, ROW) of each exporter.
        """
        streams = [self._arriving(number, rows, at_ms) for number, rows in enumerate(records)]
        yield from heapq.merge(*streams, key=lambda exported: exported.at_ms)

    def _arriving(self, number: int, rows: NDArray[np.int64], at_ms: int) -> Iterator[Exported]:
        export, received, rng = self.exports[number], self.received[number], self._rngs[number]
        loss = export.part.loss
        for payload in export.export(rows, at_ms, at_ms + STEP_MS):
            if loss and rng.random() < loss:
                received.lost_datagrams += 1
                received.lost_records += len(payload.rows)
                continue
            _count(received.packets_of_attack, payload.rows)
            yield Exported(payload.at_ms, number, payload.octets, payload.rows)


def _count(packets_of_attack: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    if len(packets_of_attack):
        sent = rows[(rows[:, fc.ATTACK] != BENIGN) & (rows[:, fc.OUTBOUND] != 0)]
        np.add.at(packets_of_attack, sent[:, fc.ATTACK], sent[:, fc.PACKETS])
