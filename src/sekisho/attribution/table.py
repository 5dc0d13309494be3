"""The lookup index, built from assignments and MAP-E rules."""

# ruff: noqa: PLR0917 - kernels take their arguments by position

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.layout import (
    HI,
    HOUSEHOLD_COUNT,
    HOUSEHOLD_FIRST,
    KIND,
    KIND_MASK,
    LINE,
    LO,
    PORTS,
    REACH,
    ROW_BITS,
    ROW_CELLS,
    VALID_FROM,
    VALID_TO,
    Index,
)
from sekisho.attribution.map_e_index import rule_rows, rules_by_slash16
from sekisho.attribution.ranges import BIAS, derived, joined, range_of
from sekisho.attribution.slots import MAX_GROUP, empty_slots, insert
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.core.address import SPECIAL_USE, prefix_words, to_words
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.attribution.assignments import Assignments
    from sekisho.attribution.map_e import MapRule
    from sekisho.core.address import IPAddress, IPNetwork

MAX_ROWS = 1 << ROW_BITS - 1
MAX_REALMS = 1 << 23


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An index and what was noticed while building it.

    Attributes:
        overlapping: assignments that another line holds at the same time (same realm, prefix and ports).
        derived_prefixes: ours was not given and is taken from the assignments and rules.
    """

    index: Index
    overlapping: int
    derived_prefixes: bool


def build(
    assignments: Assignments,
    rules: Sequence[MapRule],
    *,
    prefixes: Sequence[IPNetwork],
    endpoints: Sequence[IPAddress],
    several_realms: bool,
) -> Built:
    """Sort and link the assignments; ``warm(KERNELS)`` comes first.

    Raises:
        ValueError: more assignments of one prefix than a slot can count.
    """
    rows = _sorted_rows(assignments)
    groups, largest, overlapping = _link(rows)
    if largest > MAX_GROUP:
        raise ValueError(f"at most {MAX_GROUP} assignments of one prefix, found {largest}")
    slots = empty_slots(groups)
    _enter(rows, slots)
    households = _households(rows, rules)
    household_slots = empty_slots(len(households))
    for household in range(len(households)):
        insert(household_slots, households, household, 1)
    levels_4, levels_6 = _levels(rows)
    rule_cells = rule_rows(rules)
    rules_of, rule_order = rules_by_slash16(rule_cells)
    ours = [range_of(prefix) for prefix in prefixes] or derived(rows) + [
        range_of(side) for rule in rules for side in (rule.ipv4_prefix, rule.ipv6_prefix)
    ]
    index = Index(
        rows=rows,
        slots=slots,
        levels_4=levels_4,
        levels_6=levels_6,
        households=households,
        household_slots=household_slots,
        rules=rule_cells,
        rules_of=rules_of,
        rule_order=rule_order,
        ours=joined(ours),
        special_use=joined(range_of(prefix) for prefix in SPECIAL_USE if several_realms),
        endpoints=np.array([to_words(address) for address in endpoints], np.int64).reshape(-1, 2),
    )
    for array in index:
        array.flags.writeable = False
    return Built(index=index, overlapping=overlapping, derived_prefixes=not prefixes)


def _sorted_rows(assignments: Assignments) -> NDArray[np.int64]:
    """(n, 8) rows by realm, prefix, first port, last port descending, beginning; the reaches are still to come."""
    a = assignments
    ports = a.length.astype(np.int64) << 32 | a.port_first.astype(np.int64) << 16 | (0xFFFF - a.port_last)
    # Unsigned, so that a prefix stands before everything inside it.
    keys = (a.valid_from_ms, ports, a.lo.view(np.uint64), a.hi.view(np.uint64), a.realm)
    order = np.lexsort(keys if a.realm.any() else keys[:-1])
    rows = np.empty((len(a), ROW_CELLS), np.int64)
    rows[:, HI], rows[:, LO] = a.hi[order], a.lo[order]
    rows[:, KIND] = a.realm[order].astype(np.int64) << 8 | a.length[order]
    rows[:, PORTS] = a.port_first[order].astype(np.int64) << 32 | a.port_last[order].astype(np.int64) << 16
    rows[:, VALID_FROM], rows[:, VALID_TO] = a.valid_from_ms[order], a.valid_to_ms[order]
    rows[:, LINE] = a.line[order]
    return rows


@kernel
def _link(rows: Any) -> tuple[int, int, int]:
    """Fill run offsets and reaches; returns the number of groups, the largest one, and the overlapping rows."""
    groups, largest, overlapping, group, run = 0, 0, 0, 0, 0
    port_reach, top, top_line, second = 0, OPEN_FROM_MS, 0, OPEN_FROM_MS
    for row in range(rows.shape[0]):
        new_group = row == 0 or not (
            rows[row, HI] == rows[row - 1, HI]
            and rows[row, LO] == rows[row - 1, LO]
            and rows[row, KIND] == rows[row - 1, KIND] & KIND_MASK
        )
        if new_group:
            groups, group, port_reach = groups + 1, row, 0
        if new_group or rows[row, PORTS] >> 16 != rows[row - 1, PORTS] >> 16:
            run, top, top_line, second = row, OPEN_FROM_MS, 0, OPEN_FROM_MS
        largest = max(largest, row - group + 1)
        start, end, line = rows[row, VALID_FROM], rows[row, VALID_TO], rows[row, LINE]
        # ``top`` is the latest end so far, ``second`` the latest one of any line but that one's.
        overlapping += start < end and start < (second if line == top_line else top)
        if end > top:
            second = second if line == top_line else top
            top, top_line = end, line
        elif line != top_line:
            second = max(second, end)
        port_reach = max(port_reach, rows[row, PORTS] >> 16 & 0xFFFF)
        rows[row, KIND] |= (row - run) << ROW_BITS
        rows[row, PORTS] |= port_reach
        rows[row, REACH] = top
    return groups, largest, overlapping


@kernel
def _enter(rows: Any, slots: Any) -> None:
    """Enter every group into the hash table."""
    first = 0
    for row in range(1, rows.shape[0] + 1):
        if row == rows.shape[0] or not (
            rows[row, HI] == rows[first, HI]
            and rows[row, LO] == rows[first, LO]
            and rows[row, KIND] & KIND_MASK == rows[first, KIND] & KIND_MASK
        ):
            insert(slots, rows, first, row - first)
            first = row


def _levels(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Prefix lengths of IPv4 and of IPv6 that occur, longest first, with their masks."""
    occurs = np.zeros((2, 129), np.bool_)
    _mark_lengths(rows, occurs)
    ipv4, ipv6 = ([_mask(int(length)) for length in np.flatnonzero(family)[::-1]] for family in occurs)
    return np.array(ipv4, np.int64).reshape(-1, 3), np.array(ipv6, np.int64).reshape(-1, 3)


def _mask(length: int) -> tuple[int, int, int]:
    return length, -1 << 64 - min(length, 64) if length else 0, -1 << 128 - length if length > 64 else 0


@kernel
def _mark_lengths(rows: Any, occurs: Any) -> None:
    for row in range(rows.shape[0]):
        length = rows[row, KIND] & 0xFF
        ipv4 = length >= 96 and rows[row, HI] == 0 and rows[row, LO] >> 32 == 0xFFFF
        occurs[0 if ipv4 else 1, length] = True


def _households(rows: NDArray[np.int64], rules: Sequence[MapRule]) -> NDArray[np.int64]:
    """(h, 5) end-user prefixes with an assignment inside, for each rule and realm."""
    realms = int(rows[-1, KIND] >> 8 & 0xFFFFFF) + 1 if len(rows) else 0
    found = [
        _households_of(rows, realm, *prefix_words(ipv6_prefix), length)
        for ipv6_prefix, length in dict.fromkeys((rule.ipv6_prefix, rule.end_user_length) for rule in rules)
        for realm in range(realms)
    ]
    households = np.concatenate([np.zeros((0, HOUSEHOLD_COUNT + 1), np.int64), *found])
    # Rules whose IPv6 prefixes are nested find the same household twice.
    return np.unique(households, axis=0)


@kernel
def _before(rows: Any, row: int, realm: int, hi: int, lo: int) -> bool:
    """Whether a row stands before an address of a realm in the order of the table."""
    row_realm = rows[row, KIND] >> 8 & 0xFFFFFF
    if row_realm != realm:
        return bool(row_realm < realm)
    row_hi, row_lo = rows[row, HI] ^ BIAS, rows[row, LO] ^ BIAS
    return bool(row_hi < hi ^ BIAS or (row_hi == hi ^ BIAS and row_lo < lo ^ BIAS))


@kernel
def _inside(hi: int, lo: int, base_hi: int, base_lo: int, length: int) -> bool:
    if length <= 64:
        return length == 0 or (hi ^ base_hi) >> (64 - length) == 0
    return hi == base_hi and (lo ^ base_lo) >> (128 - length) == 0


@kernel
def _households_of(rows: Any, realm: int, hi: int, lo: int, rule_length: int, length: int) -> Any:
    """Households of one rule: rows at least ``length`` long inside the rule's prefix, by their first bits."""
    # size: a binary search, then one pass that counts and one that fills.
    low, high = 0, rows.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if _before(rows, middle, realm, hi, lo):
            low = middle + 1
        else:
            high = middle
    end = low
    while (
        end < rows.shape[0]
        and rows[end, KIND] >> 8 & 0xFFFFFF == realm
        and _inside(rows[end, HI], rows[end, LO], hi, lo, rule_length)
    ):
        end += 1
    found = np.zeros((end - low, HOUSEHOLD_COUNT + 1), np.int64)
    count = 0
    mask_hi = -1 << (64 - min(length, 64)) if length else 0
    mask_lo = -1 << (128 - max(length, 64)) if length > 64 else 0
    for row in range(low, end):
        if rows[row, KIND] & 0xFF < length:
            continue
        base_hi, base_lo = rows[row, HI] & mask_hi, rows[row, LO] & mask_lo
        if count == 0 or found[count - 1, HI] != base_hi or found[count - 1, LO] != base_lo:
            found[count, HI], found[count, LO], found[count, KIND] = base_hi, base_lo, realm << 8 | length
            found[count, HOUSEHOLD_FIRST] = row
            count += 1
        found[count - 1, HOUSEHOLD_COUNT] += 1
    return found[:count].copy()


_ROWS, _WORDS, _WORD = types.int64[:, ::1], types.int64[::1], types.int64

KERNELS = (
    (_link, (_ROWS,)),
    (_enter, (_ROWS, _WORDS)),
    (_mark_lengths, (_ROWS, types.boolean[:, ::1])),
    (_households_of, (_ROWS, _WORD, _WORD, _WORD, _WORD, _WORD)),
)
