"""Which configured entry an interface falls under: by ifIndex, by name once the exporter has told it, or by default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from sekisho.collect.pair_table import ABSENT, PairTable
from sekisho.core.config import Interface, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sekisho.collect.exporters import Exporters
    from sekisho.core.config import Exporter

INTERFACES_LIMIT = 65_536
"""(exporter, ifIndex) pairs remembered: one ifIndex a session is normal on a BNG. Interfaces beyond that are treated
as unknown ones and their records counted so."""

NAMES_CHECK_MS = 10_000
"""Stream time after which renamed interfaces are looked for; additional names count at once."""

UNSET = -1
"""Realm of an entry that names none."""


class Entry(IntEnum):
    """Columns of ``Interfaces.entries``."""

    REALM = 0
    IS_IGNORED = 1
    FACES_SUBSCRIBERS = 2
    IS_UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """The entries of one exporter with their rows, by the way in which they are chosen."""

    by_index: Mapping[int, int]
    by_name: tuple[tuple[re.Pattern[str], int], ...]
    otherwise: int


class Interfaces:
    """Finds the entry of each interface once and remembers it where kernels can look.

    Attributes:
        entries: (rows, 4) int64, columns ``Entry``: what a row's interfaces are. Row 0 is "nothing configured".
        fallback: (exporters' limit, 2) int64: the entry of records that name no interface, and that of interfaces
            that no entry names (0 = the exporter has no entries, so that its interfaces need no search).
        table: (exporter, ifIndex) -> row of ``entries``.
        unknown: (exporter, ifIndex) of exporters with entries, none of which names it.
    """

    def __init__(
        self, exporters: Exporters, names: Mapping[tuple[int, int], str], realm_code: Callable[[str | None], int]
    ) -> None:
        self.unknown: set[tuple[int, int]] = set()
        self.table = PairTable(INTERFACES_LIMIT if any(e.interface for e in exporters.configured) else 1)
        self.fallback: NDArray[np.int64] = np.zeros((exporters.limit, 2), dtype=np.int64)
        self._names, self._realm_code = names, realm_code
        self._names_seen: dict[tuple[int, int], str] = {}
        self._names_checked_ms = 0
        self._settings: list[Interface | None] = [None]
        self._rows = [(UNSET, 0, 0, 0)]
        self._by_exporter = {code: self._entries_of(code, e) for code, e in enumerate(exporters.configured)}
        self._has_patterns = any(entries.by_name for entries in self._by_exporter.values())
        self.entries: NDArray[np.int64] = np.array(self._rows, dtype=np.int64)

    def settings(self, exporter: int, interface: int) -> Interface | None:
        """The configured entry of an interface, with its link and capacity."""
        return self._settings[self._row_of(exporter, interface)]

    def find(self, exporter: int, interface: int) -> None:
        """Remember the entry of an interface of an exporter that has entries; at the limit nothing is remembered."""
        if self.table.is_full or self.table.get(exporter, interface) != ABSENT:
            return
        row = self._row_of(exporter, interface)
        self.table.put(exporter, interface, row)
        if self.entries[row, Entry.IS_UNKNOWN]:
            self.unknown.add((exporter, interface))

    def refresh(self, now_ms: int) -> None:
        """Forget what was found if names have come or changed since, so that it is found anew."""
        if not self._has_patterns:
            return
        is_due = now_ms - self._names_checked_ms >= NAMES_CHECK_MS
        if len(self._names) != len(self._names_seen) or (is_due and self._names != self._names_seen):
            self._names_seen = dict(self._names)
            self.table.clear()
            self.unknown.clear()
        if is_due:
            self._names_checked_ms = now_ms

    def _row_of(self, exporter: int, interface: int) -> int:
        entries = self._by_exporter.get(exporter)
        if entries is None:
            return 0
        if interface in entries.by_index:
            return entries.by_index[interface]
        name = self._names.get((exporter, interface), "")
        return next((row for pattern, row in entries.by_name if pattern.fullmatch(name)), entries.otherwise)

    def _entries_of(self, code: int, exporter: Exporter) -> _Entries:
        rows = [(entry, self._append(exporter, entry)) for entry in exporter.interface]
        self.fallback[code, 0] = self._append(exporter, Interface(default=True))
        unknown = self._append(exporter, Interface(default=True), is_unknown=True) if rows else 0
        otherwise = next((row for entry, row in rows if entry.default), unknown)
        self.fallback[code, 1] = otherwise
        return _Entries(
            by_index={entry.index: row for entry, row in rows if entry.index is not None},
            by_name=tuple((re.compile(entry.match), row) for entry, row in rows if entry.match is not None),
            otherwise=otherwise,
        )

    def _append(self, exporter: Exporter, entry: Interface, *, is_unknown: bool = False) -> int:
        role = entry.role or exporter.role
        faces_subscribers = role in {Role.SUBSCRIBER, Role.NAT_INSIDE}
        realm = self._realm_code(entry.realm)
        self._settings.append(entry)
        self._rows.append((realm, int(role is Role.IGNORE), int(faces_subscribers), int(is_unknown)))
        return len(self._rows) - 1
