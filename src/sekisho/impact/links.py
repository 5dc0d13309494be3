"""Links and what belongs to them: interfaces, with the direction that faces the Internet, and lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sekisho.collect.pair_table import ABSENT
from sekisho.core.config import Role
from sekisho.core.config_links import Link, LinkKind
from sekisho.impact.load import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sekisho.collect.boundary import Boundaries
    from sekisho.core.config import Interface
    from sekisho.impact.counters import Key

OUTBOUND: Mapping[Role, Side] = {
    # What subscribers send comes in by the interface that faces them, and leaves by the one that faces the core.
    Role.SUBSCRIBER: Side.IN,
    Role.NAT_INSIDE: Side.IN,
    Role.CORE: Side.OUT,
    Role.BORDER: Side.OUT,
    Role.NAT_OUTSIDE: Side.OUT,
}
"""Which way outbound traffic passes an interface, by its role."""

_KINDS = {
    Role.SUBSCRIBER: LinkKind.BNG,
    Role.CORE: LinkKind.CORE,
    Role.BORDER: LinkKind.BORDER,
    Role.NAT_INSIDE: LinkKind.CGN,
    Role.NAT_OUTSIDE: LinkKind.CGN,
}
"""Kind of a link that only an interface names, by the interface's role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An interface of a link; ``side`` is the way of outbound traffic, None where no role tells it."""

    key: Key
    side: Side | None


@dataclass(slots=True, kw_only=True)
class LinkPlaces:
    """A link with its interfaces and lines.

    Attributes:
        lines: keys of the lines on it, ascending; empty where no lines file names it.
    """

    link: Link
    places: dict[Key, Place] = field(default_factory=dict)
    lines: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    capacity_bps_of: dict[Key, float] = field(default_factory=dict)
    capacity_pps_of: dict[Key, float] = field(default_factory=dict)

    @property
    def capacity_bps(self) -> float | None:
        """Of the link, else of its interfaces together."""
        return self.link.capacity_bps or sum(self.capacity_bps_of.values()) or None

    @property
    def capacity_pps(self) -> float | None:
        """Likewise."""
        return self.link.capacity_pps or sum(self.capacity_pps_of.values()) or None


class Links:
    """The configured links; interfaces join them as they appear."""

    def __init__(
        self, links: Sequence[Link], boundaries: Boundaries, lines_of: Mapping[str, NDArray[np.int64]]
    ) -> None:
        self._boundaries, self._known = boundaries, -1
        self.by_name = {link.name: LinkPlaces(link=link) for link in links}
        for name, keys in lines_of.items():
            for above in self._upwards(name):
                above.lines = np.union1d(above.lines, keys)
        for code, exporter in enumerate(boundaries.exporters.configured):
            for entry in exporter.interface:
                if entry.index is not None:
                    self._join((code, entry.index), entry, entry.role or exporter.role)

    def discover(self) -> bool:
        """Let interfaces join that were seen since the last call; whether there were any."""
        table = self._boundaries.interfaces.table
        if table.length == self._known:
            return False
        self._known = table.length
        found = table.cells[table.cells[:, 2] != ABSENT]
        for exporter, interface, _ in found.tolist():
            entry = self._boundaries.interface(exporter, interface)
            settings = self._boundaries.exporters.settings(exporter)
            if entry is not None and settings is not None:
                self._join((exporter, interface), entry, entry.role or settings.role)
        return True

    def __iter__(self) -> Iterator[LinkPlaces]:
        return iter(self.by_name.values())

    def _upwards(self, name: str | None) -> Iterator[LinkPlaces]:
        """A link and those on the way to the core; the configuration has no loop."""
        while name is not None and name in self.by_name:
            yield self.by_name[name]
            name = self.by_name[name].link.under

    def _join(self, key: Key, entry: Interface, role: Role | None) -> None:
        if entry.link is None:
            return
        if entry.link not in self.by_name:
            kind = _KINDS.get(role, LinkKind.CORE) if role is not None else LinkKind.CORE
            self.by_name[entry.link] = LinkPlaces(link=Link(name=entry.link, kind=kind))
        link = self.by_name[entry.link]
        link.places[key] = Place(key=key, side=OUTBOUND.get(role) if role is not None else None)
        if entry.capacity_bps:
            link.capacity_bps_of[key] = entry.capacity_bps
        if entry.capacity_pps:
            link.capacity_pps_of[key] = entry.capacity_pps
