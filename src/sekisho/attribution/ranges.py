"""Sets of addresses as ascending ranges: ours or not, special use or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.layout import MEMORY, RANGE_WORDS
from sekisho.core.address import V4_MAPPED
from sekisho.core.kernels import borrowing_kernel, kernel

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
    """Words of ascending ranges: upper and lower word of the first and of the last address, biased.

    Ranges that touch are one.
    """
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    words = [word for first, last in merged for word in (first >> 64, first & _WORD, last >> 64, last & _WORD)]
    return np.array(words, np.uint64).view(np.int64) ^ np.int64(BIAS)


def derived(
    hi: NDArray[np.int64], lo: NDArray[np.int64], length: NDArray[np.uint8], order: NDArray[np.int64]
) -> list[Range]:
    """Ranges around assignments; ``order`` is their order by address."""
    marks = np.zeros(len(order), np.bool_)
    _mark(hi, lo, length, order, marks)
    chosen = order[marks]
    columns = (hi[chosen].tolist(), lo[chosen].tolist(), length[chosen].tolist())
    return [_around(*row) for row in zip(*columns, strict=True)]


def _around(hi: int, lo: int, length: int) -> Range:
    ipv4 = length >= DERIVED_IPV4 and hi == 0 and lo >> 32 == 0xFFFF
    host_bits = 128 - min(length, DERIVED_IPV4 if ipv4 or hi == 0 else DERIVED_IPV6)
    address = (hi & _WORD) << 64 | lo & _WORD
    return address >> host_bits << host_bits, address | (1 << host_bits) - 1


@kernel
def _mark(hi: Any, lo: Any, length: Any, order: Any, marks: Any) -> None:
    """Mark each assignment that leaves the /24 or /48 of the one before it; marking one twice does no harm."""
    for place in range(order.size):
        row, before = order[place], order[max(place - 1, 0)]
        ipv4 = hi[row] == 0 and lo[row] >> 32 == 0xFFFF
        same_24 = hi[row] == hi[before] and lo[row] >> 8 == lo[before] >> 8
        same = same_24 if ipv4 else hi[row] >> 16 == hi[before] >> 16
        marks[place] = place == 0 or not same or length[before] < length[row]


@borrowing_kernel
def within(memory: Any, ranges: int, hi: int, lo: int) -> bool:
    """Whether the address of two words lies in a range of a section."""
    biased_hi, biased_lo, at = hi ^ BIAS, lo ^ BIAS, memory[ranges]
    left = (memory[ranges + 1] - at) // RANGE_WORDS
    if left == 0:
        return False
    # No branch depends on the address: which way a search turns is anybody's guess, and a wrong one costs more than it.
    while left > 1:
        half = left >> 1
        middle = at + half * RANGE_WORDS
        begun = (memory[middle] < biased_hi) | ((memory[middle] == biased_hi) & (memory[middle + 1] <= biased_lo))
        at += begun * half * RANGE_WORDS
        left -= half
    begun = (memory[at] < biased_hi) | ((memory[at] == biased_hi) & (memory[at + 1] <= biased_lo))
    ends = (memory[at + 2] < biased_hi) | ((memory[at + 2] == biased_hi) & (memory[at + 3] < biased_lo))
    return bool(begun & (not ends))


_WORDS = types.int64[::1]

KERNELS = (
    (_mark, (_WORDS, _WORDS, types.uint8[::1], _WORDS, types.boolean[::1])),
    (within, (MEMORY, types.int64, types.int64, types.int64)),
)
