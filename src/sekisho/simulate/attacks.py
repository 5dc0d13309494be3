"""When infected lines send what: the pulses of each attack as flows. ``packet_keys.py`` says what each packet is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.simulate.flows import SYN, TCP, UDP, Flows, from_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.simulate.lines import Lines
    from sekisho.simulate.scenario import AttackPart

_ANSWER_MS = 40
_ANSWER_OCTETS = 44
"""A RST, or a SYN with ACK and one option, as it comes back."""

_DEVICE_LO = 0x0211_22FF_FE33_4455
"""Interface identifier of the infected device: a camera with a modified EUI-64 (RFC 4291, appendix A)."""


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

    def starting(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64], connected_ms: NDArray[np.int64]) -> Flows:
        """Flows of the pulses, and of the lines that came back within one, that begin in [at_ms, until_ms).

        ``v4_lo`` and ``connected_ms``: (lines,) lower word of each line's IPv4 address, 0 = not connected, and since
        when it has it (milliseconds UTC).
        """
        rows: list[dict[str, float]] = []
        for attack, line in enumerate(self.line):
            online = self.parts[attack].target.version == 6 or v4_lo[line] != 0
            for start, end in self._pulses(attack, at_ms, until_ms):
                begins = max(start, int(connected_ms[line]))
                if online and at_ms <= begins < min(end, until_ms):
                    rows += self._flows(attack, begins, end, int(v4_lo[line]))
        return from_rows(rows)

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

    def _flows(self, attack: int, start: int, end: int, v4_lo: int) -> Iterator[dict[str, float]]:
        """What the line sends, and the answers that may come back; ports and targets are chosen packet by packet."""
        part, line = self.parts[attack], self.line[attack]
        v6, tcp = part.target.version == 6, part.protocol == "tcp"
        hi, lo = (int(self._lines.prefix_hi[line]) + 1, _DEVICE_LO) if v6 else (0, v4_lo)
        common = {
            "protocol": TCP if tcp else UDP,
            "period_ms": 1000.0 / part.pps,
            "line": line,
            "attack": attack,
            "seed": (self._seed * 1_000_003 + attack * 7_919 + start) & 0x7FFF_FFFF_FFFF,
        }
        sent = {"start_ms": start, "end_ms": end, "octets": part.octets, "outbound": 1, "first_flags": SYN * tcp}
        yield common | sent | {"src_hi": hi, "src_lo": lo}
        if part.refused or part.accepted:
            answers = {"start_ms": start + _ANSWER_MS, "end_ms": end + _ANSWER_MS, "octets": _ANSWER_OCTETS}
            yield common | answers | {"dst_hi": hi, "dst_lo": lo}
