"""What flows say that interfaces carried, by ten seconds: sums by exporter, interface and direction.

Only interfaces that are watched take part: those of links, and those whose counters are known. A record tells of two
interfaces, the one it came in by and the one it leaves by, and was observed at one of them. Sums of records that were
observed elsewhere are kept apart: an exporter that meters both ways reports the same packet twice.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numba
import numpy as np

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.core.kernels import warm
from sekisho.impact.frames import FRAME_OCTETS, LEAST_FRAME_OCTETS
from sekisho.schema.batch import cell
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.schema.batch import FlowBatch

INTERFACES_LIMIT = 256
"""Interfaces watched at most; those of links come first, further ones are counted in ``left_out``."""

KEPT_WINDOWS = 8640
"""A day. A row of an interface takes 415 kB by then, and nothing before its time comes."""

FREE = -1
"""First cell of a free place of the index."""

_PLACES = 4 * INTERFACES_LIMIT
_ROWS_EACH = 4
"""Of an interface: in or out, observed there or elsewhere."""


class Side(IntEnum):
    """Direction as the interface counts it."""

    IN = 0
    OUT = 1


class Sum(IntEnum):
    """Sums of a window; estimates, octets are those of frames.

    ATTEMPT_*: of packets that the exporter dropped. They came in, and loaded nothing that lies behind.
    """

    OCTETS = 0
    PACKETS = 1
    SAMPLED = 2
    OCTETS_VAR = 3
    ATTEMPT_OCTETS = 4
    ATTEMPT_PACKETS = 5


_OCTETS, _PACKETS, _SAMPLED = int(Sum.OCTETS), int(Sum.PACKETS), int(Sum.SAMPLED)
_OCTETS_VAR = int(Sum.OCTETS_VAR)
_ATTEMPT_OCTETS, _ATTEMPT_PACKETS = int(Sum.ATTEMPT_OCTETS), int(Sum.ATTEMPT_PACKETS)
_NEWEST, _EXPIRED = 0, 1
"""Cells of the clock: newest window; shares of flows that came when their window was no longer kept."""

_RECEIVED_AT, _START, _END, _EXPORTER = cell("received_at"), cell("flow_start"), cell("flow_end"), cell("exporter")
_IN_IF, _OUT_IF, _DIRECTION = cell("ingress_if"), cell("egress_if"), cell("direction")
_PACKETS_OF, _OCTETS_OF, _SAMPLING = cell("packets"), cell("octets"), cell("sampling_interval")
_STATUS, _BOUNDARY, _SRC_LINE = cell("forwarding_status"), cell("boundary"), cell("src_line")
_DROPPED_FIRST, _DROPPED_LAST = 128, 191


@inlined
def _place_of(exporter: int, interface: int, index: NDArray[np.int64]) -> int:
    """Where the index holds an interface, or the free place where it belongs."""
    place = (exporter * 40503 + interface * 2654435761) & (len(index) - 1)
    while index[place, 0] != FREE and (index[place, 0] != exporter or index[place, 1] != interface):
        place = (place + 1) & (len(index) - 1)
    return int(place)


@kernel
def find(exporter: int, interface: int, index: NDArray[np.int64]) -> int:
    """``_place_of`` for callers that are no kernels."""
    return int(_place_of(exporter, interface, index))


@kernel
def _advance(window: int, sums: NDArray[np.float64], rows: int, clock: NDArray[np.int64]) -> None:
    """Make the window the newest; what lies a whole day behind makes room."""
    for number in range(max(clock[_NEWEST] + 1, window - KEPT_WINDOWS + 1), window + 1):
        for row in range(rows):
            for which in range(sums.shape[2]):
                sums[row, number % KEPT_WINDOWS, which] = 0.0
    clock[_NEWEST] = window


@kernel
def add_flows(
    cells: NDArray[np.int64],
    numbers: NDArray[np.float64],
    length: int,
    active_cap_ms: NDArray[np.int64],
    index: NDArray[np.int64],
    rows: int,
    sums: NDArray[np.float64],
    by_lines: NDArray[np.float64],
    clock: NDArray[np.int64],
) -> None:
    """Add the first ``length`` rows of a batch to the windows of the interfaces that they name."""
    for i in range(length):
        if cells[_BOUNDARY, i] < 0:
            continue
        exporter = cells[_EXPORTER, i]
        is_egress = cells[_DIRECTION, i] == 1
        for side in range(2):
            interface = cells[_IN_IF, i] if side == 0 else cells[_OUT_IF, i]
            if interface == 0:
                continue
            place = _place_of(exporter, interface, index)
            if index[place, 0] == FREE:
                continue
            row = index[place, 2] * _ROWS_EACH + side * 2 + (is_egress != (side == 1))
            end = min(cells[_END, i], cells[_RECEIVED_AT, i])
            start = min(max(cells[_START, i], end - active_cap_ms[exporter]), end)
            _add(cells, numbers, i, side, row, start, end, rows, sums, by_lines, clock)


@inlined
def _add(
    cells: NDArray[np.int64],
    numbers: NDArray[np.float64],
    i: int,
    side: int,
    row: int,
    start: int,
    end: int,
    rows: int,
    sums: NDArray[np.float64],
    by_lines: NDArray[np.float64],
    clock: NDArray[np.int64],
) -> None:
    """Spread one record over its windows."""
    n = numbers[_SAMPLING, i] if numbers[_SAMPLING, i] > 0.0 else 1.0
    sampled = float(cells[_PACKETS_OF, i])
    octets = max(cells[_OCTETS_OF, i] + FRAME_OCTETS * sampled, LEAST_FRAME_OCTETS * sampled)
    variance = octets * octets / sampled * n * (n - 1.0) if sampled > 0.0 else 0.0
    is_dropped = _DROPPED_FIRST <= cells[_STATUS, i] <= _DROPPED_LAST
    if cells[_SRC_LINE, i] > 0:
        by_lines[row] += octets * n
    for window in range(start // WINDOW_MS, (end - (end > start)) // WINDOW_MS + 1):
        if window > clock[_NEWEST]:
            _advance(window, sums, rows, clock)
        if window <= clock[_NEWEST] - KEPT_WINDOWS:
            clock[_EXPIRED] += 1
            continue
        share = 1.0
        if end > start:
            share = (min(end, (window + 1) * WINDOW_MS) - max(start, window * WINDOW_MS)) / (end - start)
        slot = window % KEPT_WINDOWS
        if is_dropped:
            sums[row, slot, _ATTEMPT_OCTETS] += octets * n * share
            sums[row, slot, _ATTEMPT_PACKETS] += sampled * n * share
        if not is_dropped or side == 0:
            sums[row, slot, _OCTETS] += octets * n * share
            sums[row, slot, _PACKETS] += sampled * n * share
            sums[row, slot, _SAMPLED] += sampled * share
            sums[row, slot, _OCTETS_VAR] += variance * share


_INDEX, _CELLS, _NUMBERS = numba.int64[:, ::1], numba.int64[:, ::1], numba.float64[:, ::1]
_COLUMN, _SUMS = numba.int64[::1], numba.float64[:, :, ::1]
KERNELS = (
    (find, (numba.int64, numba.int64, _INDEX)),
    (add_flows, (_CELLS, _NUMBERS, numba.int64, _COLUMN, _INDEX, numba.int64, _SUMS, numba.float64[::1], _COLUMN)),
)


class Load:
    """Sums of watched interfaces, a day long.

    Args:
        active_cap_ms: (exporters,) int64, longest time that a record may cover, by exporter code, milliseconds.

    Attributes:
        left_out: interfaces that were to be watched when ``INTERFACES_LIMIT`` were.
    """

    def __init__(self, active_cap_ms: NDArray[np.int64]) -> None:
        self.left_out: set[tuple[int, int]] = set()
        self._active_cap_ms = active_cap_ms
        self._index = np.full((_PLACES, 3), FREE, dtype=np.int64)
        self._watched: dict[tuple[int, int], int] = {}
        rows = INTERFACES_LIMIT * _ROWS_EACH
        # A page of zeros takes memory when it is first written to.
        self._sums = np.zeros((rows, KEPT_WINDOWS, len(Sum)), dtype=np.float64)
        self._by_lines = np.zeros(rows, dtype=np.float64)
        self._clock = np.zeros(2, dtype=np.int64)

    def start(self) -> None:
        """Compile the kernels."""
        warm([KERNELS])

    @property
    def watched(self) -> list[tuple[int, int]]:
        """(exporter code, ifIndex) of the interfaces, in the order in which they came."""
        return list(self._watched)

    @property
    def newest_ms(self) -> int:
        """End of the newest window, milliseconds UTC; 0 before the first record."""
        return (int(self._clock[_NEWEST]) + 1) * WINDOW_MS if self._clock[_NEWEST] else 0

    def watch(self, exporter: int, interface: int) -> None:
        """Sum the interface up from now on; at the limit it is left out."""
        if (exporter, interface) in self._watched:
            return
        if len(self._watched) == INTERFACES_LIMIT:
            self.left_out.add((exporter, interface))
            return
        number = self._watched[exporter, interface] = len(self._watched)
        self._index[find(exporter, interface, self._index)] = exporter, interface, number

    def add(self, flows: FlowBatch) -> None:
        """Take a batch in; the caller has called ``start()``."""
        if self._watched:
            rows = len(self._watched) * _ROWS_EACH
            numbers = flows.cells.view(np.float64)
            add_flows(
                flows.cells, numbers, flows.length, self._active_cap_ms,
                self._index, rows, self._sums, self._by_lines, self._clock,
            )  # fmt: skip

    def windows(self, exporter: int, interface: int, side: Side, first: int, count: int) -> NDArray[np.float64]:
        """Sums of consecutive windows, (count, len(Sum)), as observed there or, where nothing was, elsewhere."""
        there, elsewhere = self._rows(exporter, interface, side)
        row = there if self.is_metered(exporter, interface, side) else elsewhere
        numbers = np.arange(first, first + count)
        found: NDArray[np.float64] = self._sums[row, numbers % KEPT_WINDOWS]
        newest = self._clock[_NEWEST]
        found[(numbers > newest) | (numbers <= newest - KEPT_WINDOWS)] = 0.0
        return found

    def is_metered(self, exporter: int, interface: int, side: Side) -> bool:
        """Whether any record was observed there that passed in this direction."""
        return bool(self._sums[self._rows(exporter, interface, side)[0], :, _SAMPLED].any())

    def sent_by_lines(self, exporter: int, interface: int) -> tuple[float, float]:
        """Octets from lines that came in by the interface, and that left by it."""
        rows = (self._rows(exporter, interface, side) for side in Side)
        came_in, left = (max(float(self._by_lines[row]) for row in pair) for pair in rows)
        return came_in, left

    def _rows(self, exporter: int, interface: int, side: Side) -> tuple[int, int]:
        first = self._watched[exporter, interface] * _ROWS_EACH + side * 2
        return first, first + 1
