"""Sets of addresses as ascending ranges: ours or not, special use or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.layout import HI, KIND, LO
from sekisho.core.address import V4_MAPPED
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sekisho.core.address import IPNetwork

BIAS = -1 << 63
"""Words are stored with the top bit turned over: signed comparison then orders them as unsigned."""

DERIVED_IPV4, DERIVED_IPV6 = 120, 48
"""Where no prefixes are configured, the /24 (120 of 128) or /48 around an assignment is ours: a subscriber's
unassigned neighbour is one of ours without a line, not a stranger."""

_WORD = (1 << 64) - 1

Range = tuple[int, int]
"""First and last address, inclusive, as 128-bit numbers (IPv4 mapped)."""


def range_of(prefix: IPNetwork) -> Range:
    """The addresses of a prefix."""
    base = V4_MAPPED if prefix.version == 4 else 0
    return base | int(prefix.network_address), base | int(prefix.broadcast_address)


def joined(ranges: Iterable[Range]) -> NDArray[np.int64]:
    """(k, 4) int64: upper and lower word of the first and of the last address, biased; touching ranges are one."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    words = [[first >> 64, first & _WORD, last >> 64, last & _WORD] for first, last in merged]
    return np.array(words, np.uint64).reshape(-1, 4).view(np.int64) ^ np.int64(BIAS)


def derived(rows: NDArray[np.int64]) -> list[Range]:
    """Ranges around the assignments of an index's sorted rows."""
    marks = np.zeros(len(rows), np.bool_)
    _mark(rows, marks)
    return [_around(*row) for row in rows[marks][:, [HI, LO, KIND]].tolist()]


def _around(hi: int, lo: int, kind: int) -> Range:
    host_bits = 128 - _coarse(hi, lo, kind & 0xFF)
    address = (hi & _WORD) << 64 | lo & _WORD
    return address >> host_bits << host_bits, address | (1 << host_bits) - 1


def _coarse(hi: int, lo: int, length: int) -> int:
    return min(length, DERIVED_IPV4 if length >= 96 and hi == 0 and lo >> 32 == 0xFFFF else DERIVED_IPV6)


@kernel
def _mark(rows: Any, marks: Any) -> None:
    """Mark each row that leaves the /24 or /48 of the row before it; a prefix marked twice does no harm."""
    for row in range(rows.shape[0]):
        hi, lo, length = rows[row, HI], rows[row, LO], rows[row, KIND] & 0xFF
        ipv4 = length >= DERIVED_IPV4 and hi == 0 and lo >> 32 == 0xFFFF
        same = row > 0 and hi == rows[row - 1, HI] and lo >> 8 == rows[row - 1, LO] >> 8
        if not ipv4:
            same = row > 0 and length >= DERIVED_IPV6 and hi >> 16 == rows[row - 1, HI] >> 16
        marks[row] = not same or rows[row - 1, KIND] & 0xFF < length


@kernel
def within(ranges: Any, hi: int, lo: int) -> bool:
    """Whether the address of two words lies in one of the ranges."""
    biased_hi, biased_lo = hi ^ BIAS, lo ^ BIAS
    low, high = 0, ranges.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if ranges[middle, 0] > biased_hi or (ranges[middle, 0] == biased_hi and ranges[middle, 1] > biased_lo):
            high = middle
        else:
            low = middle + 1
    if low == 0:
        return False
    last_hi, last_lo = ranges[low - 1, 2], ranges[low - 1, 3]
    return bool(last_hi > biased_hi or (last_hi == biased_hi and last_lo >= biased_lo))


KERNELS = ((_mark, (types.int64[:, ::1], types.boolean[::1])),)
