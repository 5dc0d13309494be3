"""Exporter clocks to Unix milliseconds. The clocks are wrong, the durations are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.schema.batch import cell
from sekisho.wire.elements import Unit
from sekisho.wire.layout import At, Of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Word

CLOCK_MARGIN_MS = 2000
"""Export times in whole seconds and the way through the network make up to this much; more is a wrong clock."""

END_OF_TIME_MS = 253_402_300_800_000
"""The year 10000, beyond which no library writes a date."""

NTP_EPOCH_S = 2_208_988_800
"""1 January 1970 in seconds since 1900 (RFC 5905)."""

_START, _END, _RECEIVED = cell("flow_start"), cell("flow_end"), cell("received_at")


@borrowing_kernel
def note_clock(source: NDArray[np.int64], state: NDArray[np.int64]) -> None:
    """Decide by how much the times of the message just opened are shifted, and count it."""
    skew = state[At.RECEIVED_AT] - state[At.EXPORT_MS]
    state[At.SHIFT_MS] = 0
    if abs(skew) > CLOCK_MARGIN_MS:
        state[At.SHIFT_MS] = skew
        if not state[At.REPLAY]:
            source[Of.CLOCK_SHIFTED] += 1
            source[Of.LAST_SKEW_MS] = skew


@borrowing_kernel
def to_unix_ms(value: int, unit: int, export_ms: int, uptime_ms: int) -> Word:
    """One time of any unit; 0 (never set by the exporter) stays 0, "not known".

    ``sysUptime - first`` is taken modulo 2**32 and signed: it survives the wrap after 49.7 days, and a time a little
    after the export time, as some routers send it, is not seven weeks ago.
    """
    if unit == Unit.UPTIME_MS:
        return export_ms - np.int64(np.int32(uptime_ms - value))
    if unit == Unit.DELTA_US:
        return export_ms - value // 1000
    if value == 0:
        return np.int64(0)
    if unit == Unit.SECONDS:
        return value * 1000
    if unit == Unit.NTP:
        seconds = (value >> 32) & 0xFFFFFFFF
        return (seconds - NTP_EPOCH_S) * 1000 + ((value & 0xFFFFFFFF) * 1000 >> 32)
    return value


@borrowing_kernel
def convert_column(
    cells: NDArray[np.int64], column: int, row: int, end: int, unit: int, state: NDArray[np.int64]
) -> None:
    """Raw times of one unit in rows ``row`` to ``end`` of a column to Unix milliseconds."""
    export_ms, uptime_ms = state[At.EXPORT_MS], state[At.UPTIME_MS]
    if unit == Unit.UPTIME_MS:
        for r in range(row, end):
            cells[column, r] = export_ms - np.int64(np.int32(uptime_ms - cells[column, r]))
    elif unit == Unit.SECONDS:
        for r in range(row, end):
            cells[column, r] *= 1000


@borrowing_kernel
def settle_times(
    source: NDArray[np.int64], state: NDArray[np.int64], cells: NDArray[np.int64], row: int, end: int
) -> None:
    """Shift, fill and bound start and end of finished rows.

    No time at all is the time of arrival, and so is one before 1970 or after 9999. A start after its end becomes the
    end. An end more than the clock margin after the arrival is moved back to the arrival together with its start, and
    counted as ``ends_ahead``.
    """
    shift, received_at = state[At.SHIFT_MS], state[At.RECEIVED_AT]
    latest = received_at + CLOCK_MARGIN_MS
    ahead = 0
    for r in range(row, end):
        start, stop = cells[_START, r], cells[_END, r]
        has_start, has_stop = 0 < start < END_OF_TIME_MS, 0 < stop < END_OF_TIME_MS
        last = stop + shift if has_stop else start + shift if has_start else received_at
        first = start + shift if has_start else last
        if last > latest:
            first -= last - received_at
            last = received_at
            ahead += 1
        cells[_START, r] = max(0, min(first, last))
        cells[_END, r] = max(0, last)
    source[Of.ENDS_AHEAD] += ahead
