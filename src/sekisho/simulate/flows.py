"""True one-way flows, open at one time, as columns: what goes over the wire before any router has looked at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TCP, UDP, ESP = 6, 17, 50

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

BENIGN = -1
"""Attack number of everything that no attack sends."""


class Flows(NamedTuple):
    """(n,) int64 columns, except ``period_ms``.

    Packets leave at ``start_ms + k * period_ms`` before ``end_ms``, the first one at ``start_ms``.

    Attributes:
        ports: source port << 16 | destination port.
        period_ms: float64, milliseconds from packet to packet.
        octets: IP-layer octets of each packet.
        first_flags, later_flags, last_flags: TCP flags of the first packet, of the others, of the last.
        line: number of the line it belongs to.
        outbound: 1 sent by the line, 0 received by it.
        attack: number of the attack; its packets take their keys one by one (``packet_keys.py``). ``BENIGN`` otherwise.
        seed: what an attack's keys derive from.
    """

    src_hi: NDArray[np.int64]
    src_lo: NDArray[np.int64]
    dst_hi: NDArray[np.int64]
    dst_lo: NDArray[np.int64]
    ports: NDArray[np.int64]
    protocol: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    period_ms: NDArray[np.float64]
    octets: NDArray[np.int64]
    first_flags: NDArray[np.int64]
    later_flags: NDArray[np.int64]
    last_flags: NDArray[np.int64]
    line: NDArray[np.int64]
    outbound: NDArray[np.int64]
    attack: NDArray[np.int64]
    seed: NDArray[np.int64]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Flows:
        """The chosen rows."""
        return Flows._make(column[rows] for column in self)

    def sent_before(self, at_ms: int) -> NDArray[np.int64]:
        """Packets of each flow that have left before an instant."""
        elapsed = np.clip(at_ms, self.start_ms, self.end_ms) - self.start_ms
        return _whole(elapsed / self.period_ms)

    def total(self) -> NDArray[np.int64]:
        """Packets of each flow from its start to its end."""
        return _whole((self.end_ms - self.start_ms) / self.period_ms)

    def cut(self, line: int, at_ms: int) -> None:
        """End every flow of a line that has lost its connection."""
        mine = (self.line == line) & (self.end_ms > at_ms)
        self.end_ms[mine] = np.maximum(at_ms, self.start_ms[mine])


def no_flows() -> Flows:
    """No row at all."""
    return from_rows([])


def joined(parts: Sequence[Flows]) -> Flows:
    """All rows of all parts."""
    return Flows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def from_rows(rows: Sequence[Mapping[str, float]]) -> Flows:
    """Flows from their values by column; what a row does not name is 0."""
    columns = ((name, [row.get(name, 0) for row in rows]) for name in Flows._fields)
    return Flows._make(np.array(c, np.float64 if name == "period_ms" else np.int64) for name, c in columns)


def _whole(packets: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.ceil(packets), np.int64)
