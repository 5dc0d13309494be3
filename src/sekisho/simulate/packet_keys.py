"""Addresses and ports of single packets. A packet's key is a function of its number, so answers find questions.

A bot that changes ports or targets with every packet would need one flow a packet; here it is one row in ``Flows``,
and only the packets that a router selects ever get a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.core.address import to_words
from sekisho.simulate.flows import ACK, OWN_KEYS, RST, SYN, TCP, Flows
from sekisho.simulate.sampling import Sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.core.address import IPNetwork
    from sekisho.simulate.lines import PortSets

_LUCK, _NETWORK, _HOST, _SOURCE_PORT, _LISTED_PORT, _ANY_PORT, _FLAGS, _FORGED_NETWORK, _FORGED_HOST = range(9)
"""What a packet's number is asked for; each answer is independent of the others."""
_PURPOSES = 16

_LARGEST_SPAN_BITS = 62

WITH_PORTS = -1
"""A pattern's question or answer has ports, instead of one fixed word in their place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How the packets of one attack, and the answers to them, differ from each other.

    Attributes:
        others: where the other ends are; each packet's is a pseudo-random address in one of them.
        ports: the other ends' ports, chosen by packet; empty = any.
        own_ports: the line's ports, chosen by packet; empty = of those that the line has.
        source_ports: how many of the line's ports are used; 0 = all of them.
        forged: prefixes of the sources that stand in place of the line's own; empty = its own.
        flags: TCP flags of a question, chosen by packet.
        question_word, answer_word: what stands in place of the ports, or ``WITH_PORTS``.
        refused, accepted: share of the questions that a RST, or an answer of the service, follows.
        line_asks: the line sends the questions; otherwise it receives them and answers.
    """

    others: tuple[IPNetwork, ...]
    ports: tuple[int, ...] = ()
    own_ports: tuple[int, ...] = ()
    source_ports: int = 0
    forged: tuple[IPNetwork, ...] = ()
    flags: tuple[int, ...] = (0,)
    question_word: int = WITH_PORTS
    answer_word: int = WITH_PORTS
    refused: float = 0.0
    accepted: float = 0.0
    line_asks: bool = True


class Keys(NamedTuple):
    """(n,) int64 columns of selected packets."""

    src_hi: NDArray[np.int64]
    src_lo: NDArray[np.int64]
    dst_hi: NDArray[np.int64]
    dst_lo: NDArray[np.int64]
    ports: NDArray[np.int64]
    first_flags: NDArray[np.int64]


class Packets(NamedTuple):
    """Packets of patterns: (n,) pattern, line, seed of the flow, number of the question, whether the line sent it."""

    pattern: NDArray[np.int64]
    line: NDArray[np.int64]
    seed: NDArray[np.int64]
    nth: NDArray[np.int64]
    sent: NDArray[np.bool_]

    @classmethod
    def of(cls, flows: Flows, sampled: Sampled) -> Packets:
        """The packets that were selected, all of patterns."""
        row = sampled.row
        nth = sampled.nth // flows.together[row]
        return cls(flows.pattern[row], flows.line[row], flows.seed[row], nth, flows.outbound[row] == 1)

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


class _Networks:
    """Prefixes of every pattern, side by side."""

    def __init__(self, lists: Sequence[tuple[IPNetwork, ...]]) -> None:
        padded = [_padded(networks, _width(lists)) for networks in lists]
        words = [[to_words(network.network_address) if network else (0, 0) for network in row] for row in padded]
        spans = [[_span(network) for network in row] for row in padded]
        self.used = np.array([bool(networks) for networks in lists], np.bool_)
        self._counts = np.array([max(1, len(networks)) for networks in lists], np.int64)
        shape = (len(lists), _width(lists))
        self._hi = np.array([[hi for hi, _ in row] for row in words], np.int64).reshape(shape)
        self._lo = np.array([[lo for _, lo in row] for row in words], np.int64).reshape(shape)
        self._span = np.array(spans, np.int64).reshape(shape)

    def choose(
        self, packets: Packets, network_purpose: int, host_purpose: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Address words of a pseudo-random address for each packet."""
        chosen = packets.pattern, packets.below(self._counts[packets.pattern], network_purpose)
        return self._hi[chosen], self._lo[chosen] + packets.below(self._span[chosen], host_purpose)


class _Choices:
    """Numbers to choose from, by pattern; one that stands twice in a list is chosen twice as often."""

    def __init__(self, lists: Sequence[tuple[int, ...]]) -> None:
        width = _width(lists)
        self.used = np.array([bool(numbers) for numbers in lists], np.bool_)
        self._counts = np.array([max(1, len(numbers)) for numbers in lists], np.int64)
        self._numbers = np.array([np.resize(numbers or (0,), width) for numbers in lists], np.int64).reshape(-1, width)

    def choose(self, packets: Packets, purpose: int) -> NDArray[np.int64]:
        return self._numbers[packets.pattern, packets.below(self._counts[packets.pattern], purpose)]


class PacketKeys:
    """What the packets of each pattern of a scenario look like."""

    def __init__(self, patterns: Sequence[Pattern], ports: PortSets) -> None:
        self._ports_of_lines = ports
        self._others = _Networks([pattern.others for pattern in patterns])
        self._forged = _Networks([pattern.forged for pattern in patterns])
        self._ports = _Choices([pattern.ports for pattern in patterns])
        self._own_ports = _Choices([pattern.own_ports for pattern in patterns])
        self._question_flags = _Choices([pattern.flags for pattern in patterns])
        self._source_ports = np.array([pattern.source_ports for pattern in patterns], np.int64)
        self._question_word = np.array([pattern.question_word for pattern in patterns], np.int64)
        self._answer_word = np.array([pattern.answer_word for pattern in patterns], np.int64)
        self._refused = np.array([pattern.refused for pattern in patterns])
        self._accepted = np.array([pattern.accepted for pattern in patterns])
        self._line_asks = np.array([pattern.line_asks for pattern in patterns], np.bool_)

    def of(self, flows: Flows, sampled: Sampled) -> tuple[Sampled, Keys]:
        """Keys of the selected packets, and the packets themselves without the answers that never came."""
        of_pattern = np.flatnonzero(flows.pattern[sampled.row] != OWN_KEYS)
        if not len(of_pattern):
            return sampled, _plain(flows, sampled)
        packets = Packets.of(flows, Sampled._make(column[of_pattern] for column in sampled))
        exists = np.ones(len(sampled.row), np.bool_)
        exists[of_pattern] = self._asks(packets) | (packets.luck() < self._answered(packets))
        kept = Sampled._make(column[exists] for column in sampled)
        keys = _plain(flows, kept)
        packets = Packets._make(column[exists[of_pattern]] for column in packets)
        rows = np.flatnonzero(flows.pattern[kept.row] != OWN_KEYS)
        self._fill(keys, packets, rows, flows.select(kept.row[rows]))
        return kept, keys

    def fate(self, packets: Packets) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which questions the service answers, and which are refused."""
        luck, accepted = packets.luck(), self._accepted[packets.pattern]
        return luck < accepted, (luck >= accepted) & (luck < self._answered(packets))

    def _asks(self, packets: Packets) -> NDArray[np.bool_]:
        return np.asarray(packets.sent == self._line_asks[packets.pattern], np.bool_)

    def _answered(self, packets: Packets) -> NDArray[np.float64]:
        return np.asarray((self._refused + self._accepted)[packets.pattern])

    def _fill(self, keys: Keys, packets: Packets, rows: NDArray[np.int64], flows: Flows) -> None:
        """Write the keys of the packets, each of its flow, into their rows."""
        sent, asks = packets.sent, self._asks(packets)
        out, back = rows[sent], rows[~sent]
        hi, lo = self._others.choose(packets, _NETWORK, _HOST)
        keys.dst_hi[out], keys.dst_lo[out] = hi[sent], lo[sent]
        keys.src_hi[back], keys.src_lo[back] = hi[~sent], lo[~sent]
        self._forge(keys, packets, rows)
        own, other = self._own_port(packets), self._other_port(packets)
        word = np.where(asks, self._question_word[packets.pattern], self._answer_word[packets.pattern])
        ports = np.where(sent, own << 16 | other, other << 16 | own)
        # RFC 791, section 3.2: only the fragment at offset 0 holds the header that ports stand in.
        keys.ports[rows] = np.where(flows.fragment_offset > 0, 0, np.where(word == WITH_PORTS, ports, word))
        accepted, _ = self.fate(packets)
        answer_flags = np.where(accepted, SYN | ACK, RST | ACK)
        flags = np.where(asks, self._question_flags.choose(packets, _FLAGS), answer_flags)
        keys.first_flags[rows] = np.where(flows.protocol == TCP, flags, 0)

    def _forge(self, keys: Keys, packets: Packets, rows: NDArray[np.int64]) -> None:
        forged = self._forged.used[packets.pattern] & packets.sent
        if forged.any():
            chosen = Packets._make(column[forged] for column in packets)
            hi, lo = self._forged.choose(chosen, _FORGED_NETWORK, _FORGED_HOST)
            keys.src_hi[rows[forged]], keys.src_lo[rows[forged]] = hi, lo

    def _own_port(self, packets: Packets) -> NDArray[np.int64]:
        available = self._ports_of_lines.size(packets.line)
        used = self._source_ports[packets.pattern]
        used = np.where(used > 0, np.minimum(used, available), available)
        # The first of the few ports that a bot uses differs from start to start.
        number = packets.seed % available + packets.below(used, _SOURCE_PORT)
        listed = self._own_ports.choose(packets, _SOURCE_PORT)
        return np.where(self._own_ports.used[packets.pattern], listed, self._ports_of_lines.port(packets.line, number))

    def _other_port(self, packets: Packets) -> NDArray[np.int64]:
        listed, drawn = self._ports.choose(packets, _LISTED_PORT), 1 + packets.below(65_535, _ANY_PORT)
        return np.where(self._ports.used[packets.pattern], listed, drawn)


def _plain(flows: Flows, sampled: Sampled) -> Keys:
    return Keys._make(getattr(flows, name)[sampled.row] for name in Keys._fields)


def _width(lists: Sequence[Sequence[object]]) -> int:
    return max((len(row) for row in lists), default=0) or 1


def _padded(networks: tuple[IPNetwork, ...], width: int) -> list[IPNetwork | None]:
    return [*networks, *[None] * (width - len(networks))]


def _span(network: IPNetwork | None) -> int:
    return 1 << min(network.max_prefixlen - network.prefixlen, _LARGEST_SPAN_BITS) if network else 1
