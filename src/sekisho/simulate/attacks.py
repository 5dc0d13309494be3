"""What infected lines send. The key of a packet is a function of its number, so that an answer finds its question.

A bot that changes ports or targets with every packet would need one flow a packet; here it is one row in ``Flows``,
and only the packets that a router selects ever get a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.address import to_words
from sekisho.simulate.flows import ACK, BENIGN, RST, SYN, TCP, UDP, Flows, from_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.simulate.lines import Lines
    from sekisho.simulate.sampling import Sampled
    from sekisho.simulate.scenario import AttackPart

_ANSWER_MS = 40
_ANSWER_OCTETS = 44
_LARGEST_SPAN_BITS = 62


def _mixed(seed: NDArray[np.uint64], index: NDArray[np.int64], purpose: int) -> NDArray[np.uint64]:
    """A well-mixed word of a packet's number (the finaliser of Steele, Lea and Flood's SplitMix)."""
    word = seed + (index.astype(np.uint64) * np.uint64(8) + np.uint64(purpose)) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(word ^ (word >> np.uint64(31)), np.uint64)


def _below(word: NDArray[np.uint64], bound: NDArray[np.int64]) -> NDArray[np.int64]:
    return (word % bound.astype(np.uint64)).astype(np.int64)


class Attacks:
    """The attacks of a scenario, each on its line.

    Args:
        line: line of each attack.
        seed: makes two runs choose different packets.
    """

    def __init__(
        self, parts: Sequence[AttackPart], line: Sequence[int], lines: Lines, *, start_ms: int, seed: int
    ) -> None:
        self.parts, self.line = tuple(parts), tuple(line)
        self._lines, self._seed, self._epoch_ms = lines, seed, start_ms
        words = [to_words(part.target.network_address) for part in parts]
        self._target_hi = np.array([hi for hi, _ in words], np.int64)
        self._target_lo = np.array([lo for _, lo in words], np.int64)
        bits = [part.target.max_prefixlen - part.target.prefixlen for part in parts]
        self._span = np.array([1 << min(b, _LARGEST_SPAN_BITS) for b in bits], np.int64)
        self._source_ports = np.array([part.source_ports for part in parts], np.int64)
        width = max((len(part.ports) for part in parts), default=0) or 1
        self._ports = np.array([np.resize(part.ports or (0,), width) for part in parts], np.int64).reshape(-1, width)
        self._any_port = np.array([not part.ports for part in parts], np.bool_)
        self._refused = np.array([part.refused for part in parts])
        self._accepted = np.array([part.accepted for part in parts])

    def bounds_ms(self, attack: int) -> tuple[int, int]:
        """When an attack begins and ends, milliseconds UTC."""
        part = self.parts[attack]
        start = self._epoch_ms + int(part.start_s * 1000)
        return start, start + int(part.duration_s * 1000)

    def starting(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64], connected_ms: NDArray[np.int64]) -> Flows:
        """Flows of the pulses, and of the lines that came back within one, that begin in [at_ms, until_ms).

        ``v4_lo`` and ``connected_ms``: (lines,) lower word of each line's IPv4 address, 0 = not connected, and since
        when it has it (milliseconds UTC).
        """
        rows = []
        for attack, line in enumerate(self.line):
            back_ms = int(connected_ms[line])
            for start, end in self._pulses(attack, at_ms, until_ms):
                begins = max(start, back_ms)
                online = self.parts[attack].target.version == 6 or v4_lo[line]
                if at_ms <= begins < min(end, until_ms) and online:
                    rows += self._rows(attack, begins, end, v4_lo)
        return from_rows(rows)

    def _pulses(self, attack: int, at_ms: int, until_ms: int) -> list[tuple[int, int]]:
        """The pulses that touch [at_ms, until_ms)."""
        part = self.parts[attack]
        start, end = self.bounds_ms(attack)
        if end <= at_ms or start >= until_ms:
            return []
        if not part.off_s:
            return [(start, end)]
        on, period = int(part.on_s * 1000), int((part.on_s + part.off_s) * 1000)
        numbers = range(max(0, (at_ms - start) // period), (until_ms - start) // period + 1)
        return [(start + n * period, min(start + n * period + on, end)) for n in numbers if start + n * period < end]

    def _rows(self, attack: int, start: int, end: int, v4_lo: NDArray[np.int64]) -> list[tuple[float, ...]]:
        part, line = self.parts[attack], self.line[attack]
        v6 = part.target.version == 6
        own_hi = int(self._lines.prefix_hi[line]) + 1 if v6 else 0
        own_lo = 0x0211_22FF_FE33_4455 if v6 else int(v4_lo[line])
        tcp = part.protocol == "tcp"
        protocol, flags = (TCP, SYN) if tcp else (UDP, 0)
        seed = (self._seed * 1_000_003 + attack * 7_919 + start) & 0x7FFF_FFFF_FFFF
        period = 1000.0 / part.pps
        common = (0, protocol)
        sent = (
            own_hi,
            own_lo,
            0,
            0,
            *common,
            start,
            end,
            period,
            part.octets,
            flags,
            flags,
            flags,
            line,
            1,
            attack,
            seed,
        )
        if not part.refused and not part.accepted:
            return [sent]
        late = (start + _ANSWER_MS, end + _ANSWER_MS)
        answer = (0, 0, own_hi, own_lo, *common, *late, period, _ANSWER_OCTETS, 0, 0, 0, line, 0, attack, seed)
        return [sent, answer]

    def packet_keys(self, flows: Flows, sampled: Sampled) -> tuple[Sampled, dict[str, NDArray[np.int64]]]:
        """Keys of the selected packets, without the answers that never came.

        Returns:
            The packets that exist, and their columns ``src_hi src_lo dst_hi dst_lo ports first_flags``.
        """
        attack = flows.attack[sampled.row]
        if not (attack != BENIGN).any():
            return sampled, _plain(flows, sampled)
        exists = np.ones(len(attack), np.bool_)
        mine = np.flatnonzero(attack != BENIGN)
        luck = self._luck(flows, sampled, mine)
        waits = (flows.outbound[sampled.row[mine]] == 0) & (luck >= (self._refused + self._accepted)[attack[mine]])
        exists[mine[waits]] = False
        sampled = type(sampled)(*(column[exists] for column in sampled))
        columns = _plain(flows, sampled)
        mine = np.flatnonzero(flows.attack[sampled.row] != BENIGN)
        self._fill(columns, flows, sampled, mine)
        return sampled, columns

    def _luck(self, flows: Flows, sampled: Sampled, mine: NDArray[np.int64]) -> NDArray[np.float64]:
        word = _mixed(flows.seed[sampled.row[mine]].astype(np.uint64), sampled.nth[mine], 0)
        return (word >> np.uint64(11)).astype(np.float64) / (1 << 53)

    def _fill(
        self, columns: dict[str, NDArray[np.int64]], flows: Flows, sampled: Sampled, mine: NDArray[np.int64]
    ) -> None:
        row, nth = sampled.row[mine], sampled.nth[mine]
        attack, seed = flows.attack[row], flows.seed[row].astype(np.uint64)
        line = flows.line[row]
        lo = self._target_lo[attack] + _below(_mixed(seed, nth, 1), self._span[attack])
        ports_of_line = self._lines.ports.size(line)
        source_ports = np.where(self._source_ports[attack] > 0, self._source_ports[attack], ports_of_line)
        # The first port of the few that a bot uses differs from start to start.
        port_number = (
            _below(_mixed(seed, nth, 2), np.minimum(source_ports, ports_of_line)) + flows.seed[row] % ports_of_line
        )
        own_port = self._lines.ports.port(line, port_number)
        listed = self._ports[attack, _below(_mixed(seed, nth, 3), np.full(len(mine), self._ports.shape[1]))]
        drawn = 1 + _below(_mixed(seed, nth, 4), np.full(len(mine), 65_535))
        port = np.where(self._any_port[attack], drawn, listed)
        out = flows.outbound[row] == 1
        for end, sends in (("dst", out), ("src", ~out)):
            columns[f"{end}_hi"][mine[sends]] = self._target_hi[attack][sends]
            columns[f"{end}_lo"][mine[sends]] = lo[sends]
        columns["ports"][mine] = np.where(out, own_port << 16 | port, port << 16 | own_port)
        accepts = self._luck(flows, sampled, mine) < self._accepted[attack]
        columns["first_flags"][mine] = np.where(out, flows.first_flags[row], np.where(accepts, SYN | ACK, RST | ACK))


def _plain(flows: Flows, sampled: Sampled) -> dict[str, NDArray[np.int64]]:
    names = ("src_hi", "src_lo", "dst_hi", "dst_lo", "ports", "first_flags")
    return {name: getattr(flows, name)[sampled.row] for name in names}
