"""When infected lines send what: the pulses of each attack as flows. ``packet_keys.py`` says what each packet is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.simulate.amplifiers import AMPLIFIERS
from sekisho.simulate.attack_kinds import Manner
from sekisho.simulate.connections import Connections, connections_per_s
from sekisho.simulate.flows import (
    ECHO_REPLY,
    ECHO_REQUEST,
    GRE,
    ICMP,
    ICMPV6,
    SYN,
    TCP,
    UDP,
    Flows,
    from_rows,
    joined,
)
from sekisho.simulate.packet_keys import WITH_PORTS, PacketKeys, Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.simulate.attack_part import AttackPart
    from sekisho.simulate.lines import Lines

    Rows = list[dict[str, float]]

_ANSWER_MS = 40
_REFUSAL_OCTETS = 44
_SERVICE_MS = 2

_DEVICE_LO = 0x0211_22FF_FE33_4455
"""Interface identifier of the infected device: a camera with a modified EUI-64 (RFC 4291, appendix A)."""

_NUMBERS = {"tcp": TCP, "udp": UDP, "gre": GRE}


class Attacks:
    """The attacks of a scenario, each on its line.

    Args:
        line: line of each attack.
        seed: makes two runs choose different packets.

    Attributes:
        patterns: of each attack, by its number.
    """

    def __init__(
        self, parts: Sequence[AttackPart], line: Sequence[int], lines: Lines, *, start_ms: int, seed: int
    ) -> None:
        self.parts, self.line = tuple(parts), tuple(line)
        self.patterns = tuple(_pattern(part) for part in parts)
        self._lines, self._seed, self._epoch_ms = lines, seed, start_ms
        self._keys = PacketKeys(self.patterns, lines.ports)

    def starting(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64], connected_ms: NDArray[np.int64]) -> Flows:
        """Flows that begin in [at_ms, until_ms): of pulses, of lines that came back within one, of connections.

        ``v4_lo`` and ``connected_ms``: (lines,) lower word of each line's IPv4 address, 0 = not connected, and since
        when it has it (milliseconds UTC).
        """
        rows: Rows = []
        connections: list[Flows] = []
        for attack, line in enumerate(self.line):
            part, address = self.parts[attack], self._address(attack, int(v4_lo[line]))
            if address is None:
                continue
            for start, end in self._pulses(attack, at_ms, until_ms):
                begins = max(start, int(connected_ms[line]))
                if part.manner is Manner.CONNECTIONS:
                    made = self._connections(attack, address, start, end)
                    connections.append(made.starting(max(at_ms, begins), min(until_ms, end), self._keys))
                elif at_ms <= begins < min(end, until_ms):
                    rows += self._flows(attack, begins, end, address)
        return joined([from_rows(rows), *connections])

    def _address(self, attack: int, v4_lo: int) -> tuple[int, int] | None:
        """Words of the infected device's address; None while its line has none."""
        if self.parts[attack].version == 6:
            return int(self._lines.prefix_hi[self.line[attack]]) + 1, _DEVICE_LO
        return (0, v4_lo) if v4_lo else None

    def _pulses(self, attack: int, at_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """Start and end of the pulses that touch [at_ms, until_ms)."""
        part = self.parts[attack]
        start = self._epoch_ms + int(part.start_s * 1000)
        end = start + int(part.duration_s * 1000)
        on = int(part.on_s * 1000) if part.off_s else end - start
        period = on + int(part.off_s * 1000)
        first = start + max(0, (at_ms - start) // period) * period
        for pulse in range(first, min(end, until_ms), period):
            yield pulse, min(pulse + on, end)

    def _connections(self, attack: int, address: tuple[int, int], start: int, end: int) -> Connections:
        part = self.parts[attack]
        return Connections(
            part=part,
            attack=attack,
            line=self.line[attack],
            address=address,
            seed=self._seed_of(attack, start, 0),
            start_ms=start,
            end_ms=end,
            period_ms=1000.0 / connections_per_s(part),
        )

    def _flows(self, attack: int, start: int, end: int, address: tuple[int, int]) -> Rows:
        """What the line sends, and the answers that may come back; keys are chosen packet by packet."""
        part = self.parts[attack]
        if part.manner is Manner.REFLECTION:
            return self._reflection(attack, start, end, address)
        rows: Rows = []
        own = {"hi": address[0], "lo": address[1]}
        for size, octets in enumerate(part.octets):
            common = self._common(attack, start, size) | {"period_ms": 1000.0 * len(part.octets) / part.pps}
            # Sizes take turns, so that the first packets of all are not one burst.
            begins = start + int(1000 * size / part.pps)
            sent = {"start_ms": begins, "end_ms": end, "octets": octets, "outbound": 1}
            rows.append(common | sent | _from(own) | {"fragment_offset": part.fragment_offset})
            if part.refused or part.accepted:
                answer_octets = part.answer_octets if part.accepted else _REFUSAL_OCTETS
                times = {"start_ms": begins + _ANSWER_MS, "end_ms": end + _ANSWER_MS, "octets": answer_octets}
                rows.append(common | times | _to(own))
        return rows

    def _reflection(self, attack: int, start: int, end: int, address: tuple[int, int]) -> Rows:
        """Requests that come in, datagrams that answer each, and their later fragments."""
        part, own = self.parts[attack], {"hi": address[0], "lo": address[1]}
        amplifier = AMPLIFIERS[part.service]
        common = self._common(attack, start, 0)
        period_ms = 1000.0 * amplifier.packets / part.pps
        times = {"start_ms": start, "end_ms": end, "period_ms": period_ms, "octets": amplifier.request_octets}
        rows: Rows = [common | times | _to(own)]
        offset = 0
        for octets in (amplifier.octets, *amplifier.later_fragments):
            rows.append(
                common
                | _from(own)
                | {
                    "start_ms": start + _SERVICE_MS,
                    "end_ms": end + _SERVICE_MS,
                    "period_ms": period_ms / amplifier.datagrams,
                    "octets": octets,
                    "outbound": 1,
                    "together": amplifier.datagrams,
                    "fragment_offset": offset,
                }
            )
            offset += (octets - 20) // 8
        return rows

    def _common(self, attack: int, start: int, size: int) -> dict[str, float]:
        return {
            "protocol": _protocol(self.parts[attack]),
            "line": self.line[attack],
            "attack": attack,
            "pattern": attack,
            "seed": self._seed_of(attack, start, size),
        }

    def _seed_of(self, attack: int, start: int, size: int) -> int:
        return (self._seed * 1_000_003 + attack * 7_919 + size * 104_729 + start) & 0x7FFF_FFFF_FFFF


def _protocol(part: AttackPart) -> int:
    return _NUMBERS.get(part.protocol) or (ICMP if part.version == 4 else ICMPV6)


def _from(own: dict[str, int]) -> dict[str, float]:
    return {"src_hi": own["hi"], "src_lo": own["lo"]}


def _to(own: dict[str, int]) -> dict[str, float]:
    return {"dst_hi": own["hi"], "dst_lo": own["lo"]}


def _pattern(part: AttackPart) -> Pattern:
    reflects = part.manner is Manner.REFLECTION
    question, answer = WITH_PORTS, WITH_PORTS
    if part.protocol == "icmp":
        question, answer = ECHO_REQUEST[part.version], ECHO_REPLY[part.version]
    elif part.protocol == "gre":
        question = answer = 0
    return Pattern(
        others=part.target,
        ports=part.ports,
        own_ports=(AMPLIFIERS[part.service].port,) if reflects else (),
        source_ports=part.source_ports,
        forged=part.forged,
        flags=part.flags or (SYN,),
        question_word=question,
        answer_word=answer,
        refused=part.refused if part.protocol == "tcp" else 0.0,
        accepted=part.accepted,
        line_asks=not reflects,
    )
