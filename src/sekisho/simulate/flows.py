"""True one-way flows, open at one time, as columns: what goes over the wire before any router has looked at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ICMP, IPV4_IN_IP, TCP, UDP, GRE, ESP, ICMPV6, ETHERIP = 1, 4, 6, 17, 47, 50, 58, 97

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32

BENIGN = -1
"""Attack number of everything that no attack sends."""

OWN_KEYS = -1
"""Pattern number of a flow whose packets all have the flow's own addresses and ports."""

OUTSIDE = -1
"""Number of the peer's line where the peer is no line of ours."""

ECHO_REQUEST, ECHO_REPLY = {4: 8 << 8, 6: 128 << 8}, {4: 0, 6: 129 << 8}
"""Type and code by IP version (RFC 792, RFC 4443), as routers write them where a destination port stands."""


class Flows(NamedTuple):
    """(n,) int64 columns, except ``period_ms``.

    Packets leave at ``start_ms + k * period_ms`` before ``end_ms``, the first one at ``start_ms``.

    Attributes:
        ports: source port << 16 | destination port; for ICMP type << 8 | code.
        period_ms: float64, milliseconds from packet to packet.
        octets: IP-layer octets of each packet.
        fragment_offset: in units of eight octets; 0 = a whole packet or a first fragment.
        first_flags, later_flags, last_flags: TCP flags of the first packet, of the others, of the last.
        line: number of the line it belongs to.
        outbound: 1 sent by the line, 0 received by it.
        peer_line: number of the line at the other end, ``OUTSIDE`` where there is none.
        attack: number of the attack that sends it, or that it answers; ``BENIGN`` otherwise.
        pattern: number of the pattern that gives each packet its own key (``packet_keys.py``), or ``OWN_KEYS``.
        seed: what the keys of a pattern derive from.
        together: packets in a row that share one key of a pattern.
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
    fragment_offset: NDArray[np.int64]
    first_flags: NDArray[np.int64]
    later_flags: NDArray[np.int64]
    last_flags: NDArray[np.int64]
    line: NDArray[np.int64]
    outbound: NDArray[np.int64]
    peer_line: NDArray[np.int64]
    attack: NDArray[np.int64]
    pattern: NDArray[np.int64]
    seed: NDArray[np.int64]
    together: NDArray[np.int64]

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
        mine = ((self.line == line) | (self.peer_line == line)) & (self.end_ms > at_ms)
        self.end_ms[mine] = np.maximum(at_ms, self.start_ms[mine])


_UNNAMED = {"peer_line": OUTSIDE, "attack": BENIGN, "pattern": OWN_KEYS, "together": 1}


def no_flows() -> Flows:
    """No row at all."""
    return from_rows([])


def joined(parts: Sequence[Flows]) -> Flows:
    """All rows of all parts."""
    return Flows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def from_rows(rows: Sequence[Mapping[str, float]]) -> Flows:
    """Flows from their values by column; what a row does not name is 0, or nobody's."""
    columns = ((name, [row.get(name, _UNNAMED.get(name, 0)) for row in rows]) for name in Flows._fields)
    return Flows._make(np.array(c, np.float64 if name == "period_ms" else np.int64) for name, c in columns)


def from_columns(length: int, **columns: NDArray[np.int64] | NDArray[np.float64] | float) -> Flows:
    """Flows from arrays of one length, and numbers that hold for all rows; what is not named is 0, or nobody's."""
    made = []
    for name in Flows._fields:
        kind = np.float64 if name == "period_ms" else np.int64
        made.append(np.array(np.broadcast_to(columns.get(name, _UNNAMED.get(name, 0)), length), kind))
    return Flows._make(made)


def _whole(packets: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.ceil(packets), np.int64)
