"""Where a record was observed: its boundary, the address realm of its subscriber side, and the configured sampling.

A boundary is a place that every flow passes once, such as all BNGs together or the border. Its records are summed;
the same flow seen again at another boundary is never added to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from sekisho.collect import pair_table
from sekisho.collect.interfaces import UNSET, Entry, Interfaces
from sekisho.collect.pair_table import ABSENT, PairTable, slot_of
from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.core.kernels import warm
from sekisho.schema.batch import cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sekisho.collect.exporters import Exporters
    from sekisho.core.config import Interface
    from sekisho.schema.batch import FlowBatch

LEAVE_OUT = -1
"""Boundary of a record that was observed at an ignored interface."""

_DERIVED_NAMES = ("{}", "{} ingress", "{} egress")
"""By direction + 1."""

_IGNORED, _UNKNOWN = 0, 1
"""Positions in the kernel's counts."""

_EXPORTER = cell("exporter")
_DIRECTION = cell("direction")
_INGRESS_IF, _EGRESS_IF = cell("ingress_if"), cell("egress_if")
_INGRESS_VRF, _EGRESS_VRF = cell("ingress_vrf"), cell("egress_vrf")
_REALM, _BOUNDARY, _FROM_SUBSCRIBERS = cell("realm"), cell("boundary"), cell("from_subscribers")
_REALM_OF_ENTRY = int(Entry.REALM)
_IS_IGNORED = int(Entry.IS_IGNORED)
_FACES_SUBSCRIBERS = int(Entry.FACES_SUBSCRIBERS)
_IS_UNKNOWN = int(Entry.IS_UNKNOWN)


class Places(NamedTuple):
    """What the kernel looks up; rows of the first axes are exporter codes unless said otherwise.

    Attributes:
        fallback, entries: as ``Interfaces`` has them.
        interfaces: rows of a ``PairTable``: (exporter, ifIndex) -> entry.
        vrfs: rows of a ``PairTable``: (exporter, VRF id) -> realm code.
        realm: realm code of what no interface and no VRF names.
        boundary: (limit, 3) boundary code by direction + 1, ``ABSENT`` = not yet derived.
        rate: (limit, 2) default and forced sampling interval, 0 = none.
        counts: (2,) records at ignored and at unknown interfaces; the only array that is written.
    """

    fallback: NDArray[np.int64]
    entries: NDArray[np.int64]
    interfaces: NDArray[np.int64]
    vrfs: NDArray[np.int64]
    realm: NDArray[np.int64]
    boundary: NDArray[np.int64]
    rate: NDArray[np.float64]
    counts: NDArray[np.int64]


@inlined
def entry_of(
    exporter: int, interface: int, is_full: bool, fallback: NDArray[np.int64], interfaces: NDArray[np.int64]
) -> int:
    """Row of the entry of an interface; ``ABSENT`` where it has to be found first."""
    if interface == 0 or fallback[exporter, 1] == 0:
        return int(fallback[exporter, 0])
    entry = int(interfaces[slot_of(exporter, interface, interfaces), 2])
    return int(fallback[exporter, 1]) if entry == ABSENT and is_full else entry


@inlined
def realm_of_vrfs(exporter: int, near_vrf: int, far_vrf: int, otherwise: int, vrfs: NDArray[np.int64]) -> int:
    """The realm that a VRF names."""
    for vrf in (near_vrf, far_vrf):
        realm = int(vrfs[slot_of(exporter, vrf, vrfs), 2]) if vrf != 0 else ABSENT
        if realm != ABSENT:
            return realm
    return otherwise


@kernel
def annotate_rows(
    cells: NDArray[np.int64], sampling: NDArray[np.float64], first: int, is_full: bool, places: Places
) -> int:
    """Annotate from row ``first``; returns the first row for which something has to be found, or the number of rows."""
    # Taken apart once: arrays inside a tuple cost a reference count at every call, which was 150 ns a row.
    fallback, entries, interfaces, vrfs, exporter_realm, boundaries, rate, counts = places
    for row in range(first, len(sampling)):
        exporter = cells[_EXPORTER, row]
        direction = cells[_DIRECTION, row]
        near_if, far_if = cells[_INGRESS_IF, row], cells[_EGRESS_IF, row]
        near_vrf, far_vrf = cells[_INGRESS_VRF, row], cells[_EGRESS_VRF, row]
        # A record was observed where it came in, unless the exporter says otherwise or names only the other side.
        left = (direction == 1 and far_if != 0) or near_if == 0
        if left:
            near_if, far_if, near_vrf, far_vrf = far_if, near_if, far_vrf, near_vrf
        near = entry_of(exporter, near_if, is_full, fallback, interfaces)
        far = entry_of(exporter, far_if, is_full, fallback, interfaces)
        boundary = boundaries[exporter, direction + 1]
        if ABSENT in (near, far, boundary):
            return row
        counts[_IGNORED] += entries[near, _IS_IGNORED]
        counts[_UNKNOWN] += entries[near, _IS_UNKNOWN]
        cells[_BOUNDARY, row] = LEAVE_OUT if entries[near, _IS_IGNORED] else boundary
        cells[_FROM_SUBSCRIBERS, row] = entries[far if left else near, _FACES_SUBSCRIBERS]
        # The realm is that of the subscriber side, which may be the one that the record left by.
        if entries[far, _FACES_SUBSCRIBERS] > entries[near, _FACES_SUBSCRIBERS]:
            near, far, near_vrf, far_vrf = far, near, far_vrf, near_vrf
        realm = entries[near, _REALM_OF_ENTRY]
        if realm == UNSET:
            realm = entries[far, _REALM_OF_ENTRY]
        if realm == UNSET:
            realm = realm_of_vrfs(exporter, near_vrf, far_vrf, exporter_realm[exporter], vrfs)
        cells[_REALM, row] = realm
        if rate[exporter, 1] > 0:
            sampling[row] = rate[exporter, 1]
        elif sampling[row] == 0:
            sampling[row] = rate[exporter, 0]
    return len(sampling)


_COLUMN, _TABLE = numba.int64[::1], numba.int64[:, ::1]
_PLACES: Any = numba.types.BaseTuple.from_types(  # type: ignore[no-untyped-call]
    (_TABLE, _TABLE, _TABLE, _TABLE, _COLUMN, _TABLE, numba.float64[:, ::1], _COLUMN), Places
)
KERNELS = (
    *pair_table.KERNELS,
    (annotate_rows, (_TABLE, numba.float64[::1], numba.int64, numba.boolean, _PLACES)),
)


class Boundaries:
    """Annotates flow batches with what is configured for the place at which their records were observed.

    Attributes:
        names: boundary code -> name, configured or derived ("192.0.2.1 ingress"); it grows as records come.
        derived: codes of the boundaries that are (exporter, direction) pairs because none is configured.
        interfaces: entries of interfaces, and the interfaces that no entry names.
    """

    def __init__(
        self,
        exporters: Exporters,
        *,
        realms: list[str],
        interface_names: Mapping[tuple[int, int], str],
        default_realm: str = "",
    ) -> None:
        """Args.

        exporters: their codes are the batches' codes.
        realms: code -> realm, shared with the batches; the configured ones are appended.
        interface_names: (exporter code, ifIndex) -> name, as the decoder learns them.
        default_realm: realm of what names none.
        """
        self.names: list[str] = []
        self.derived: set[int] = set()
        self.exporters, self._realms = exporters, realms
        self.interfaces = Interfaces(exporters, interface_names, self._realm_code)
        self._vrfs = PairTable(max(sum(len(exporter.vrf) for exporter in exporters.configured), 1))
        self._places = Places(
            fallback=self.interfaces.fallback,
            entries=self.interfaces.entries,
            interfaces=self.interfaces.table.cells,
            vrfs=self._vrfs.cells,
            realm=np.full(exporters.limit, self._realm_code(default_realm), dtype=np.int64),
            boundary=np.full((exporters.limit, len(_DERIVED_NAMES)), ABSENT, dtype=np.int64),
            rate=np.zeros((exporters.limit, 2), dtype=np.float64),
            counts=np.zeros(2, dtype=np.int64),
        )
        self._configure()

    def start(self) -> None:
        """Compile the kernels and enter the configured VRFs."""
        warm([KERNELS])
        for code, exporter in enumerate(self.exporters.configured):
            for vrf in exporter.vrf:
                self._vrfs.put(code, vrf.id, self._realm_code(vrf.realm))

    @property
    def are_derived(self) -> bool:
        """Some records were observed at a boundary that nobody configured."""
        return bool(self.derived)

    @property
    def ignored_records(self) -> int:
        """Records left out because they were observed at an ignored interface."""
        return int(self._places.counts[_IGNORED])

    @property
    def unknown_interface_records(self) -> int:
        """Records observed at an interface that no entry of its exporter names."""
        return int(self._places.counts[_UNKNOWN])

    def interface(self, exporter: int, interface: int) -> Interface | None:
        """The configured entry of an interface: role, link, capacity."""
        return self.interfaces.settings(exporter, interface)

    @property
    def realms(self) -> list[str]:
        """Realm code -> realm."""
        return self._realms

    def realm(self, code: int) -> str:
        """The realm of a code in the batches."""
        return self._realms[code]

    def annotate(self, batch: FlowBatch) -> None:
        """Set ``boundary`` and ``realm`` of every row, and ``sampling_interval`` where one is configured."""
        if len(batch):
            self.interfaces.refresh(int(batch.column("received_at")[-1]))
        cells, sampling = batch.cells, batch.column("sampling_interval")
        row = annotate_rows(cells, sampling, 0, self.interfaces.table.is_full, self._places)
        while row < len(batch):
            self._find(batch, row)
            row = annotate_rows(cells, sampling, row, self.interfaces.table.is_full, self._places)

    def _find(self, batch: FlowBatch, row: int) -> None:
        exporter, direction = int(batch.cells[_EXPORTER, row]), int(batch.cells[_DIRECTION, row])
        if self._places.boundary[exporter, direction + 1] == ABSENT:
            self._places.boundary[exporter, direction + 1] = self._derive(exporter, direction)
        for column in (_INGRESS_IF, _EGRESS_IF):
            interface = int(batch.cells[column, row])
            if interface and self.interfaces.fallback[exporter, 1]:
                self.interfaces.find(exporter, interface)

    def _derive(self, exporter: int, direction: int) -> int:
        code = len(self.names)
        self.names.append(_DERIVED_NAMES[direction + 1].format(self.exporters.texts[exporter]))
        self.derived.add(code)
        return code

    def _realm_code(self, realm: str | None) -> int:
        if realm is None:
            return UNSET
        if realm not in self._realms:
            self._realms.append(realm)
        return self._realms.index(realm)

    def _configure(self) -> None:
        for code, exporter in enumerate(self.exporters.configured):
            if exporter.boundary is not None:
                self._places.boundary[code] = self._boundary_code(exporter.boundary)
            if exporter.realm is not None:
                self._places.realm[code] = self._realm_code(exporter.realm)
            self._places.rate[code] = exporter.sampling_default or 0, exporter.sampling_forced or 0

    def _boundary_code(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)
