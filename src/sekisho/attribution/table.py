"""The lookup index, built from assignments and MAP-E rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.assignments import FIRST_IPV4_LENGTH, LAST_PORT
from sekisho.attribution.households import enter_households, most_households
from sekisho.attribution.layout import (
    BEING_BUILT,
    BUCKET_SHIFT,
    DIRECTORIES,
    DIRECTORY_COUNTS,
    DIRECTORY_FIRST,
    DIRECTORY_WORDS,
    ENDPOINTS,
    GROWING,
    HI,
    HOUSEHOLD_SLOTS,
    HOUSEHOLD_WORDS,
    HOUSEHOLDS,
    INFERRED,
    KIND,
    KIND_MASK,
    LATER_HOUSEHOLD_ROWS,
    LATER_ROWS,
    LEVELS_4,
    LEVELS_6,
    LINE,
    LO,
    OURS,
    PORT_MASK,
    PORTS,
    REACH,
    REALM_SHIFT,
    ROW_WORDS,
    ROWS,
    RULE_LISTS,
    RULES,
    RUN_SHIFT,
    SLOTS,
    SPECIAL_USE,
    TOLD,
    VALID_FROM,
    VALID_TO,
    WHOLE,
    allocate,
    section,
)
from sekisho.attribution.map_e_index import rule_lists, rule_words
from sekisho.attribution.ranges import derived, joined, range_of
from sekisho.attribution.slots import EMPTY, MAX_GROUP, insert, slots_for
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.core.address import SPECIAL_USE as SPECIAL_USE_PREFIXES
from sekisho.core.address import to_words
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.attribution.assignments import Assignments
    from sekisho.attribution.map_e import MapRule
    from sekisho.attribution.ranges import Range
    from sekisho.core.address import IPAddress, IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An index and what was noticed while building it.

    Attributes:
        memory: the index, read-only.
        writable: the same, for ``updates.py``.
        limits: (LIMITS,) int64, what room there is for changes.
        overlapping: assignments that another line holds at the same time (same realm, prefix and ports).
        derived_prefixes: ours was not given and is taken from the assignments and rules.
    """

    memory: NDArray[np.int64]
    writable: NDArray[np.int64]
    limits: NDArray[np.int64]
    overlapping: int
    derived_prefixes: bool


def build(
    assignments: Assignments,
    rules: Sequence[MapRule],
    *,
    prefixes: Sequence[IPNetwork],
    endpoints: Sequence[IPAddress],
    realms: int,
    room: int = 0,
) -> Built:
    """Sort and link the assignments; ``warm(KERNELS)`` comes first.

    ``room`` is how many rows changes may write before the index has to be built anew; what is not used costs no memory.

    Raises:
        ValueError: more realms, or more assignments of one prefix, than the index can count.
    """
    order = _order(assignments)
    ours = [range_of(prefix) for prefix in prefixes] or _derived(assignments, order, rules)
    levels_4, levels_6 = _levels(assignments)
    parts = {
        OURS: joined(ours),
        SPECIAL_USE: joined(range_of(prefix) for prefix in SPECIAL_USE_PREFIXES if realms > 1),
        ENDPOINTS: np.array([word for address in endpoints for word in to_words(address)], np.int64),
        LEVELS_4: levels_4,
        LEVELS_6: levels_6,
        RULES: rule_words(rules),
        RULE_LISTS: rule_lists(rule_words(rules)),
    }
    a = assignments
    households, shared = most_households(a.hi, rules), _shared_prefixes(a, order)
    groups = int(_groups(order, a.realm, a.hi, a.lo, a.length))
    more_households = room if rules else 0
    sizes = {
        HOUSEHOLDS: (households + more_households) * HOUSEHOLD_WORDS,
        HOUSEHOLD_SLOTS: slots_for(households + more_households),
        DIRECTORIES: (shared + room // 8) * DIRECTORY_WORDS,
        ROWS: len(assignments) * ROW_WORDS,
        SLOTS: slots_for(groups + room),
        LATER_ROWS: room * ROW_WORDS,
        LATER_HOUSEHOLD_ROWS: more_households * ROW_WORDS,
    }
    memory = allocate({which: len(part) for which, part in parts.items()} | sizes)
    for which, part in parts.items():
        section(memory, which)[:] = part
    _fill_rows(
        memory,
        order,
        a.hi,
        a.lo,
        a.length,
        a.port_first,
        a.port_last,
        a.valid_from_ms,
        a.valid_to_ms,
        a.realm,
        a.line,
        a.inferred,
        a.told,
    )
    # The slots are written next, and everything at once is more than the lookup ever needs.
    del order
    overlapping = _enter_rows(memory)
    limits = np.array([room, more_households, *(memory[which + 1] for which in GROWING)], np.int64)
    enter_households(memory, rules, realms)
    memory[[which + 1 for which in (LATER_ROWS, LATER_HOUSEHOLD_ROWS)]] = memory[[LATER_ROWS, LATER_HOUSEHOLD_ROWS]]
    memory[DIRECTORIES + 1] = memory[DIRECTORIES] + shared * DIRECTORY_WORDS
    read_only = memory.view()
    read_only.flags.writeable = False
    return Built(
        memory=read_only, writable=memory, limits=limits, overlapping=overlapping, derived_prefixes=not prefixes
    )


def _order(assignments: Assignments) -> NDArray[np.int64]:
    """Order by realm, prefix, first port, last port descending, beginning."""
    a = assignments
    ports = a.length.astype(np.int64) << 32 | a.port_first.astype(np.int64) << 16 | (LAST_PORT - a.port_last)
    order = np.arange(len(a))
    if _put_in_order(order, a.realm, a.hi, a.lo, ports, a.valid_from_ms):
        return order
    # Unsigned, so that a prefix stands before everything inside it.
    keys = (a.valid_from_ms, ports, a.lo.view(np.uint64), a.hi.view(np.uint64), a.realm)
    return np.lexsort(keys if a.realm.any() else keys[:-1])


@kernel
def _is_after(realm: Any, hi: Any, lo: Any, ports: Any, from_ms: Any, one: int, other: int) -> bool:
    if realm[one] != realm[other]:
        return bool(realm[one] > realm[other])
    if hi[one] != hi[other]:
        return bool(np.uint64(hi[one]) > np.uint64(hi[other]))
    if lo[one] != lo[other]:
        return bool(np.uint64(lo[one]) > np.uint64(lo[other]))
    if ports[one] != ports[other]:
        return bool(ports[one] > ports[other])
    return bool(from_ms[one] > from_ms[other])


@kernel
def _put_in_order(order: Any, realm: Any, hi: Any, lo: Any, ports: Any, from_ms: Any) -> bool:
    """Sort by insertion what comes sorted but for neighbours, as a history does; False where it turns out not to."""
    moves = order.size
    for place in range(1, order.size):
        row, at = order[place], place
        while at > 0 and _is_after(realm, hi, lo, ports, from_ms, order[at - 1], row):
            order[at] = order[at - 1]
            at, moves = at - 1, moves - 1
            if moves < 0:
                return False
        order[at] = row
    return True


@kernel
def _groups(order: Any, realm: Any, hi: Any, lo: Any, length: Any) -> int:
    """How many prefixes there are."""
    groups = 1 if order.size else 0
    for place in range(1, order.size):
        one, other = order[place - 1], order[place]
        same = hi[one] == hi[other] and lo[one] == lo[other]
        groups += not (same and length[one] == length[other] and realm[one] == realm[other])
    return groups


def _shared_prefixes(assignments: Assignments, order: NDArray[np.int64]) -> int:
    """Upper bound of the prefixes that are shared: changes of prefix among the assignments with ports."""
    a = assignments
    shared = order[((a.port_first != 0) | (a.port_last != LAST_PORT))[order]]
    columns = (a.realm, a.hi, a.lo, a.length)
    changes = [column[shared[1:]] != column[shared[:-1]] for column in columns]
    return int(np.logical_or.reduce(changes).sum()) + bool(len(shared))


def _derived(assignments: Assignments, order: NDArray[np.int64], rules: Sequence[MapRule]) -> list[Range]:
    of_rules = [range_of(side) for rule in rules for side in (rule.ipv4_prefix, rule.ipv6_prefix)]
    return derived(assignments.hi, assignments.lo, assignments.length, order) + of_rules


def _levels(assignments: Assignments) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Prefix lengths of IPv4 and of IPv6 that occur, longest first, with their masks."""
    a = assignments
    ipv4 = (a.hi == 0) & (a.lo >> 32 == 0xFFFF) & (a.length >= FIRST_IPV4_LENGTH)
    lengths = (np.flatnonzero(np.bincount(a.length[family], minlength=1))[::-1] for family in (ipv4, ~ipv4))
    words = ([word for length in family.tolist() for word in _level(length)] for family in lengths)
    level_4, level_6 = (np.array(family, np.int64) for family in words)
    return level_4, level_6


def _level(length: int) -> tuple[int, int, int]:
    return length, -1 << 64 - min(length, 64) if length else 0, -1 << 128 - length if length > 64 else 0


def _enter_rows(memory: NDArray[np.int64]) -> int:
    """Link the rows and enter their groups; returns the number of overlapping rows."""
    for table in (SLOTS, HOUSEHOLD_SLOTS):
        section(memory, table)[:] = EMPTY
    largest, overlapping = _link(memory)
    if largest > MAX_GROUP:
        raise ValueError(f"at most {MAX_GROUP} assignments of one prefix, found {largest}")
    _enter_groups(memory)
    return int(overlapping)


@kernel
def _fill_rows(
    memory: Any,
    order: Any,
    hi: Any,
    lo: Any,
    length: Any,
    port_first: Any,
    port_last: Any,
    valid_from_ms: Any,
    valid_to_ms: Any,
    realm: Any,
    line: Any,
    inferred: Any,
    told: Any,
) -> None:
    """Rows in order; run offsets and reaches are still to come. NumPy would need a copy of every column for this."""
    row = memory[ROWS]
    for i in order:
        memory[row + HI], memory[row + LO] = hi[i], lo[i]
        memory[row + KIND] = np.int64(realm[i]) << REALM_SHIFT | np.int64(length[i])
        if inferred[i]:
            memory[row + KIND] |= INFERRED
        if told[i]:
            memory[row + KIND] |= TOLD
        memory[row + PORTS] = np.int64(port_first[i]) << 32 | np.int64(port_last[i]) << 16
        memory[row + VALID_FROM], memory[row + VALID_TO] = valid_from_ms[i], valid_to_ms[i]
        memory[row + LINE] = line[i]
        row += ROW_WORDS


@kernel
def _same_group(memory: Any, one: int, other: int) -> bool:
    return bool(
        memory[one + HI] == memory[other + HI]
        and memory[one + LO] == memory[other + LO]
        and memory[one + KIND] & KIND_MASK == memory[other + KIND] & KIND_MASK
    )


@kernel
def _link(memory: Any) -> tuple[int, int]:
    """Fill run offsets and reaches; returns the size of the largest group and the number of overlapping rows."""
    largest, overlapping, group, run = 0, 0, memory[ROWS], memory[ROWS]
    port_reach, top, top_line, second = 0, OPEN_FROM_MS, 0, OPEN_FROM_MS
    for row in range(memory[ROWS], memory[ROWS + 1], ROW_WORDS):
        if not _same_group(memory, group, row):
            group, port_reach = row, 0
        if run < group or memory[row + PORTS] >> 16 != memory[run + PORTS] >> 16:
            run, top, top_line, second = row, OPEN_FROM_MS, 0, OPEN_FROM_MS
        start, end, line = memory[row + VALID_FROM], memory[row + VALID_TO], memory[row + LINE]
        # ``top`` is the latest end so far, ``second`` the latest one of any line but that one's.
        overlapping += start < end and start < (second if line == top_line else top)
        if end > top:
            top, top_line, second = end, line, second if line == top_line else top
        elif line != top_line:
            second = max(second, end)
        largest = max(largest, (row - group) // ROW_WORDS + 1)
        port_reach = max(port_reach, memory[row + PORTS] >> 16 & PORT_MASK)
        memory[row + KIND] |= (row - run) // ROW_WORDS << RUN_SHIFT
        memory[row + PORTS] |= port_reach
        memory[row + REACH] = top
    return largest, overlapping


@kernel
def _enter_groups(memory: Any) -> None:
    """Enter every group into the hash table; a shared one gets its directory, and that is entered."""
    group, end, directory = memory[ROWS], memory[ROWS + 1], memory[DIRECTORIES]
    for row in range(group + ROW_WORDS, end + ROW_WORDS, ROW_WORDS):
        if row < end and _same_group(memory, group, row):
            continue
        if memory[row - ROW_WORDS + PORTS] >> 16 == WHOLE:
            insert(memory, SLOTS, group, (row - group) // ROW_WORDS)
        else:
            _fill_directory(memory, directory, group, row)
            insert(memory, SLOTS, directory, 0)
            directory += DIRECTORY_WORDS
        group = row


@kernel
def _fill_directory(memory: Any, directory: int, first: int, end: int) -> None:
    memory[directory + HI], memory[directory + LO] = memory[first + HI], memory[first + LO]
    memory[directory + KIND] = memory[first + KIND] & KIND_MASK
    memory[directory + DIRECTORY_FIRST] = first
    for row in range(first, end, ROW_WORDS):
        bucket = (memory[row + PORTS] >> 32) >> BUCKET_SHIFT
        memory[directory + DIRECTORY_COUNTS + bucket + 1] += 1
    for count in range(directory + DIRECTORY_COUNTS + 1, directory + DIRECTORY_COUNTS + 65):
        memory[count] += memory[count - 1]


_WORDS = types.int64[::1]
_PORT_WORDS = types.uint16[::1]
_COLUMNS = (
    _WORDS,
    _WORDS,
    types.uint8[::1],
    _PORT_WORDS,
    _PORT_WORDS,
    _WORDS,
    _WORDS,
    types.int32[::1],
    _WORDS,
    types.boolean[::1],
    types.boolean[::1],
)

KERNELS = (
    (_put_in_order, (_WORDS, types.int32[::1], _WORDS, _WORDS, _WORDS, _WORDS)),
    (_groups, (_WORDS, types.int32[::1], _WORDS, _WORDS, types.uint8[::1])),
    (_fill_rows, (BEING_BUILT, _WORDS, *_COLUMNS)),
    (_link, (BEING_BUILT,)),
    (_enter_groups, (BEING_BUILT,)),
)
