"""Loss from sequence numbers: how much was lost, not how often.

Units differ: v5 counts flows, v9 export packets (RFC 3954, 5.1: "Incremental sequence counter of all Export Packets"),
IPFIX data records (RFC 7011, 3.1), options data records among them; sFlow counts datagrams, and within them the samples
of each data source.

Exporters differ too. RFC 7011 counts what was sent before the message, with options; softflowd counts the message
itself as well, without options. Nothing announces it, so four accounts are kept side by side, one for each reading, and
the one with the fewest jumps holds: the right one has none but those of real loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.wire import FORMATS
from sekisho.wire.layout import GAPS_KEPT, READINGS, SFLOW_VERSION, Account, At, Of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Word

LARGEST_GAP_UNITS = 1 << 20
"""A jump further ahead is another process with another count, not loss: at the fastest exporters known (300,000
records/s) it would be three seconds without a datagram."""

WITHOUT_OPTIONS = 1
COUNTED_AFTER = 2
"""Bits of a reading; 0 is the RFC's."""

_UNITS = {wire_format.version: wire_format.sequence_unit for wire_format in FORMATS}

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


@borrowing_kernel
def account(source: NDArray[np.int64], state: NDArray[np.int64]) -> None:
    """Take the message that was just walked into its source's accounts."""
    counts_datagrams = state[At.VERSION] == 9 or state[At.VERSION] == SFLOW_VERSION
    units_known = counts_datagrams or state[At.UNITS_UNKNOWN] == 0
    for reading in range(1 if counts_datagrams else READINGS):
        units = state[At.UNITS] - (state[At.OPTIONS_UNITS] if reading & WITHOUT_OPTIONS else 0)
        if counts_datagrams:
            units = 1
        account_at = Of.WORDS + reading * Account.WORDS
        if reading & COUNTED_AFTER and not units_known:
            # Where such a message began cannot be known; where it ended can.
            source[account_at + Account.UNITS] += units
            source[account_at + Account.EXPECTED] = state[At.SEQUENCE]
            source[account_at + Account.SYNCED] = 1
            continue
        first = state[At.SEQUENCE] - (units if reading & COUNTED_AFTER else 0)
        _post(source, account_at, source, state, first, units, units_known)
    source[Of.RESYNCS] += not units_known
    if serial(state[At.EXPORT_MS] - source[Of.EXPORT_MS]) >= 0 or source[Of.DATAGRAMS] == 1:
        source[Of.UPTIME_MS] = state[At.UPTIME_MS]
        source[Of.EXPORT_MS] = state[At.EXPORT_MS]


@borrowing_kernel
def post_sample(
    entry: NDArray[np.int64], account_at: int, source: NDArray[np.int64], state: NDArray[np.int64], sequence: int
) -> Word:
    """Post one sample to the account that stands at ``account_at`` in its data source; whether the count began anew."""
    restarts = entry[account_at + Account.RESTARTS]
    _post(entry, account_at, source, state, sequence, 1, True)
    return entry[account_at + Account.RESTARTS] != restarts


@borrowing_kernel
def serial(difference: int) -> Word:
    """A difference of 32-bit serial numbers as the shorter way round (RFC 1982)."""
    return np.int64(np.int32(difference))


@borrowing_kernel
def _post(
    entry: NDArray[np.int64],
    account_at: int,
    source: NDArray[np.int64],
    state: NDArray[np.int64],
    first: int,
    units: int,
    units_known: bool,
) -> None:
    """Post units ``first`` to ``first + units`` of a source to the account at ``account_at`` in ``entry``."""
    ahead = serial(first - entry[account_at + Account.EXPECTED])
    entry[account_at + Account.UNITS] += units
    if entry[account_at + Account.SYNCED] and ahead != 0:
        entry[account_at + Account.JUMPS] += 1
        if _is_restart(source, state, ahead):
            entry[account_at + Account.RESTARTS] += 1
        elif ahead < 0:
            entry[account_at + Account.REORDERED] += 1
            _close_gap(entry, account_at, first, units)
            return
        else:
            _open_gap(entry, account_at, entry[account_at + Account.EXPECTED], ahead)
            entry[account_at + Account.LOST] += ahead
            entry[account_at + Account.GAPS] += 1
    entry[account_at + Account.EXPECTED] = (first + units) & 0xFFFFFFFF
    entry[account_at + Account.SYNCED] = units_known


@borrowing_kernel
def _is_restart(source: NDArray[np.int64], state: NDArray[np.int64], ahead: int) -> Word:
    """Whether a jump is a count that began anew: a late datagram was exported before the last one, not after."""
    if abs(ahead) > LARGEST_GAP_UNITS:
        return True
    fell_ms = serial(source[Of.UPTIME_MS] - state[At.UPTIME_MS])
    if fell_ms > UPTIME_MARGIN_MS and state[At.EXPORT_MS] >= source[Of.EXPORT_MS]:
        return True
    return ahead < 0 and _is_later(source, state)


@borrowing_kernel
def _is_later(source: NDArray[np.int64], state: NDArray[np.int64]) -> Word:
    """Whether a message was exported after the last one; sFlow tells by its uptime alone."""
    if state[At.VERSION] == SFLOW_VERSION:
        return serial(state[At.UPTIME_MS] - source[Of.UPTIME_MS]) > 0
    return state[At.EXPORT_MS] > source[Of.EXPORT_MS]


@borrowing_kernel
def _open_gap(entry: NDArray[np.int64], account_at: int, first: int, units: int) -> None:
    slot = account_at + Account.FIRST_GAP + 2 * entry[account_at + Account.NEXT_GAP]
    entry[slot], entry[slot + 1] = first & 0xFFFFFFFF, units
    entry[account_at + Account.NEXT_GAP] = (entry[account_at + Account.NEXT_GAP] + 1) % GAPS_KEPT


@borrowing_kernel
def _close_gap(entry: NDArray[np.int64], account_at: int, first: int, units: int) -> None:
    """Take a late datagram out of the gap it left; one that left none is a duplicate and changes nothing."""
    first_gap = account_at + Account.FIRST_GAP
    for slot in range(first_gap, first_gap + 2 * GAPS_KEPT, 2):
        before = (first - entry[slot]) & 0xFFFFFFFF
        missing = entry[slot + 1]
        if before < missing:
            after = max(0, missing - before - units)
            entry[account_at + Account.LOST] -= missing - before - after
            entry[account_at + Account.GAPS] -= before == 0 and after == 0
            entry[slot + 1] = before
            if after:
                _open_gap(entry, account_at, first + units, after)
            return


def best_reading(source: NDArray[np.int64]) -> NDArray[np.int64]:
    """The account of a source that fits best, (Account.WORDS,); the RFC's, where several do."""
    accounts = source[Of.WORDS :].reshape(READINGS, Account.WORDS)
    used = accounts[accounts[:, Account.UNITS] > 0]
    best: NDArray[np.int64] = used[np.argmin(used[:, Account.JUMPS])] if len(used) else accounts[0]
    return best


def loss_of(source: NDArray[np.int64]) -> SourceLoss:
    """One source, (SOURCE_WORDS,), in names."""
    entry = best_reading(source)
    version = int(source[Of.VERSION])
    return SourceLoss(
        exporter=int(source[Of.EXPORTER]),
        version=version,
        domain=int(source[Of.DOMAIN]),
        unit=_UNITS[version],
        datagrams=int(source[Of.DATAGRAMS]),
        records=int(source[Of.RECORDS]),
        options_records=int(source[Of.OPTIONS_RECORDS]),
        expected_units=int(entry[Account.UNITS] + entry[Account.LOST]),
        lost_units=int(entry[Account.LOST]),
        gaps=int(entry[Account.GAPS]),
        reordered=int(entry[Account.REORDERED]),
        restarts=int(entry[Account.RESTARTS]),
        resyncs=int(source[Of.RESYNCS]),
        clock_shifted=int(source[Of.CLOCK_SHIFTED]),
        last_skew_ms=int(source[Of.LAST_SKEW_MS]),
        ends_ahead=int(source[Of.ENDS_AHEAD]),
    )
