"""Whose line a record belongs to, from the simulator's own state: independent of everything in ``attribution/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.keys import UNKEYED, line_keys
from sekisho.core.address import V4_MAPPED
from sekisho.simulate.lines import DELEGATED_LENGTH, FIXED, FIXED_LENGTH, MAP_E

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.schema.batch import FlowBatch
    from sekisho.simulate.simulation import Simulation

NOBODY = -1
_FOREVER_MS = 1 << 46
_HOSTS = 1 << (32 - FIXED_LENGTH)
_SITE = ~((1 << (64 - DELEGATED_LENGTH)) - 1)


class Holders:
    """Lines of a simulation by what they hold."""

    def __init__(self, simulation: Simulation) -> None:
        lines = simulation.lines
        self._keys = line_keys((lines.line_id(line) for line in range(len(lines))), UNKEYED)
        self._fixed = _index(lines.fixed_v4[lines.of(FIXED)] - 1, lines.of(FIXED))
        with_v6 = np.flatnonzero(lines.prefix_hi)
        self._sites = _index(lines.prefix_hi[with_v6], with_v6)
        shared = lines.of(MAP_E)
        sizes = lines.ports.size(shared)
        line = np.repeat(shared, sizes)
        number = np.arange(len(line)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self._ports = _index((lines.fixed_v4[line] - V4_MAPPED) << 16 | lines.ports.port(line, number), line)
        self._sessions = _sessions(simulation)

    def wrong(self, batch: FlowBatch) -> int:
        """Sides of an attributed batch that were given to a line which did not hold them."""
        count = 0
        for side in ("src", "dst"):
            given = batch.column(f"{side}_line")
            held = self.of(batch, side)
            right = (held != NOBODY) & (self._keys[held] == given)
            count += int(np.count_nonzero((given != 0) & ~right))
        return count

    def of(self, batch: FlowBatch, side: str) -> NDArray[np.int64]:
        """(n,) number of the line that held the address of a side (``src`` or ``dst``) throughout each flow."""
        hi, lo, port = (batch.column(f"{side}_{name}") for name in ("hi", "lo", "port"))
        start, end = batch.column("flow_start"), batch.column("flow_end")
        line = np.where(hi == 0, NOBODY, _find(self._sites, hi & _SITE))
        v4 = lo - V4_MAPPED
        for index, key in ((self._fixed, lo // _HOSTS * _HOSTS), (self._ports, v4 << 16 | port)):
            line = np.where((hi == 0) & (line == NOBODY), _find(index, key), line)
        dynamic = self._at(v4, start)
        dynamic = np.where(dynamic == self._at(v4, end), dynamic, NOBODY)
        return np.asarray(np.where((hi == 0) & (line == NOBODY), dynamic, line))

    def _at(self, v4: NDArray[np.int64], at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Holder of a dynamic address at an instant."""
        address, since, until, line = self._sessions
        if not len(line):
            return np.full(len(v4), NOBODY)
        place = np.searchsorted(address * _FOREVER_MS + since, v4 * _FOREVER_MS + at_ms, side="right") - 1
        held = (place >= 0) & (address[place] == v4) & (since[place] <= at_ms) & (at_ms < until[place])
        return np.where(held, line[place], NOBODY)


def _index(keys: NDArray[np.int64], lines: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(keys)
    return keys[order], lines[order]


def _find(index: tuple[NDArray[np.int64], NDArray[np.int64]], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    keys, lines = index
    if not len(keys):
        return np.full(len(wanted), NOBODY)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, lines[place], NOBODY)


def _sessions(simulation: Simulation) -> tuple[NDArray[np.int64], ...]:
    """(sessions,) IPv4 address as a number, from, to and line, ascending by address and time."""
    open_since: dict[int, tuple[int, int]] = {}
    rows = []
    for change in simulation.session_changes():
        if change.up:
            open_since[change.line] = change.address_lo - V4_MAPPED, change.at_ms
        else:
            address, since = open_since.pop(change.line)
            rows.append((address, since, change.at_ms, change.line))
    rows += [(address, since, _FOREVER_MS, line) for line, (address, since) in open_since.items()]
    return tuple(np.array(sorted(rows), np.int64).reshape(-1, 4).T)
