"""Interface counters that exporters send beside their flows: what links carry, and what coverage is measured against.

Totals start with what the first sample said and only rise: wraps are made good, and a reset adds nothing. A reader
takes the difference of two looks and needs to know nothing of how wide the counters are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.wire.data_sources import ABSENT, COUNTERS
from sekisho.wire.keys import find, put
from sekisho.wire.layout import At, Of, Room
from sekisho.wire.octets import u32, u64
from sekisho.wire.sequence import UPTIME_MARGIN_MS, serial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Samples, Word

RECORD_OCTETS = 88
"""if_counters of sFlow v5, section 5: the columns of ifTable and ifXTable (RFC 2863)."""

_COUNTS = 12


@unique
class Counter(IntEnum):
    """Words of an interface: what is known of it, its latest counters as sent, and their totals."""

    SOURCE = 0
    IF_INDEX = 1
    RECEIVED_AT = 2
    UPTIME_MS = 3
    SEQUENCE = 4
    SAMPLES = 5
    RESETS = 6
    SPEED_BPS = 7
    STATUS = 8
    LATEST = 9
    TOTAL = LATEST + _COUNTS
    WORDS = TOTAL + _COUNTS


@unique
class Count(IntEnum):
    """Order of the counters of an interface."""

    IN_OCTETS = 0
    IN_UNICAST = 1
    IN_MULTICAST = 2
    IN_BROADCAST = 3
    IN_DISCARDS = 4
    IN_ERRORS = 5
    OUT_OCTETS = 6
    OUT_UNICAST = 7
    OUT_MULTICAST = 8
    OUT_BROADCAST = 9
    OUT_DISCARDS = 10
    OUT_ERRORS = 11


_OFFSETS = np.array([24, 32, 36, 40, 44, 48, 56, 64, 68, 72, 76, 80], dtype=np.int64)
"""Where the counters stand in the record, in the order of ``Count``."""

UNKNOWN = -1
"""Total of a counter that the exporter does not have."""

_UNKNOWN_32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Totals of one direction of an interface; ``UNKNOWN`` where the exporter does not count."""

    octets: int
    unicast_packets: int
    multicast_packets: int
    broadcast_packets: int
    discards: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceCounters:
    """Counters of one interface as of its latest sample.

    Attributes:
        exporter: code of the exporter. interface: ifIndex.
        received_at: arrival of the latest sample, milliseconds UTC.
        samples: how many samples came; the totals tell of an interval from the second on.
        resets: how often the counters began anew; what passed between the two samples around a reset is not counted.
        speed_bps: ifSpeed, 0 = not known.
        is_up: ifOperStatus.
        octets of ``ingress`` and ``egress`` are those of frames, which are longer than the IP packets of flows.
    """

    exporter: int
    interface: int
    received_at: int
    samples: int
    resets: int
    speed_bps: int
    is_up: bool
    ingress: Traffic
    egress: Traffic


@borrowing_kernel
def take_counters(
    payload: NDArray[np.uint8],
    at: int,
    sequence: int,
    samples: Samples,
    source: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    """Take the interface counters of RECORD_OCTETS octets at ``at`` in, from the sample of that sequence number."""
    row = _find_interface(samples, source, state[At.SOURCE], u32(payload, at))
    if row == ABSENT:
        return
    entry = samples.interfaces[row]
    is_first = entry[Counter.SAMPLES] == 0
    ahead_ms = serial(state[At.UPTIME_MS] - entry[Counter.UPTIME_MS])
    step = serial(sequence - entry[Counter.SEQUENCE])
    is_late = -UPTIME_MARGIN_MS < ahead_ms < 0 or (ahead_ms == 0 and step <= 0)
    if is_late and not is_first:
        return
    # Section 5: "If the agent resets any of the counters then it must also reset the sequence_number."
    is_reset = step < 0 or ahead_ms < 0
    for k in (Count.IN_OCTETS, Count.OUT_OCTETS):
        is_reset = is_reset or u64(payload, at + _OFFSETS[k]) - entry[Counter.LATEST + k] < 0
    if not is_first:
        entry[Counter.RESETS] += is_reset
    for which in range(_COUNTS):
        _take_count(payload, at + _OFFSETS[which], which, is_first, is_reset, entry)
    entry[Counter.SAMPLES] += 1
    entry[Counter.SEQUENCE] = sequence
    entry[Counter.RECEIVED_AT], entry[Counter.UPTIME_MS] = state[At.RECEIVED_AT], state[At.UPTIME_MS]
    entry[Counter.SPEED_BPS] = u64(payload, at + 8)
    entry[Counter.STATUS] = u32(payload, at + 20)


@borrowing_kernel
def _take_count(
    payload: NDArray[np.uint8], at: int, k: int, is_first: bool, is_reset: bool, entry: NDArray[np.int64]
) -> None:
    """Take one counter in; octets have eight octets, packets four."""
    is_wide = k in (Count.IN_OCTETS, Count.OUT_OCTETS)
    value = u64(payload, at) if is_wide else u32(payload, at)
    latest, total = Counter.LATEST + k, Counter.TOTAL + k
    if value == (-1 if is_wide else _UNKNOWN_32):
        entry[total] = UNKNOWN
    elif is_first or entry[total] == UNKNOWN:
        entry[total] = value
    elif not is_reset:
        entry[total] += value - entry[latest] if is_wide else (value - entry[latest]) & 0xFFFFFFFF
    entry[latest] = value


@borrowing_kernel
def _find_interface(samples: Samples, source: NDArray[np.int64], source_row: int, if_index: int) -> Word:
    """Row of an interface, a new one if need be; ABSENT where there is no room, which is counted."""
    upper = source_row << 2 | COUNTERS
    row = find(samples.rows, upper, if_index)
    if row >= 0:
        return row
    row = samples.room[Room.INTERFACES]
    if row >= len(samples.interfaces) or source[Of.INTERFACES] >= samples.room[Room.INTERFACES_PER_SOURCE]:
        samples.room[Room.INTERFACES_LEFT_OUT] += 1
        return np.int64(ABSENT)
    samples.room[Room.INTERFACES] += 1
    source[Of.INTERFACES] += 1
    put(samples.rows, upper, if_index, row)
    samples.interfaces[row, Counter.SOURCE], samples.interfaces[row, Counter.IF_INDEX] = source_row, if_index
    return row


def counters_of(entry: NDArray[np.int64], source: NDArray[np.int64]) -> InterfaceCounters:
    """One interface, (Counter.WORDS,), and the source it belongs to, in names."""
    totals = entry[Counter.TOTAL :].tolist()
    return InterfaceCounters(
        exporter=int(source[Of.EXPORTER]),
        interface=int(entry[Counter.IF_INDEX]),
        received_at=int(entry[Counter.RECEIVED_AT]),
        samples=int(entry[Counter.SAMPLES]),
        resets=int(entry[Counter.RESETS]),
        speed_bps=max(0, int(entry[Counter.SPEED_BPS])),
        is_up=bool(entry[Counter.STATUS] & 2),
        ingress=_traffic(totals[Count.IN_OCTETS : Count.OUT_OCTETS]),
        egress=_traffic(totals[Count.OUT_OCTETS :]),
    )


def _traffic(totals: list[int]) -> Traffic:
    octets, unicast, multicast, broadcast, discards, errors = totals
    return Traffic(
        octets=octets,
        unicast_packets=unicast,
        multicast_packets=multicast,
        broadcast_packets=broadcast,
        discards=discards,
        errors=errors,
    )
