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

    Attributes:
        knows_all: whether it is told what innocent lines send, too.
    """

    knows_all = True

    def __init__(self, attacks: Attacks, *, start_ms: int, duration_s: int) -> None:
        windows = -(-duration_s * 1000 // WINDOW_MS)
        self._attacks, self._start_ms = attacks, start_ms
        self._packets = np.zeros((len(attacks.parts), windows), np.int64)
        self._octets = np.zeros((len(attacks.parts), windows), np.int64)
        self._outbound = np.zeros(windows, np.int64)
        self._first_ms = np.full(len(attacks.parts), np.iinfo(np.int64).max)
        self._last_ms = np.zeros(len(attacks.parts), np.int64)

    @property
    def attack_count(self) -> int:
        """Attacks of the scenario, whether they have sent anything or not."""
        return len(self._attacks.parts)

    def count(self, flows: Flows, before: NDArray[np.int64], sent: NDArray[np.int64], at_ms: int) -> None:
        """Add the packets of a step that begins at ``at_ms`` and lies in one window."""
        window = (at_ms - self._start_ms) // WINDOW_MS
        out = flows.outbound == 1
        self._outbound[window] += (sent * flows.octets)[out].sum()
        rows = np.flatnonzero(out & (flows.attack != BENIGN) & (sent > 0))
        attack, packets, period_ms = flows.attack[rows], sent[rows], flows.period_ms[rows]
        np.add.at(self._packets[:, window], attack, packets)
        np.add.at(self._octets[:, window], attack, packets * flows.octets[rows])
        # In the order of the router's arithmetic: whole milliseconds of each packet's offset from the start.
        first = flows.start_ms[rows] + (before[rows] * period_ms).astype(np.int64)
        last = flows.start_ms[rows] + ((before[rows] + packets - 1) * period_ms).astype(np.int64)
        np.minimum.at(self._first_ms, attack, first)
        np.maximum.at(self._last_ms, attack, last)

    def attacks(self, line_ids: list[str], holders: dict[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """One entry an attack that sent at least one packet."""
        sent = np.flatnonzero(self._packets.sum(axis=1)).tolist()
        return [{"number": attack} | self._attack(attack, line_ids[attack], holders) for attack in sent]

    def outbound(self) -> dict[str, Any]:
        """Octets that all lines sent, and the part that attacks sent, by window."""
        return {
            "window_ms": WINDOW_MS,
            "start": iso(self._start_ms),
            "octets": self._outbound.tolist() if self.knows_all else None,
            "abnormal_octets": self._octets.sum(axis=0).tolist(),
        }

    def _attack(self, attack: int, line_id: str, holders: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
        part, packets, octets = self._attacks.parts[attack], self._packets[attack], self._octets[attack]
        first, last = int(self._first_ms[attack]), int(self._last_ms[attack])
        window = (first - self._start_ms) // WINDOW_MS, (last - self._start_ms) // WINDOW_MS + 1
        seconds = WINDOW_MS / 1000
        return {
            "line_id": line_id,
            "kind": part.kind,
            "subject": "interface" if part.forged else "line",
            "unattributed": part.unattributed,
            "name": part.name,
            "access": part.access,
            "start": iso(first),
            "end": iso(last),
            "packets": int(packets.sum()),
            "octets": int(octets.sum()),
            "peak_pps": float(packets.max() / seconds),
            "peak_bps": float(octets.max() * 8 / seconds),
            "first_window": iso(self._start_ms + window[0] * WINDOW_MS),
            "pps_by_window": (packets[slice(*window)] / seconds).tolist(),
            "protocol": part.protocol,
            "service": part.service,
            "targets": [str(network) for network in part.target],
            "ports": list(part.ports),
            "holders": holders.get(self._attacks.line[attack], []),
        }
