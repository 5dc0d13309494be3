"""Addresses and ports of single packets. An attack's packet is a function of its number, so answers find questions.

A bot that changes ports or targets with every packet would need one flow a packet; here it is one row in ``Flows``,
and only the packets that a router selects ever get a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.core.address import to_words
from sekisho.simulate.flows import ACK, BENIGN, RST, SYN, Flows
from sekisho.simulate.sampling import Sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.simulate.lines import PortSets
    from sekisho.simulate.scenario import AttackPart

_LUCK, _TARGET, _SOURCE_PORT, _LISTED_PORT, _ANY_PORT = range(5)
"""What a packet's number is asked for; each answer is independent of the others."""
_PURPOSES = 8

_LARGEST_SPAN_BITS = 62


class Keys(NamedTuple):
    """(n,) int64 columns of selected packets."""

    src_hi: NDArray[np.int64]
    src_lo: NDArray[np.int64]
    dst_hi: NDArray[np.int64]
    dst_lo: NDArray[np.int64]
    ports: NDArray[np.int64]
    first_flags: NDArray[np.int64]


class _Packets(NamedTuple):
    """Packets of attacks: (n,) attack, line, seed of the flow, number within it, and whether the line sent it."""

    attack: NDArray[np.int64]
    line: NDArray[np.int64]
    seed: NDArray[np.int64]
    nth: NDArray[np.int64]
    sent: NDArray[np.bool_]

    @classmethod
    def of(cls, flows: Flows, sampled: Sampled) -> _Packets:
        """The packets that were selected, all of attacks."""
        row = sampled.row
        return cls(flows.attack[row], flows.line[row], flows.seed[row], sampled.nth, flows.outbound[row] == 1)

    def word(self, purpose: int) -> NDArray[np.uint64]:
        """A well-mixed word of each packet (the finaliser of Steele, Lea and Flood's SplitMix)."""
        number = self.nth.astype(np.uint64) * np.uint64(_PURPOSES) + np.uint64(purpose)
        word = self.seed.astype(np.uint64) + number * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(word ^ (word >> np.uint64(31)), np.uint64)

    def below(self, bound: NDArray[np.int64] | int, purpose: int) -> NDArray[np.int64]:
        """A number from 0 to ``bound`` - 1 for each packet."""
        return (self.word(purpose) % np.asarray(bound, np.uint64)).astype(np.int64)

    def luck(self) -> NDArray[np.float64]:
        """A number from 0 to 1, the same for a packet and its answer."""
        return (self.word(_LUCK) >> np.uint64(11)).astype(np.float64) / (1 << 53)


class PacketKeys:
    """What the packets of each attack of a scenario look like."""

    def __init__(self, parts: Sequence[AttackPart], ports: PortSets) -> None:
        self._ports_of_lines = ports
        words = [to_words(part.target.network_address) for part in parts]
        self._target_hi = np.array([hi for hi, _ in words], np.int64)
        self._target_lo = np.array([lo for _, lo in words], np.int64)
        bits = [part.target.max_prefixlen - part.target.prefixlen for part in parts]
        self._span = np.array([1 << min(b, _LARGEST_SPAN_BITS) for b in bits], np.int64)
        self._source_ports = np.array([part.source_ports for part in parts], np.int64)
        choices = max((len(part.ports) for part in parts), default=0) or 1
        listed = [np.resize(part.ports or (0,), choices) for part in parts]
        self._listed_ports = np.array(listed, np.int64).reshape(-1, choices)
        self._any_port = np.array([not part.ports for part in parts], np.bool_)
        self._refused = np.array([part.refused for part in parts])
        self._accepted = np.array([part.accepted for part in parts])

    def of(self, flows: Flows, sampled: Sampled) -> tuple[Sampled, Keys]:
        """Keys of the selected packets, and the packets themselves without the answers that never came."""
        of_attack = np.flatnonzero(flows.attack[sampled.row] != BENIGN)
        if not len(of_attack):
            return sampled, _plain(flows, sampled)
        packets = _Packets.of(flows, Sampled._make(column[of_attack] for column in sampled))
        answered = (self._refused + self._accepted)[packets.attack]
        exists = np.ones(len(sampled.row), np.bool_)
        exists[of_attack] = packets.sent | (packets.luck() < answered)
        kept = Sampled._make(column[exists] for column in sampled)
        keys = _plain(flows, kept)
        self._fill(keys, exists[of_attack], packets, flows.attack[kept.row] != BENIGN)
        return kept, keys

    def _fill(self, keys: Keys, exists: NDArray[np.bool_], packets: _Packets, rows: NDArray[np.bool_]) -> None:
        """Write the keys of the attacks' packets that exist into their rows."""
        packets = _Packets._make(column[exists] for column in packets)
        out, back = np.flatnonzero(rows)[packets.sent], np.flatnonzero(rows)[~packets.sent]
        hi = self._target_hi[packets.attack]
        lo = self._target_lo[packets.attack] + packets.below(self._span[packets.attack], _TARGET)
        own, other = self._own_port(packets), self._other_port(packets)
        keys.dst_hi[out], keys.dst_lo[out] = hi[packets.sent], lo[packets.sent]
        keys.src_hi[back], keys.src_lo[back] = hi[~packets.sent], lo[~packets.sent]
        keys.ports[rows] = np.where(packets.sent, own << 16 | other, other << 16 | own)
        accepted = packets.luck() < self._accepted[packets.attack]
        keys.first_flags[back] = np.where(accepted, SYN | ACK, RST | ACK)[~packets.sent]

    def _own_port(self, packets: _Packets) -> NDArray[np.int64]:
        available = self._ports_of_lines.size(packets.line)
        used = self._source_ports[packets.attack]
        used = np.where(used > 0, np.minimum(used, available), available)
        # The first of the few ports that a bot uses differs from start to start.
        return self._ports_of_lines.port(packets.line, packets.seed % available + packets.below(used, _SOURCE_PORT))

    def _other_port(self, packets: _Packets) -> NDArray[np.int64]:
        choice = packets.below(self._listed_ports.shape[1], _LISTED_PORT)
        listed, drawn = self._listed_ports[packets.attack, choice], 1 + packets.below(65_535, _ANY_PORT)
        return np.where(self._any_port[packets.attack], drawn, listed)


def _plain(flows: Flows, sampled: Sampled) -> Keys:
    return Keys._make(getattr(flows, name)[sampled.row] for name in Keys._fields)
