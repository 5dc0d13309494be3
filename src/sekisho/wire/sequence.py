"""Loss from sequence numbers: how much was lost, not how often.

Units differ: v5 counts flows, v9 export packets (RFC 3954, 5.1: "incremental sequence counter of all Export Packets"),
IPFIX data records, "not including" templates (RFC 7011, 3.1), so options data records count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import kernel
from sekisho.wire.layout import GAPS_KEPT, At, Of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Tables

LARGEST_GAP_UNITS = 1 << 20
"""A jump further ahead is another process with another count, not loss: at the fastest exporters known (300,000
records/s) it would be three seconds without a datagram."""

UPTIME_MARGIN_MS = 60_000
"""sysUpTime this much lower than before is a reboot; less is reordering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLoss:
    """What reached us of one source, and what did not.

    Attributes:
        exporter: code of the exporter.
        unit: flows | packets | records, what the sequence number counts.
        expected_units: received and lost.
        gaps: how often something was missing; reordered: datagrams that came late (they are not lost).
        restarts: times the count began anew. resyncs: datagrams whose size in units could not be known.
        clock_shifted: datagrams whose export time was more than the clock margin off; last_skew_ms: arrival minus
            export time of the last of them. ends_ahead: records that ended after they arrived, moved back.
    """

    exporter: int
    version: int
    domain: int
    unit: str
    datagrams: int
    records: int
    options_records: int
    expected_units: int
    lost_units: int
    gaps: int
    reordered: int
    restarts: int
    resyncs: int
    clock_shifted: int
    last_skew_ms: int
    ends_ahead: int


@kernel
def account(tables: Tables, state: NDArray[np.int64]) -> None:
    """Take the message that was just walked into its source's account."""
    source = tables.sources[state[At.SOURCE]]
    units = 1 if state[At.VERSION] == 9 else state[At.UNITS]
    units_known = state[At.VERSION] == 9 or state[At.UNITS_UNKNOWN] == 0
    sequence = state[At.SEQUENCE]
    ahead = np.int64(np.int32(sequence - source[Of.EXPECTED]))
    source[Of.UNITS] += units
    if not source[Of.SYNCED]:
        source[Of.EXPECTED] = sequence
    elif ahead != 0:
        if _is_restart(source, state, ahead):
            source[Of.RESTARTS] += 1
        elif ahead < 0:
            source[Of.REORDERED] += 1
            _close_gap(source, tables.gaps[state[At.SOURCE]], sequence, units)
            return
        else:
            _open_gap(source, tables.gaps[state[At.SOURCE]], ahead)
    source[Of.EXPECTED] = (sequence + units) & 0xFFFFFFFF
    source[Of.SYNCED] = units_known
    source[Of.RESYNCS] += not units_known
    source[Of.UPTIME_MS] = state[At.UPTIME_MS]
    source[Of.EXPORT_MS] = state[At.EXPORT_MS]


@kernel
def _is_restart(source: NDArray[np.int64], state: NDArray[np.int64], ahead: int) -> bool:
    """Whether a jump is a count that began anew: a late datagram was exported before the last one, not after."""
    if ahead > LARGEST_GAP_UNITS or ahead < -LARGEST_GAP_UNITS:
        return True
    uptime_back = source[Of.UPTIME_MS] - state[At.UPTIME_MS]
    if uptime_back > UPTIME_MARGIN_MS and uptime_back < (1 << 31):
        return True
    return ahead < 0 and state[At.EXPORT_MS] > source[Of.EXPORT_MS]


@kernel
def _open_gap(source: NDArray[np.int64], gaps: NDArray[np.int64], ahead: int) -> None:
    source[Of.LOST] += ahead
    source[Of.GAPS] += 1
    slot = source[Of.NEXT_GAP]
    gaps[slot, 0] = source[Of.EXPECTED]
    gaps[slot, 1] = ahead
    source[Of.NEXT_GAP] = (slot + 1) % GAPS_KEPT


@kernel
def _close_gap(source: NDArray[np.int64], gaps: NDArray[np.int64], sequence: int, units: int) -> None:
    """Take a late datagram out of the gap it left; one that left none is a duplicate and changes nothing."""
    for slot in range(GAPS_KEPT):
        inside = (sequence - gaps[slot, 0]) & 0xFFFFFFFF
        if inside < gaps[slot, 1]:
            rest = max(0, gaps[slot, 1] - inside - units)
            source[Of.LOST] -= gaps[slot, 1] - inside - rest
            source[Of.GAPS] -= inside == 0 and rest == 0
            gaps[slot, 1] = inside
            if rest > 0 and inside > 0:
                other = source[Of.NEXT_GAP]
                gaps[other, 0], gaps[other, 1] = (sequence + units) & 0xFFFFFFFF, rest
                source[Of.NEXT_GAP] = (other + 1) % GAPS_KEPT
            elif rest > 0:
                gaps[slot, 0], gaps[slot, 1] = (sequence + units) & 0xFFFFFFFF, rest
            return
