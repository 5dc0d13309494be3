"""Lines under attack: floods with forged sources that come in, and what the line sends back to them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.simulate.attack_kinds import FORGED_V4
from sekisho.simulate.flows import ICMP, SYN, TCP, UDP, Flows, from_rows
from sekisho.simulate.packet_keys import WITH_PORTS, Pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.simulate.look_alikes import Barrage

_PORT_UNREACHABLE = 3 << 8 | 3
"""Type and code (RFC 792)."""
_RST_OCTETS, _ERROR_OCTETS = 40, 576
_ANSWER_MS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A line and what it receives from when until when, milliseconds UTC."""

    barrage: Barrage
    line: int
    from_ms: int
    until_ms: int


def pattern_of(barrage: Barrage) -> Pattern:
    """Every packet comes from another forged source; its answer goes there."""
    tcp = barrage.protocol == "tcp"
    return Pattern(
        others=tuple(ip_network(text) for text in FORGED_V4),
        own_ports=(80, 443) if tcp else (),
        flags=(SYN,),
        answer_word=WITH_PORTS if tcp else _PORT_UNREACHABLE,
        refused=barrage.answered if tcp else 0.0,
        accepted=0.0 if tcp else barrage.answered,
        line_asks=False,
    )


class Barrages:
    """The floods that lines receive.

    Args:
        first_pattern: number of the first one's pattern; the others' follow.
    """

    def __init__(self, targets: Sequence[Target], *, first_pattern: int, seed: int) -> None:
        self.patterns = tuple(pattern_of(target.barrage) for target in targets)
        self._targets, self._first_pattern, self._seed = tuple(targets), first_pattern, seed

    def starting(self, at_ms: int, until_ms: int, v4_lo: NDArray[np.int64]) -> Flows:
        """Both ways of the floods that begin in [at_ms, until_ms)."""
        rows: list[dict[str, float]] = []
        for number, target in enumerate(self._targets):
            address_lo = int(v4_lo[target.line])
            if not (at_ms <= target.from_ms < until_ms and address_lo):
                continue
            tcp = target.barrage.protocol == "tcp"
            common = {
                "period_ms": 1000.0 / target.barrage.pps,
                "line": target.line,
                "pattern": self._first_pattern + number,
                "seed": (self._seed * 1_000_003 + number * 15_485_863 + target.from_ms) & 0x7FFF_FFFF_FFFF,
            }
            received = {"protocol": TCP if tcp else UDP, "octets": target.barrage.octets, "dst_lo": address_lo}
            sent = {"protocol": TCP if tcp else ICMP, "octets": _RST_OCTETS if tcp else _ERROR_OCTETS}
            times = {"start_ms": target.from_ms, "end_ms": target.until_ms}
            later = {name: instant + _ANSWER_MS for name, instant in times.items()}
            rows += [common | received | times, common | sent | later | {"src_lo": address_lo, "outbound": 1}]
        return from_rows(rows)
