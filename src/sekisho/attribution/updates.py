"""Changes of an index in use: what a source told since replaces the rows of one prefix and one range of ports.

Between two lookups, by the thread that looks up: nothing here waits for a reader. A run that fits where it was is
written over; another one gets the next place behind the sections. The rows that it leaves hold nothing any more, so
that whoever goes through all rows finds each hold once. Where no place is left the index has to be built anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.households import household_base
from sekisho.attribution.layout import (
    BEING_BUILT,
    BUCKET_SHIFT,
    DIRECTORIES,
    DIRECTORIES_LIMIT,
    DIRECTORY_COUNTS,
    DIRECTORY_FIRST,
    DIRECTORY_WORDS,
    HI,
    HOUSEHOLD_COUNT,
    HOUSEHOLD_FIRST,
    HOUSEHOLD_ROWS_LIMIT,
    HOUSEHOLD_SLOTS,
    HOUSEHOLD_SLOTS_LEFT,
    HOUSEHOLD_WORDS,
    HOUSEHOLDS,
    HOUSEHOLDS_LIMIT,
    INFERRED,
    KIND,
    KIND_MASK,
    LATER_HOUSEHOLD_ROWS,
    LATER_ROWS,
    LENGTH,
    LENGTH_MASK,
    LEVEL_WORDS,
    LEVELS_4,
    LEVELS_6,
    LINE,
    LO,
    OURS,
    PORTS,
    REACH,
    REALM_SHIFT,
    ROW_WORDS,
    ROWS_LIMIT,
    RUN_MASK,
    RUN_SHIFT,
    SLOTS,
    SLOTS_LEFT,
    TOLD,
    VALID_FROM,
    VALID_TO,
    WHOLE,
    section,
)
from sekisho.attribution.ranges import within
from sekisho.attribution.slots import MAX_GROUP, PLACE_BITS, PLACE_MASK, enter, find
from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.address import prefix_words
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sekisho.core.address import IPNetwork

RUN_CELLS = 6
"""Cells of a changed run: upper word, lower word, kind, ports (first << 16 | last), its first new row, how many."""

FROM, TO, NEW_LINE, FLAGS, ROW_CELLS = range(5)
"""Cells of a new row; FLAGS is ``INFERRED`` or 0, with ``TOLD`` where a source told it."""

_LEAST_PLACES = 2
"""Rows that a moved run has room for at least: what changed once changes again."""


@kernel
def _places(count: int) -> int:
    """Rows that a run of so many rows has room for behind the sections: a power of two."""
    places = _LEAST_PLACES
    while places < count:
        places <<= 1
    return places


@kernel
def _take(memory: Any, limits: Any, section: int, limit: int, words: int) -> int:
    """The next place of a section; 0 where there is none."""
    place = memory[section + 1]
    if place + words > limits[limit]:
        return 0
    memory[section + 1] += words
    return int(place)


@kernel
def _kept(memory: Any, first: int, count: int, new: Any, new_first: int, new_count: int) -> Any:
    """The rows of the operator's lists in a run, and new ones, by their beginning."""
    rows = np.empty((count + new_count, ROW_CELLS), np.int64)
    used = 0
    for row in range(first, first + count * ROW_WORDS, ROW_WORDS):
        if memory[row + KIND] & TOLD == 0 and memory[row + VALID_FROM] < memory[row + VALID_TO]:
            rows[used, FROM], rows[used, TO] = memory[row + VALID_FROM], memory[row + VALID_TO]
            rows[used, NEW_LINE], rows[used, FLAGS] = memory[row + LINE], 0
            used += 1
    for number in range(new_first, new_first + new_count):
        at = used
        while at > 0 and rows[at - 1, FROM] > new[number, FROM]:
            rows[at] = rows[at - 1]
            at -= 1
        rows[at] = new[number]
        used += 1
    return rows[:used]


@kernel
def _all(memory: Any, first: int, count: int) -> Any:
    """The rows of a run as they are."""
    rows = np.empty((count, ROW_CELLS), np.int64)
    for number in range(count):
        row = first + number * ROW_WORDS
        rows[number, FROM], rows[number, TO] = memory[row + VALID_FROM], memory[row + VALID_TO]
        rows[number, NEW_LINE], rows[number, FLAGS] = memory[row + LINE], memory[row + KIND] & (INFERRED | TOLD)
    return rows


@kernel
def _write(memory: Any, place: int, hi: int, lo: int, kind: int, ports: int, port_reach: int, rows: Any) -> None:
    """Write a run, and one row that holds nothing where it has none: a group without rows could not be told apart."""
    top = OPEN_FROM_MS
    for number in range(max(len(rows), 1)):
        row = place + number * ROW_WORDS
        memory[row + HI], memory[row + LO] = hi, lo
        memory[row + KIND], memory[row + PORTS] = number << RUN_SHIFT | kind, ports << 16 | port_reach
        memory[row + VALID_FROM], memory[row + VALID_TO], memory[row + LINE] = 0, 0, 0
        if number < len(rows):
            memory[row + KIND] |= rows[number, FLAGS]
            memory[row + VALID_FROM], memory[row + VALID_TO] = rows[number, FROM], rows[number, TO]
            memory[row + LINE] = rows[number, NEW_LINE]
            top = max(top, rows[number, TO])
        memory[row + REACH] = top


@kernel
def _leave(memory: Any, first: int, count: int) -> None:
    """What was there holds nothing any more; addresses and ports stay, for searches go by them."""
    for row in range(first, first + count * ROW_WORDS, ROW_WORDS):
        memory[row + VALID_FROM], memory[row + VALID_TO], memory[row + LINE] = 0, 0, 0


@kernel
def _revoke(memory: Any, first: int, count: int, new: Any, run: Any, revoked: Any) -> None:
    """Note whose hold is shorter now than it was, the latest one."""
    for row in range(first, first + count * ROW_WORDS, ROW_WORDS):
        if memory[row + KIND] & TOLD == 0 or memory[row + VALID_FROM] >= memory[row + VALID_TO]:
            continue
        line, until = memory[row + LINE], memory[row + VALID_FROM]
        for number in range(run[4], run[4] + run[5]):
            if new[number, NEW_LINE] == line and new[number, FROM] <= until:
                until = max(until, new[number, TO])
        if until < memory[row + VALID_TO]:
            revoked[0], revoked[1] = line, until


@kernel
def _put(memory: Any, limits: Any, run: Any, old: int, count: int, has_places: bool, rows: Any) -> int:
    """Write a changed run where it was, if it has places there, else behind the sections; 0 where there is no room."""
    n = max(len(rows), 1)
    place = old
    if not has_places or n > _places(count):
        place = _take(memory, limits, LATER_ROWS, ROWS_LIMIT, _places(n) * ROW_WORDS)
        if place == 0:
            return 0
        _leave(memory, old, count)
    elif count > n:
        _leave(memory, old + n * ROW_WORDS, count - n)
    _write(memory, place, run[0], run[1], run[2], run[3], run[3] & 0xFFFF, rows)
    return place


@kernel
def _find_run(memory: Any, directory: int, ports: int) -> int:
    """The last row of the run of exactly these ports in a directory's group; 0 where there is none."""
    first = memory[directory + DIRECTORY_FIRST]
    bucket = (ports >> 16) >> BUCKET_SHIFT
    begin = first + memory[directory + DIRECTORY_COUNTS + bucket] * ROW_WORDS
    row = first + memory[directory + DIRECTORY_COUNTS + bucket + 1] * ROW_WORDS - ROW_WORDS
    while row >= begin:
        if memory[row + PORTS] >> 16 == ports:
            return int(row)
        row -= ((memory[row + KIND] >> RUN_SHIFT & RUN_MASK) + 1) * ROW_WORDS
    return 0


@kernel
def _place_of_run(memory: Any, end: int) -> tuple[int, int]:
    """Where the rows of the run that ends at a row of a group are now, and how many."""
    moved = memory[end + REACH] - OPEN_TO_MS
    if moved > 0:
        return moved & PLACE_MASK, moved >> PLACE_BITS
    count = (memory[end + KIND] >> RUN_SHIFT & RUN_MASK) + 1
    return end - (count - 1) * ROW_WORDS, count


@kernel
def _run_ends(memory: Any, first: int, count: int) -> Any:
    """The last row of every run of a group, in order."""
    ends = np.empty(count, np.int64)
    used, row = 0, first + (count - 1) * ROW_WORDS
    while row >= first:
        ends[used] = row
        used += 1
        row -= ((memory[row + KIND] >> RUN_SHIFT & RUN_MASK) + 1) * ROW_WORDS
    return ends[:used][::-1]


@kernel
def _add_run(memory: Any, limits: Any, run: Any, place: int, group_count: int, rows: Any) -> bool:
    """A group written anew with a further run; it is shared afterwards. False where there is no room."""
    shared = group_count == 0
    first = memory[place + DIRECTORY_FIRST] if shared else place
    count = memory[place + DIRECTORY_COUNTS + 64] if shared else group_count
    if place == 0:
        first, count, shared = 0, 0, False
    ends = _run_ends(memory, first, count)
    total = max(len(rows), 1)
    for end in ends:
        total += _place_of_run(memory, end)[1]
    directory = place if shared else _take(memory, limits, DIRECTORIES, DIRECTORIES_LIMIT, DIRECTORY_WORDS)
    target = _take(memory, limits, LATER_ROWS, ROWS_LIMIT, total * ROW_WORDS)
    if directory == 0 or target == 0 or total > MAX_GROUP:
        return False
    memory[directory + HI], memory[directory + LO], memory[directory + KIND] = run[0], run[1], run[2]
    memory[directory + DIRECTORY_COUNTS : directory + DIRECTORY_COUNTS + 65] = 0
    at, port_reach, pending = target, 0, True
    order = (run[3] >> 16) << 16 | 0xFFFF - (run[3] & 0xFFFF)
    for number in range(len(ends) + 1):
        last = number == len(ends)
        ports = 0 if last else memory[ends[number] + PORTS] >> 16
        if pending and (last or (ports >> 16) << 16 | 0xFFFF - (ports & 0xFFFF) > order):
            port_reach = max(port_reach, run[3] & 0xFFFF)
            at = _append(memory, directory, at, run, run[3], port_reach, rows)
            pending = False
        if not last:
            run_first, run_count = _place_of_run(memory, ends[number])
            port_reach = max(port_reach, ports & 0xFFFF)
            at = _append(memory, directory, at, run, ports, port_reach, _all(memory, run_first, run_count))
            _leave(memory, run_first, run_count)
    memory[directory + DIRECTORY_FIRST] = target
    for bucket in range(directory + DIRECTORY_COUNTS + 1, directory + DIRECTORY_COUNTS + 65):
        memory[bucket] += memory[bucket - 1]
    enter(memory, SLOTS, directory, 0)
    return True


@kernel
def _append(memory: Any, directory: int, at: int, run: Any, ports: int, port_reach: int, rows: Any) -> int:
    """Write one run of a group, and count it in the directory; the place behind it."""
    n = max(len(rows), 1)
    _write(memory, at, run[0], run[1], run[2], ports, port_reach, rows)
    memory[directory + DIRECTORY_COUNTS + ((ports >> 16) >> BUCKET_SHIFT) + 1] += n
    return at + n * ROW_WORDS


@kernel
def _change_run(memory: Any, limits: Any, run: Any, new: Any, revoked: Any) -> bool:
    """Replace what sources told of one run; False where there is no room, and nothing is changed."""
    place, count = find(memory, SLOTS, run[0], run[1], run[2])
    if place == 0:
        if run[5] == 0:
            return True
        if limits[SLOTS_LEFT] == 0:
            return False
        limits[SLOTS_LEFT] -= 1
    if run[3] == WHOLE and (place == 0 or count > 0):
        _revoke(memory, place, count, new, run, revoked)
        rows = _kept(memory, place, count, new, run[4], run[5])
        now = _put(memory, limits, run, place, count, place >= memory[LATER_ROWS], rows)
        if now:
            enter(memory, SLOTS, now, max(len(rows), 1))
        return bool(now > 0)
    end = _find_run(memory, place, run[3]) if place and count == 0 else 0
    if end == 0:
        if run[5] == 0:
            return True
        return bool(_add_run(memory, limits, run, place, count, _kept(memory, 0, 0, new, run[4], run[5])))
    run_first, run_count = _place_of_run(memory, end)
    rows = _kept(memory, run_first, run_count, new, run[4], run[5])
    _revoke(memory, run_first, run_count, new, run, revoked)
    has_places = memory[end + REACH] > OPEN_TO_MS
    now = _put(memory, limits, run, run_first, run_count, has_places, rows)
    if now:
        memory[end + REACH] = OPEN_TO_MS + (max(len(rows), 1) << PLACE_BITS | now)
    return bool(now > 0)


@kernel
def _change_household(memory: Any, limits: Any, run: Any, length: int) -> bool:
    """The household of a run that has changed, written anew behind the sections; False where there is no room."""
    hi, lo = household_base(run[0], run[1], length)
    kind = run[2] >> REALM_SHIFT << REALM_SHIFT | length
    household, _ = find(memory, HOUSEHOLD_SLOTS, hi, lo, kind)
    place, count = find(memory, SLOTS, run[0], run[1], run[2])
    if place == 0:
        return True
    old = memory[household + HOUSEHOLD_FIRST] if household else 0
    old_count = memory[household + HOUSEHOLD_COUNT] if household else 0
    others = 0
    for row in range(old, old + old_count * ROW_WORDS, ROW_WORDS):
        others += not _is_of(memory, row, run)
    target = old
    if old < memory[LATER_HOUSEHOLD_ROWS] or others + count > _places(old_count):
        words = _places(others + count) * ROW_WORDS
        target = _take(memory, limits, LATER_HOUSEHOLD_ROWS, HOUSEHOLD_ROWS_LIMIT, words)
        if target == 0:
            return False
    if household == 0:
        household = _take(memory, limits, HOUSEHOLDS, HOUSEHOLDS_LIMIT, HOUSEHOLD_WORDS)
        if household == 0 or limits[HOUSEHOLD_SLOTS_LEFT] == 0:
            return False
        limits[HOUSEHOLD_SLOTS_LEFT] -= 1
        memory[household + HI], memory[household + LO], memory[household + KIND] = hi, lo, kind
        enter(memory, HOUSEHOLD_SLOTS, household, 1)
    at = target
    for row in range(old, old + old_count * ROW_WORDS, ROW_WORDS):
        if not _is_of(memory, row, run):
            memory[at : at + ROW_WORDS] = memory[row : row + ROW_WORDS]
            at += ROW_WORDS
    memory[at : at + count * ROW_WORDS] = memory[place : place + count * ROW_WORDS]
    memory[household + HOUSEHOLD_FIRST], memory[household + HOUSEHOLD_COUNT] = target, others + count
    return True


@kernel
def _is_of(memory: Any, row: int, run: Any) -> bool:
    """Whether a row is of the group of a run."""
    return bool(memory[row + HI] == run[0] and memory[row + LO] == run[1] and memory[row + KIND] & KIND_MASK == run[2])


@kernel
def change(memory: Any, limits: Any, runs: Any, rows: Any, households: Any, revoked: Any) -> int:
    """Replace what sources told of runs.

    Args:
        memory: the index.
        limits: its room.
        runs: (n, RUN_CELLS) int64.
        rows: (m, ROW_CELLS) int64, those of a run one after the other, by their beginning.
        households: (k, 4) int64: upper and lower word and length of a MAP-E rule's IPv6 prefix, and the length of its
            end-user prefixes.
        revoked: (n, 2) int64, filled: a line that had held what the run says and did not, and from when; line 0 where
            nobody's hold became shorter.

    Returns:
        How many runs were changed; fewer than n where there is no room for the next.
    """
    for number in range(len(runs)):
        run = runs[number]
        if not _change_run(memory, limits, run, rows, revoked[number]):
            return number
        for rule in households:
            hi, lo = household_base(run[0], run[1], rule[2])
            is_inside = run[2] & LENGTH_MASK >= rule[3] and hi == rule[0] and lo == rule[1]
            if is_inside and not _change_household(memory, limits, run, rule[3]):
                return number
    return len(runs)


_TABLE = types.int64[:, ::1]

KERNELS = ((change, (BEING_BUILT, types.int64[::1], _TABLE, _TABLE, _TABLE, _TABLE)),)


class Updates:
    """Changes of one index.

    Args:
        writable: the index.
        limits: its room.
        households: IPv6 prefix and length of end-user prefixes of each MAP-E rule.
    """

    def __init__(
        self,
        writable: NDArray[np.int64],
        limits: NDArray[np.int64],
        households: Iterable[tuple[IPNetwork, int]],
    ) -> None:
        self._writable, self._limits = writable, limits
        self._memory = writable.view()
        self._memory.flags.writeable = False
        rules = [(*prefix_words(prefix), length) for prefix, length in dict.fromkeys(households)]
        self._households = np.array(rules, np.int64).reshape(-1, 4)
        levels = (section(writable, which).reshape(-1, LEVEL_WORDS)[:, LENGTH] for which in (LEVELS_4, LEVELS_6))
        ipv4, ipv6 = (frozenset(found.tolist()) for found in levels)
        self._lengths = {4: ipv4, 6: ipv6}

    def fit(self, prefix: IPNetwork, *, derived_prefixes: bool) -> bool:
        """Whether a prefix can be held in this index: its length is looked for, and its addresses count as ours."""
        hi, lo, length = prefix_words(prefix)
        known = length in self._lengths[prefix.version]
        return known and (not derived_prefixes or bool(within(self._memory, OURS, hi, lo)))

    def apply(self, runs: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
        """Replace what sources told of runs; how many, and whose hold became shorter (see ``change``)."""
        revoked = np.zeros((len(runs), 2), np.int64)
        done = int(change(self._writable, self._limits, runs, rows, self._households, revoked))
        return done, revoked[:done]
