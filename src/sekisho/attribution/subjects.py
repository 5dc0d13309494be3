"""Who sends without a line: addresses of ours that resolve to none, and interfaces where forged sources come in.

Nothing is lost because its line is unknown: each such sender gets a key of its own (``schema/subject.py``), passes the
same windows and detectors as a line, and comes out as an unattributed detection or as ``spoofed_source``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.holder import is_ipv4
from sekisho.attribution.layout import MEMORY, SPECIAL_USE
from sekisho.attribution.lookup import NOT_OURS
from sekisho.attribution.ranges import joined, range_of, within
from sekisho.attribution.slots import hash_of
from sekisho.core.address import SPECIAL_USE as SPECIAL_USE_PREFIXES
from sekisho.core.address import from_words
from sekisho.core.kernels import kernel, warm
from sekisho.core.reasons import UnattributedReason
from sekisho.schema.batch import cell
from sekisho.schema.subject import INTERFACE_BELOW, is_interface

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from sekisho.core.address import IPAddress
    from sekisho.schema.batch import FlowBatch

SUBJECTS_LIMIT = 1 << 16
"""Senders told apart at once; records of further ones are counted and not looked at, until silent ones make room."""

SILENT_MS = 4_200_000
"""After that long nothing of a sender is left in the windows."""

_KEY, _HI, _LO, _REALM, _REASON, _EXPORTER_CODE, _INTERFACE, _SOURCES, _LAST_MS = range(9)
_ROW_CELLS = 9
_SOURCE_BITS = 64
_FULL, _RECORDS_LEFT_OUT = 0, 1

_NOT_OURS_REASON = -NOT_OURS
_RECEIVED, _EXPORTER, _INGRESS, _REALM_CODE = cell("received_at"), cell("exporter"), cell("ingress_if"), cell("realm")
_FROM_SUBSCRIBERS = cell("from_subscribers")
_SRC_HI, _SRC_LO, _DST_HI, _DST_LO = cell("src_hi"), cell("src_lo"), cell("dst_hi"), cell("dst_lo")
_SRC_LINE, _DST_LINE = cell("src_line"), cell("dst_line")
_SRC_REASON, _DST_REASON = cell("src_unattributed"), cell("dst_unattributed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A sender without a line, as its last record showed it.

    Attributes:
        address: the source; IPv6 by its /64, whose rest a host may choose anew for each packet. For an interface, the
            last forged source.
        reason: why no line is known; ``NOT_OURS`` for an interface.
        exporter, interface: code of the exporter and ifIndex at which the record came in.
        sources: distinct /24 or /64 seen as sources, at least; up to 64.
    """

    address: IPAddress
    reason: UnattributedReason
    realm: int
    exporter: int
    interface: int
    sources: int


@kernel
def _address_key(realm: int, hi: int, lo: int) -> int:
    """Key of an address; of IPv6 the /64 counts."""
    bits = hash_of(hi, lo if is_ipv4(hi, lo) else 0, realm) & (1 << 62) - 1
    return int(-(bits | INTERFACE_BELOW))


@kernel
def _interface_key(exporter: int, interface: int) -> int:
    return int(-((hash_of(exporter, interface, 1) & INTERFACE_BELOW - 1) | 1))


@kernel
def _slot(table: Any, key: int) -> int:
    """Row of a key, or the empty row where it belongs."""
    mask = len(table) - 1
    at = (key ^ key >> 32) & mask
    while table[at, _KEY] != 0 and table[at, _KEY] != key:
        at = (at + 1) & mask
    return at


@kernel
def _note(table: Any, counts: Any, cells: Any, row: int, key: int, reason: int) -> int:
    """Enter or renew a sender; answers its key, 0 where there is no room."""
    at = _slot(table, key)
    if table[at, _KEY] == 0:
        if counts[_FULL] * 2 >= len(table):
            counts[_RECORDS_LEFT_OUT] += 1
            return 0
        counts[_FULL] += 1
        table[at, _KEY] = key
    hi, lo = cells[_SRC_HI, row], cells[_SRC_LO, row]
    table[at, _HI], table[at, _LO], table[at, _REALM] = hi, lo, cells[_REALM_CODE, row]
    table[at, _REASON] = reason
    table[at, _EXPORTER_CODE], table[at, _INTERFACE] = cells[_EXPORTER, row], cells[_INGRESS, row]
    network = lo >> 8 if is_ipv4(hi, lo) else 0
    table[at, _SOURCES] |= 1 << (hash_of(hi, network, 2) & _SOURCE_BITS - 1)
    table[at, _LAST_MS] = cells[_RECEIVED, row]
    return key


@kernel
def name_rows(special_use: Any, cells: Any, length: int, table: Any, counts: Any) -> None:
    """Give rows that have no line on a side the key of who sent, or is answered.

    An address gets a row in the table only when it sends: whoever scans our unassigned addresses fills nothing.
    """
    for row in range(length):
        reason = cells[_SRC_REASON, row]
        if cells[_SRC_LINE, row] == 0 and reason != _NOT_OURS_REASON:
            key = _address_key(cells[_REALM_CODE, row], cells[_SRC_HI, row], cells[_SRC_LO, row])
            cells[_SRC_LINE, row] = _note(table, counts, cells, row, key, reason)
        elif (
            cells[_SRC_LINE, row] == 0
            and cells[_DST_LINE, row] == 0
            and cells[_FROM_SUBSCRIBERS, row] == 1
            and cells[_DST_REASON, row] == _NOT_OURS_REASON
            and not within(special_use, SPECIAL_USE, cells[_SRC_HI, row], cells[_SRC_LO, row])
        ):
            key = _interface_key(cells[_EXPORTER, row], cells[_INGRESS, row])
            cells[_SRC_LINE, row] = _note(table, counts, cells, row, key, reason)
        if cells[_DST_LINE, row] == 0 and cells[_DST_REASON, row] != _NOT_OURS_REASON:
            key = _address_key(cells[_REALM_CODE, row], cells[_DST_HI, row], cells[_DST_LO, row])
            cells[_DST_LINE, row] = table[_slot(table, key), _KEY]


def _special_use() -> NDArray[np.int64]:
    """An index of nothing but the special-use ranges, whatever realms there are."""
    words = joined(range_of(prefix) for prefix in SPECIAL_USE_PREFIXES)
    first = SPECIAL_USE + 2
    memory = np.zeros(first + len(words), np.int64)
    memory[SPECIAL_USE : SPECIAL_USE + 2] = first, first + len(words)
    memory[first:] = words
    return memory


_CELLS, _WORDS, _WORD = types.int64[:, ::1], types.int64[::1], types.int64

KERNELS = (
    (_slot, (_CELLS, _WORD)),
    (name_rows, (MEMORY, _CELLS, _WORD, _CELLS, _WORDS)),
)


class Subjects:
    """Names the senders without a line of a run.

    Args:
        limit: senders told apart at once, a power of two.
    """

    def __init__(self, *, limit: int = SUBJECTS_LIMIT) -> None:
        self._special_use = _special_use()
        self._table = np.zeros((2 * limit, _ROW_CELLS), np.int64)
        self._counts = np.zeros(2, np.int64)

    def start(self) -> None:
        """Compile the kernels."""
        warm((KERNELS,))

    @property
    def records_left_out(self) -> int:
        """Records whose sender found no room."""
        return int(self._counts[_RECORDS_LEFT_OUT])

    @property
    def is_nearly_full(self) -> bool:
        """It is time to make room: three quarters of the limit are taken."""
        return bool(self._counts[_FULL] * 8 >= len(self._table) * 3)

    def name(self, batch: FlowBatch) -> None:
        """Fill ``src_line`` and ``dst_line`` of attributed rows that have none."""
        name_rows(self._special_use, batch.cells, batch.length, self._table, self._counts)

    def make_room(self, now_ms: int, *, keep: Collection[int]) -> None:
        """Forget who has been silent and of whom nothing was detected."""
        rows = self._table[self._table[:, _KEY] != 0]
        rows = rows[(rows[:, _LAST_MS] >= now_ms - SILENT_MS) | np.isin(rows[:, _KEY], list(keep))]
        self._table[:] = 0
        for row in rows:
            self._table[_slot(self._table, row[_KEY])] = row
        self._counts[_FULL] = len(rows)

    def get(self, key: int) -> Subject | None:
        """Who has a key; None where it is a line's, or forgotten."""
        row = self._table[_slot(self._table, key)].tolist()
        if row[_KEY] != key:
            return None
        whole = is_interface(key) or from_words(row[_HI], row[_LO]).version == 4
        return Subject(
            address=from_words(row[_HI], row[_LO] if whole else 0),
            reason=UnattributedReason(row[_REASON]),
            realm=row[_REALM],
            exporter=row[_EXPORTER_CODE],
            interface=row[_INTERFACE],
            sources=(row[_SOURCES] & (1 << _SOURCE_BITS) - 1).bit_count(),
        )

    def row(self, key: int) -> tuple[int, ...] | None:
        """What is known of a sender, as plain numbers; None where it is a line's key, or forgotten."""
        row = self._table[_slot(self._table, key)].tolist()
        return tuple(row) if row[_KEY] == key else None

    def restore(self, row: tuple[int, ...], *, exporter: int, realm: int) -> None:
        """Take back what ``row`` gave, under the codes of this run."""
        at = _slot(self._table, row[_KEY])
        self._counts[_FULL] += self._table[at, _KEY] == 0
        self._table[at] = row
        self._table[at, [_EXPORTER_CODE, _REALM]] = exporter, realm
