"""Connections that a bot opens at a fixed pace, as flows: complete, refused at once, or without an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sekisho.simulate.flows import ACK, FIN, PSH, RST, SYN, TCP, Flows, from_columns, from_rows, joined
from sekisho.simulate.packet_keys import Packets
from sekisho.simulate.sampling import Sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.simulate.attack_part import AttackPart
    from sekisho.simulate.packet_keys import Keys, PacketKeys

_TRIES, _RETRY_MS = 3, 2300.0
"""A SYN that nobody answers is sent again after one and after three seconds, more or less (RFC 6298)."""
_SYN_OCTETS = 60
_REFUSAL_OCTETS = 40
_ROUND_TRIP_MS = 30


def connections_per_s(part: AttackPart) -> float:
    """Pace at which ``part.pps`` packets a second are sent, by its shares of complete, refused and silent ones."""
    silent = 1 - part.accepted - part.refused
    return part.pps / (part.accepted * part.connection_packets + part.refused + silent * _TRIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of one pulse. Connection ``n`` begins at ``start_ms + n * period_ms``.

    Attributes:
        address: words of the infected device's address.
        seed: what targets, ports and fates derive from.
    """

    part: AttackPart
    attack: int
    line: int
    address: tuple[int, int]
    seed: int
    start_ms: int
    end_ms: int
    period_ms: float

    def starting(self, at_ms: int, until_ms: int, keys: PacketKeys) -> Flows:
        """Both ways of the connections that begin in [at_ms, until_ms)."""
        first, past = (max(0, int(np.ceil((t - self.start_ms) / self.period_ms))) for t in (at_ms, until_ms))
        nth = np.arange(first, past, dtype=np.int64)
        # The bot's socket, asked as if each connection were one packet.
        one = from_rows([{"pattern": self.attack, "line": self.line, "seed": self.seed, "outbound": 1}])
        asked = Sampled(row=np.zeros_like(nth), nth=nth, packets=np.ones_like(nth))
        _, chosen = keys.of(one, asked)
        accepted, refused = keys.fate(Packets.of(one, asked))
        begins = self.start_ms + (nth * self.period_ms).astype(np.int64)
        out = self._sent(chosen, begins, accepted, refused)
        return joined([out, self._received(chosen, begins, accepted, refused).select(accepted | refused)])

    def _sent(
        self, keys: Keys, begins: NDArray[np.int64], accepted: NDArray[np.bool_], refused: NDArray[np.bool_]
    ) -> Flows:
        packets = np.where(accepted, self.part.connection_packets, np.where(refused, 1, _TRIES))
        period_ms = np.where(accepted, self._pace_ms(), _RETRY_MS)
        return from_columns(
            len(begins),
            **self._common(),
            src_hi=self.address[0],
            src_lo=self.address[1],
            dst_hi=keys.dst_hi,
            dst_lo=keys.dst_lo,
            ports=keys.ports,
            start_ms=begins,
            end_ms=begins + _lasting(packets, period_ms),
            period_ms=period_ms,
            octets=np.where(accepted, self.part.octets[0], _SYN_OCTETS),
            first_flags=SYN,
            later_flags=np.where(accepted, PSH | ACK, SYN),
            last_flags=np.where(accepted, FIN | ACK, SYN),
            outbound=1,
        )

    def _received(
        self, keys: Keys, begins: NDArray[np.int64], accepted: NDArray[np.bool_], refused: NDArray[np.bool_]
    ) -> Flows:
        packets = np.where(accepted, self.part.connection_packets, 1)
        period_ms = np.full(len(begins), self._pace_ms())
        back_ms = begins + _ROUND_TRIP_MS
        return from_columns(
            len(begins),
            **self._common(),
            src_hi=keys.dst_hi,
            src_lo=keys.dst_lo,
            dst_hi=self.address[0],
            dst_lo=self.address[1],
            ports=(keys.ports & 0xFFFF) << 16 | keys.ports >> 16,
            start_ms=back_ms,
            end_ms=back_ms + _lasting(packets, period_ms),
            period_ms=period_ms,
            octets=np.where(refused, _REFUSAL_OCTETS, self.part.answer_octets),
            first_flags=np.where(refused, RST | ACK, SYN | ACK),
            later_flags=PSH | ACK,
            last_flags=FIN | ACK,
        )

    def _common(self) -> dict[str, float]:
        return {"protocol": TCP, "line": self.line, "attack": self.attack}

    def _pace_ms(self) -> float:
        return max(1.0, 1000.0 * self.part.connection_s / self.part.connection_packets)


def _lasting(packets: NDArray[np.int64], period_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole milliseconds in which exactly so many packets leave: less than a period after the last one."""
    return np.asarray(np.floor((packets - 1) * period_ms) + 1, np.int64)
