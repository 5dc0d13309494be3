"""Running totals (IE 85, 86) differenced per flow key: what was new since the flow's last record.

RFC 7012: octetTotalCount counts "since the Metering Process (re-)initialization"; in practice since the flow began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.schema.batch import cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Word

WORDS = 5
"""Columns of the table: hash of the key (0 = empty), flow start, octets, packets, arrival of the last record."""

NEIGHBOURS = 8
"""Slots a flow may stand in; where all are taken it takes the place of the one unseen for longest."""

OCTETS_TOTAL = 1
PACKETS_TOTAL = 2
"""Bits: which of the two counters a template has as a running total."""

SAME_START_MS = 2000
"""Starts that differ by more are another flow of the same key; v9 export times are whole seconds."""

_KEY = tuple(
    cell(name)
    for name in (
        "exporter",
        "observation_domain_id",
        "src_hi",
        "src_lo",
        "dst_hi",
        "dst_lo",
        "src_port",
        "dst_port",
        "protocol",
        "icmp_type_code",
        "ingress_if",
        "egress_if",
        "ingress_vrf",
        "direction",
    )
)
_START, _RECEIVED = cell("flow_start"), cell("received_at")
_OCTETS, _PACKETS = cell("octets"), cell("packets")


@borrowing_kernel
def difference(totals: NDArray[np.int64], cells: NDArray[np.int64], row: int, which: int) -> None:
    """Turn the totals in one row into what was added since the last record of that flow.

    Args:
        totals: (2**n, WORDS) what is remembered.
        cells: the batch.
        row: a finished row of it.
        which: OCTETS_TOTAL, PACKETS_TOTAL or both; a counter that is no total stays as it is.
    """
    key = _hash(cells, row)
    slot = _slot(totals, key)
    start = cells[_START, row]
    octets = cells[_OCTETS, row] if which & OCTETS_TOTAL else 0
    packets = cells[_PACKETS, row] if which & PACKETS_TOTAL else 0
    known = totals[slot, 0] == key and abs(totals[slot, 1] - start) <= SAME_START_MS
    if known and octets >= totals[slot, 2] and packets >= totals[slot, 3]:
        cells[_OCTETS, row] -= totals[slot, 2]
        cells[_PACKETS, row] -= totals[slot, 3]
    totals[slot, 0] = key
    totals[slot, 1] = start
    totals[slot, 2] = octets
    totals[slot, 3] = packets
    totals[slot, 4] = cells[_RECEIVED, row]


@borrowing_kernel
def _hash(cells: NDArray[np.int64], row: int) -> Word:
    mixed = np.uint64(0x9E3779B97F4A7C15)
    for column in _KEY:
        mixed = (mixed ^ np.uint64(cells[column, row])) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(31)
    return np.int64(mixed | np.uint64(1))


@borrowing_kernel
def _slot(totals: NDArray[np.int64], key: int) -> Word:
    mask = len(totals) - 1
    home = np.int64(np.uint64(key) >> np.uint64(17)) & mask
    oldest = home
    for i in range(NEIGHBOURS):
        slot = (home + i) & mask
        if totals[slot, 0] == key or totals[slot, 0] == 0:
            return slot
        if totals[slot, 4] < totals[oldest, 4]:
            oldest = slot
    return oldest
