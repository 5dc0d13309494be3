"""End-user prefixes of MAP-E that have assignments inside, found once so that a lookup needs no search.

A line without the telephone option holds a /64 by router advertisement while the rule yields the /56 around it: the
arithmetic ends at a prefix, and whoever holds a part of it is the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.layout import (
    BEING_BUILT,
    HI,
    HOUSEHOLD_COUNT,
    HOUSEHOLD_FIRST,
    HOUSEHOLD_SLOTS,
    HOUSEHOLD_WORDS,
    HOUSEHOLDS,
    KIND,
    KIND_MASK,
    LENGTH_MASK,
    LO,
    REALM_SHIFT,
    ROW_WORDS,
    ROWS,
)
from sekisho.attribution.ranges import BIAS, joined, range_of
from sekisho.attribution.slots import find, insert
from sekisho.core.address import prefix_words
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from sekisho.attribution.map_e import MapRule


def most_households(hi: NDArray[np.int64], rules: Collection[MapRule]) -> int:
    """An upper bound: assignments near a rule's IPv6 prefix, for each length of end-user prefixes."""
    ranges = joined(range_of(rule.ipv6_prefix) for rule in rules).reshape(-1, 4)
    if not len(ranges):
        return 0
    biased = hi ^ np.int64(BIAS)
    before = np.searchsorted(ranges[:, 0], biased, side="right") - 1
    near = (before >= 0) & (biased <= ranges[before, 2])
    return int(near.sum()) * len({rule.end_user_length for rule in rules})


def enter_households(memory: NDArray[np.int64], rules: Collection[MapRule], realms: int) -> None:
    """Fill the section of households and its slots from the sorted rows."""
    memory[HOUSEHOLDS + 1] = memory[HOUSEHOLDS]
    for ipv6_prefix, length in dict.fromkeys((rule.ipv6_prefix, rule.end_user_length) for rule in rules):
        for realm in range(realms):
            _enter(memory, realm, *prefix_words(ipv6_prefix), length)


@kernel
def _stands_before(memory: Any, row: int, realm: int, hi: int, lo: int) -> bool:
    """Whether a row stands before an address of a realm in the order of the rows."""
    row_realm = (memory[row + KIND] & KIND_MASK) >> REALM_SHIFT
    if row_realm != realm:
        return bool(row_realm < realm)
    row_hi, row_lo = memory[row + HI] ^ BIAS, memory[row + LO] ^ BIAS
    return bool(row_hi < hi ^ BIAS or (row_hi == hi ^ BIAS and row_lo < lo ^ BIAS))


@kernel
def _first_row(memory: Any, realm: int, hi: int, lo: int) -> int:
    """The first row that does not stand before an address."""
    low, high = 0, (memory[ROWS + 1] - memory[ROWS]) // ROW_WORDS
    while low < high:
        middle = (low + high) >> 1
        if _stands_before(memory, memory[ROWS] + middle * ROW_WORDS, realm, hi, lo):
            low = middle + 1
        else:
            high = middle
    return int(memory[ROWS] + low * ROW_WORDS)


@kernel
def household_base(hi: int, lo: int, length: int) -> tuple[int, int]:
    """The first bits of an address."""
    if length <= 64:
        return hi >> (64 - length) << (64 - length) if length else 0, 0
    return hi, lo >> (128 - length) << (128 - length)


@kernel
def _enter(memory: Any, realm: int, hi: int, lo: int, rule_length: int, length: int) -> None:
    """Households of one rule: rows at least ``length`` long inside the rule's prefix, by their first bits.

    A shorter row at the same address stands before them, so that the rows of a household are one stretch.
    """
    household, row = memory[HOUSEHOLDS + 1] - HOUSEHOLD_WORDS, _first_row(memory, realm, hi, lo)
    entered, known = 0, False
    while row < memory[ROWS + 1]:
        row_hi, row_lo, kind = memory[row + HI], memory[row + LO], memory[row + KIND] & KIND_MASK
        if kind >> REALM_SHIFT != realm or household_base(row_hi, row_lo, rule_length) != (hi, lo):
            break
        base_hi, base_lo = household_base(row_hi, row_lo, length)
        if kind & LENGTH_MASK >= length:
            if entered == 0 or memory[household + HI] != base_hi or memory[household + LO] != base_lo:
                # Rules whose IPv6 prefixes are nested come across the same household twice.
                known = find(memory, HOUSEHOLD_SLOTS, base_hi, base_lo, realm << REALM_SHIFT | length)[0] > 0
                if not known:
                    household += HOUSEHOLD_WORDS
                    entered += 1
                    memory[household + HI], memory[household + LO] = base_hi, base_lo
                    memory[household + KIND] = realm << REALM_SHIFT | length
                    memory[household + HOUSEHOLD_FIRST] = row
                    memory[household + HOUSEHOLD_COUNT] = 0
                    insert(memory, HOUSEHOLD_SLOTS, household, 1)
            if not known:
                memory[household + HOUSEHOLD_COUNT] += 1
        row += ROW_WORDS
    memory[HOUSEHOLDS + 1] = household + HOUSEHOLD_WORDS


_WORD = types.int64

KERNELS = ((_enter, (BEING_BUILT, _WORD, _WORD, _WORD, _WORD, _WORD)),)
