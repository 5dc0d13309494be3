"""What really went over the wire, before sampling: the answers that a verdict is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.core.time import iso
from sekisho.simulate.flows import BENIGN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.simulate.attacks import Attacks
    from sekisho.simulate.flows import Flows

WINDOW_MS = 10_000
"""The windows of ``line_window``; the peak of an attack is its highest one."""

SCHEMA = "sekisho.truth/1"


class Truth:
    """Packets and octets of each attack, and octets of all lines, by window of ten seconds.

    An answer that a target sends back belongs to no attack: the line did not send it.
    """

    def __init__(self, attacks: Attacks, *, start_ms: int, duration_s: int) -> None:
        windows = -(-duration_s * 1000 // WINDOW_MS)
        self._attacks, self._start_ms = attacks, start_ms
        self._packets = np.zeros((len(attacks.parts), windows), np.int64)
        self._octets = np.zeros((len(attacks.parts), windows), np.int64)
        self._outbound = np.zeros(windows, np.int64)
        self._seen_ms: dict[int, tuple[int, int]] = {}

    def count(self, flows: Flows, before: NDArray[np.int64], sent: NDArray[np.int64], at_ms: int) -> None:
        """Add the packets of a step that begins at ``at_ms`` and lies in one window."""
        window = (at_ms - self._start_ms) // WINDOW_MS
        out = flows.outbound == 1
        self._outbound[window] += (sent * flows.octets)[out].sum()
        for row in np.flatnonzero(out & (flows.attack != BENIGN) & (sent > 0)):
            attack, packets = int(flows.attack[row]), int(sent[row])
            self._packets[attack, window] += packets
            self._octets[attack, window] += packets * int(flows.octets[row])
            first = int(flows.start_ms[row] + before[row] * flows.period_ms[row])
            last = int(flows.start_ms[row] + (before[row] + packets - 1) * flows.period_ms[row])
            earliest, latest = self._seen_ms.get(attack, (first, last))
            self._seen_ms[attack] = min(earliest, first), max(latest, last)

    def attacks(self, line_ids: list[str], holders: dict[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """One entry an attack that sent at least one packet."""
        return [self._attack(attack, line_ids[attack], holders) for attack in sorted(self._seen_ms)]

    def outbound(self) -> dict[str, Any]:
        """Octets that all lines sent, and the part that attacks sent, by window."""
        return {
            "window_ms": WINDOW_MS,
            "start": iso(self._start_ms),
            "octets": self._outbound.tolist(),
            "abnormal_octets": self._octets.sum(axis=0).tolist(),
        }

    def _attack(self, attack: int, line_id: str, holders: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
        part, (first, last) = self._attacks.parts[attack], self._seen_ms[attack]
        seconds = WINDOW_MS / 1000
        return {
            "line_id": line_id,
            "kind": part.kind,
            "name": part.name,
            "access": part.access,
            "start": iso(first),
            "end": iso(last),
            "packets": int(self._packets[attack].sum()),
            "octets": int(self._octets[attack].sum()),
            "peak_pps": float(self._packets[attack].max() / seconds),
            "peak_bps": float(self._octets[attack].max() * 8 / seconds),
            "protocol": part.protocol,
            "target": str(part.target),
            "ports": list(part.ports),
            "holders": holders.get(self._attacks.line[attack], []),
        }
