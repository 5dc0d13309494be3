"""Who holds an address and a port at one instant, and until when that answer stays the same.

An answer is a row of the index (with ``BY_MAP_E`` where arithmetic led to it), ``NOBODY``, or a negative
``UnattributedReason``. The most specific prefix with an assignment at that instant decides; within it the narrowest
port range. A prefix that is ever shared by ports is decided by its port sets alone: without a port, or with one that
belongs to nobody, no shorter prefix is asked, for its holder is the translator and not a line.
"""

# ruff: noqa: PLR0917 - kernels take their arguments by position

from __future__ import annotations

from typing import Any

from sekisho.attribution.layout import (
    BY_MAP_E,
    HOUSEHOLD_COUNT,
    HOUSEHOLD_FIRST,
    KIND,
    LENGTH,
    LINE,
    MASK_HI,
    MASK_LO,
    NOBODY,
    PORTS,
    REACH,
    ROW_BITS,
    ROW_MASK,
    VALID_FROM,
    VALID_TO,
    WHOLE,
)
from sekisho.attribution.map_e_index import FOUND, end_user_prefix_at
from sekisho.attribution.ranges import within
from sekisho.attribution.slots import find
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.kernels import kernel
from sekisho.core.reasons import UnattributedReason

OVERLAP = -int(UnattributedReason.OVERLAP)
NEEDS_PORT = -int(UnattributedReason.NEEDS_PORT)
PORT_OUTSIDE_SET = -int(UnattributedReason.PORT_OUTSIDE_SET)

_LONGEST = 128
_IPV4_MAPPED = 0xFFFF
_PORT_MASK = 0xFFFF


@kernel
def same_holder(rows: Any, one: int, other: int) -> bool:
    """Whether two answers mean the same line, or the same lack of one."""
    if one < 0 or other < 0:
        return one == other
    return bool(rows[one & ROW_MASK, LINE] == rows[other & ROW_MASK, LINE])


@kernel
def _holder_in_run(rows: Any, first: int, last: int, at_ms: int) -> tuple[int, int]:
    """Rows ``first`` to ``last`` have one prefix and one port range and ascend by their beginning."""
    low, high = first, last + 1
    while low < high:
        middle = (low + high) >> 1
        if rows[middle, VALID_FROM] > at_ms:
            high = middle
        else:
            low = middle + 1
    until = rows[low, VALID_FROM] if low <= last else OPEN_TO_MS
    holder = NOBODY
    row = low - 1
    while row >= first and rows[row, REACH] > at_ms:
        if rows[row, VALID_TO] > at_ms:
            if holder != NOBODY and rows[row, LINE] != rows[holder, LINE]:
                return OVERLAP, until
            until = min(until, rows[row, VALID_TO])
            holder = row if holder == NOBODY else holder
        row -= 1
    return holder, until


@kernel
def _last_run(rows: Any, first: int, last: int, port: int) -> int:
    """Last row of a group whose ports begin at or below a port; ``first - 1`` if there is none."""
    if rows[last, KIND] >> ROW_BITS == last - first:
        return last if rows[last, PORTS] >> 32 <= port else first - 1
    low, high = first, last + 1
    while low < high:
        middle = (low + high) >> 1
        if rows[middle, PORTS] >> 32 > port:
            high = middle
        else:
            low = middle + 1
    return low - 1


@kernel
def _holder_in_group(rows: Any, first: int, last: int, port: int, at_ms: int) -> tuple[int, int]:
    """Of the ranges that hold the port the narrowest decides; two that only cross are an overlap.

    Runs ascend by first port and, from one first port, descend by last port: going back, ranges get wider or cross.
    """
    holder, holder_last, until = NOBODY, 0, OPEN_TO_MS
    end = _last_run(rows, first, last, port)
    while end >= first and rows[end, PORTS] & _PORT_MASK >= port:
        begin, port_last = end - (rows[end, KIND] >> ROW_BITS), rows[end, PORTS] >> 16 & _PORT_MASK
        if port_last >= port:
            found, found_until = _holder_in_run(rows, begin, end, at_ms)
            until = min(until, found_until)
            counts = found != NOBODY and (holder == NOBODY or port_last < holder_last)
            if counts and (found == OVERLAP or not (holder == NOBODY or same_holder(rows, found, holder))):
                return OVERLAP, until
            if counts and holder == NOBODY:
                holder, holder_last = found, port_last
        end = begin - 1
    return holder, until


@kernel
def _holder_by_prefix(index: Any, realm: int, hi: int, lo: int, longest: int, port: int, at_ms: int) -> tuple[int, int]:
    """Holder among the prefixes up to a length that contain an address."""
    rows, until = index.rows, OPEN_TO_MS
    levels = index.levels_4 if hi == 0 and lo >> 32 == _IPV4_MAPPED else index.levels_6
    for level in range(levels.shape[0]):
        length = levels[level, LENGTH]
        if length > longest:
            continue
        first, count = find(
            index.slots, rows, hi & levels[level, MASK_HI], lo & levels[level, MASK_LO], realm << 8 | length
        )
        if count == 0:
            continue
        last = first + count - 1
        shared = rows[last, PORTS] >> 16 << 16 != WHOLE
        if shared and port == 0:
            return NEEDS_PORT, until
        holder, holder_until = _holder_in_group(rows, first, last, port, at_ms)
        until = min(until, holder_until)
        if holder != NOBODY:
            return holder, until
        if shared:
            return PORT_OUTSIDE_SET, until
    return NOBODY, until


@kernel
def _holder_of_household(index: Any, realm: int, hi: int, lo: int, length: int, at_ms: int) -> tuple[int, int]:
    """Holder of any prefix inside an end-user prefix, else of a shorter one around it."""
    rows, holder, until = index.rows, NOBODY, OPEN_TO_MS
    household, count = find(index.household_slots, index.households, hi, lo, realm << 8 | length)
    if count:
        first = index.households[household, HOUSEHOLD_FIRST]
        for row in range(first, first + index.households[household, HOUSEHOLD_COUNT]):
            if rows[row, VALID_FROM] > at_ms:
                until = min(until, rows[row, VALID_FROM])
            elif rows[row, VALID_TO] > at_ms:
                if holder != NOBODY and rows[row, LINE] != rows[holder, LINE]:
                    return OVERLAP, until
                holder, until = row, min(until, rows[row, VALID_TO])
    if holder != NOBODY:
        return holder, until
    holder, around_until = _holder_by_prefix(index, realm, hi, lo, length - 1, 0, at_ms)
    return holder, min(until, around_until)


@kernel
def _holder_by_map_e(index: Any, realm: int, falls_back: bool, address: int, port: int, at_ms: int) -> tuple[int, int]:
    """Holder of the end-user prefix behind a shared IPv4 address and a port."""
    state, hi, lo, length, until = end_user_prefix_at(index, address, port, at_ms)
    if state != FOUND:
        return state, until
    holder, holder_until = _holder_of_household(index, realm, hi, lo, length, at_ms)
    until = min(until, holder_until)
    if holder == NOBODY and falls_back:
        holder, holder_until = _holder_of_household(index, 0, hi, lo, length, at_ms)
        until = min(until, holder_until)
    return holder | BY_MAP_E if holder >= 0 else holder, until


@kernel
def holder_at(index: Any, realm: int, hi: int, lo: int, port: int, at_ms: int) -> tuple[int, int]:
    """Holder of an address and a port (0 = none known) at an instant, and until when the answer holds.

    A global address means the same in every realm: where its own realm has no assignment, the default one is asked.
    Assignments of the address itself come before MAP-E arithmetic.
    """
    falls_back = realm != 0 and not within(index.special_use, hi, lo)
    holder, until = _holder_by_prefix(index, realm, hi, lo, _LONGEST, port, at_ms)
    if holder == NOBODY and falls_back:
        holder, default_until = _holder_by_prefix(index, 0, hi, lo, _LONGEST, port, at_ms)
        until = min(until, default_until)
    if holder != NOBODY or hi != 0 or lo >> 32 != _IPV4_MAPPED or index.rules.shape[0] == 0:
        return holder, until
    holder, map_e_until = _holder_by_map_e(index, realm, falls_back, lo & 0xFFFFFFFF, port, at_ms)
    return holder, min(until, map_e_until)
