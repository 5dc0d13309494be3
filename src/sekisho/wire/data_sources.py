"""Where packets were sampled: the effective sampling interval and the loss of each sFlow data source.

The nominal interval is what was configured; the effective one is what happened. Two things are known of it: how many
packets the device observed and how many samples it made of them, and how many samples it had to drop. Made good for
drops, the nominal interval is exact where the device keeps to it, while observed packets over samples scatter: the
steps between samples are random. Hence the nominal one holds until what was observed contradicts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.wire.keys import find, put
from sekisho.wire.layout import Account, Of, Room
from sekisho.wire.sequence import LARGEST_GAP_UNITS, post_sample, serial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Samples, Word


@unique
class Entry(IntEnum):
    """Words of a data source; its sequence account follows them.

    SEQUENCE, OBSERVED, DROPPED are the latest counts as sent; WINDOW_… what they rose by lately.
    """

    SOURCE = 0
    KIND = 1
    IDENTIFIER = 2
    NOMINAL = 3
    SEQUENCE = 4
    OBSERVED = 5
    DROPPED = 6
    WINDOW_SAMPLES = 7
    WINDOW_OBSERVED = 8
    WINDOW_DROPPED = 9
    DROPPED_TOTAL = 10
    INTERVAL = 11
    WORDS = 12


ENTRY_WORDS = Entry.WORDS + Account.WORDS

FLOW_SAMPLES, DISCARDS, COUNTERS = range(3)
"""Kinds of samples: each counts by itself."""

FEWEST_SAMPLES = 16
"""Below it what was observed contradicts nothing: sFlow v5, section 3.1 draws each step from 1 to 2N - 1, so that the
mean of sixteen of them still scatters by a seventh."""

CONTRADICTION = 4.0
"""Of so many times ``nominal / sqrt(samples)`` chance explains nothing, whatever way the steps are drawn: that is the
standard deviation where each packet is drawn by itself, and the usual way has a smaller one."""

WINDOW_SAMPLES = 4096
"""With so many samples a difference of a sixteenth shows; then the older half of the window is given up."""

ABSENT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """What reached us of one data source.

    Attributes:
        exporter: code of the exporter. domain: its observation domain.
        kind: 0 packets sampled there, 1 packets discarded there.
        identifier: class of the data source (0 interface, 1 VLAN, 2 entity) << 32 | index.
        samples, lost_samples: by its sequence numbers. gaps, reordered, restarts: as in ``SourceLoss``.
        dropped_samples: that the exporter had no room for: its own loss, before the network's.
        nominal_interval: 1 in N packets as configured. interval: as it is at present.
    """

    exporter: int
    domain: int
    kind: int
    identifier: int
    samples: int
    lost_samples: int
    gaps: int
    reordered: int
    restarts: int
    dropped_samples: int
    nominal_interval: int
    interval: float


@borrowing_kernel
def find_data_source(samples: Samples, source: NDArray[np.int64], source_row: int, kind: int, identifier: int) -> Word:
    """Row of a data source, a new one if need be; ABSENT where there is no room, which is counted."""
    upper = source_row << 2 | kind
    row = find(samples.rows, upper, identifier)
    if row >= 0:
        return row
    row = samples.room[Room.DATA_SOURCES]
    if row >= len(samples.data_sources) or source[Of.DATA_SOURCES] >= samples.room[Room.DATA_SOURCES_PER_SOURCE]:
        samples.room[Room.DATA_SOURCES_LEFT_OUT] += 1
        return np.int64(ABSENT)
    samples.room[Room.DATA_SOURCES] += 1
    source[Of.DATA_SOURCES] += 1
    put(samples.rows, upper, identifier, row)
    entry = samples.data_sources[row]
    entry[Entry.SOURCE], entry[Entry.KIND], entry[Entry.IDENTIFIER] = source_row, kind, identifier
    return row


@borrowing_kernel
def take_sample(
    entry: NDArray[np.int64],
    source: NDArray[np.int64],
    state: NDArray[np.int64],
    sequence: int,
    nominal: int,
    observed: int,
    dropped: int,
) -> Word:
    """Take a sample into its data source's account; the bits of the sampling interval that holds for it.

    ``sequence``, ``observed`` and ``dropped`` are counts of samples, of packets seen and of samples dropped, modulo
    2**32; ``nominal`` is 1 in N packets, 0 where it is not known.
    """
    is_first = entry[Entry.WORDS + Account.UNITS] == 0
    began_anew = post_sample(entry, Entry.WORDS, source, state, sequence)
    step = serial(sequence - entry[Entry.SEQUENCE])
    if is_first or began_anew or nominal != entry[Entry.NOMINAL] or step > LARGEST_GAP_UNITS:
        _open_window(entry)
    elif step > 0:
        _widen_window(entry, step, serial(observed - entry[Entry.OBSERVED]), serial(dropped - entry[Entry.DROPPED]))
    else:
        return entry[Entry.INTERVAL]  # late, or twice
    entry[Entry.NOMINAL], entry[Entry.SEQUENCE] = nominal, sequence
    entry[Entry.OBSERVED], entry[Entry.DROPPED] = observed, dropped
    entry[Entry.INTERVAL] = np.float64(_interval(entry)).view(np.int64)
    return entry[Entry.INTERVAL]


@borrowing_kernel
def _open_window(entry: NDArray[np.int64]) -> None:
    entry[Entry.WINDOW_SAMPLES] = entry[Entry.WINDOW_OBSERVED] = entry[Entry.WINDOW_DROPPED] = 0


@borrowing_kernel
def _widen_window(entry: NDArray[np.int64], step: int, observed: int, dropped: int) -> None:
    if observed < 0 or dropped < 0:
        # Section 5 wants the sequence to be reset together with these; not every agent does.
        _open_window(entry)
        return
    if entry[Entry.WINDOW_SAMPLES] >= WINDOW_SAMPLES:
        entry[Entry.WINDOW_SAMPLES] //= 2
        entry[Entry.WINDOW_OBSERVED] //= 2
        entry[Entry.WINDOW_DROPPED] //= 2
    entry[Entry.WINDOW_SAMPLES] += step
    entry[Entry.WINDOW_OBSERVED] += observed
    entry[Entry.WINDOW_DROPPED] += dropped
    entry[Entry.DROPPED_TOTAL] += dropped


@borrowing_kernel
def _interval(entry: NDArray[np.int64]) -> Word:
    nominal, samples = np.float64(entry[Entry.NOMINAL]), entry[Entry.WINDOW_SAMPLES]
    if samples == 0:
        return nominal
    expected = nominal * (samples + entry[Entry.WINDOW_DROPPED]) / samples
    seen = entry[Entry.WINDOW_OBSERVED] / samples
    # Samples are among the packets observed: fewer of these than of those is a count that means something else.
    if samples < FEWEST_SAMPLES or seen < 1:
        return expected
    return seen if abs(seen - expected) > CONTRADICTION * expected / np.sqrt(samples) else expected


def data_source_of(entry: NDArray[np.int64], source: NDArray[np.int64]) -> DataSource:
    """One data source, (ENTRY_WORDS,), and the source it belongs to, in names."""
    account = entry[Entry.WORDS :]
    return DataSource(
        exporter=int(source[Of.EXPORTER]),
        domain=int(source[Of.DOMAIN]),
        kind=int(entry[Entry.KIND]),
        identifier=int(entry[Entry.IDENTIFIER]),
        samples=int(account[Account.UNITS]),
        lost_samples=int(account[Account.LOST]),
        gaps=int(account[Account.GAPS]),
        reordered=int(account[Account.REORDERED]),
        restarts=int(account[Account.RESTARTS]),
        dropped_samples=int(entry[Entry.DROPPED_TOTAL]),
        nominal_interval=int(entry[Entry.NOMINAL]),
        interval=float(entry[Entry.INTERVAL : Entry.WORDS].view(np.float64)[0]),
    )
