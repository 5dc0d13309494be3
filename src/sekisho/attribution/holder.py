"""Who holds an address and a port at one instant, and until when that answer stays the same.

An answer is a row of the index (with ``BY_MAP_E`` where arithmetic led to it), ``NOBODY``, or a negative
``UnattributedReason``. The most specific prefix with an assignment at that instant decides; within it the narrowest
port range. A prefix that is ever shared by ports is decided by its port sets alone: without a port, or with one that
belongs to nobody, no shorter prefix is asked, for its holder is the translator and not a line.
"""

from __future__ import annotations

from typing import Any

from sekisho.attribution.intrinsics import prefetch
from sekisho.attribution.layout import (
    BUCKET_SHIFT,
    BY_MAP_E,
    DIRECTORY_COUNTS,
    DIRECTORY_FIRST,
    HI,
    HOUSEHOLD_COUNT,
    HOUSEHOLD_FIRST,
    HOUSEHOLD_SLOTS,
    INFERRED,
    KIND,
    KIND_MASK,
    LENGTH,
    LEVEL_WORDS,
    LEVELS_4,
    LEVELS_6,
    LINE,
    LO,
    MASK_HI,
    MASK_LO,
    NOBODY,
    PORT_MASK,
    PORTS,
    REACH,
    REALM_SHIFT,
    ROW_MASK,
    ROW_WORDS,
    RULES,
    RUN_MASK,
    RUN_SHIFT,
    SLOTS,
    SPECIAL_USE,
    VALID_FROM,
    VALID_TO,
)
from sekisho.attribution.map_e_index import FOUND, end_user_prefix_at
from sekisho.attribution.ranges import within
from sekisho.attribution.slots import MAX_GROUP, PLACE_BITS, PLACE_MASK, TAG_SHIFT, find, first_alike, prefetch_slot
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.reasons import UnattributedReason

OVERLAP = -int(UnattributedReason.OVERLAP)
NEEDS_PORT = -int(UnattributedReason.NEEDS_PORT)
PORT_OUTSIDE_SET = -int(UnattributedReason.PORT_OUTSIDE_SET)

_LONGEST = 128
_IPV4_MAPPED = 0xFFFF


@kernel
def is_ipv4(hi: int, lo: int) -> bool:
    """Whether two words are a mapped IPv4 address."""
    return hi == 0 and lo >> 32 == _IPV4_MAPPED


@kernel
def same_holder(memory: Any, one: int, other: int) -> bool:
    """Whether two answers mean the same line, or the same lack of one."""
    if one < 0 or other < 0:
        return one == other
    return bool(memory[(one & ROW_MASK) + LINE] == memory[(other & ROW_MASK) + LINE])


@kernel
def _rows_up_to(memory: Any, first: int, count: int, word: int, shift: int, most: int) -> int:
    """How many of ``count`` rows have at most that value; they ascend by it."""
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if memory[first + middle * ROW_WORDS + word] >> shift > most:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _holder_in_run(memory: Any, first: int, count: int, at_ms: int) -> tuple[int, int]:
    """Holder among rows of one prefix and one port range; they ascend by their beginning."""
    begun = _rows_up_to(memory, first, count, VALID_FROM, 0, at_ms)
    row = first + begun * ROW_WORDS
    holder, until = NOBODY, memory[row + VALID_FROM] if begun < count else OPEN_TO_MS
    row -= ROW_WORDS
    while row >= first and memory[row + REACH] > at_ms:
        if memory[row + VALID_TO] > at_ms:
            if holder != NOBODY and memory[row + LINE] != memory[holder + LINE]:
                return OVERLAP, until
            until = min(until, memory[row + VALID_TO])
            # Where two sources tell of one line, what one of them knows for certain is certain.
            holder = row if holder == NOBODY or memory[holder + KIND] & INFERRED else holder
        row -= ROW_WORDS
    return holder, until


@kernel
def _begun_before(memory: Any, directory: int, port: int) -> int:
    """Place behind the rows of a directory's group that are sure to begin at or below a port."""
    count = memory[directory + DIRECTORY_COUNTS + (port >> BUCKET_SHIFT)]
    return int(memory[directory + DIRECTORY_FIRST] + count * ROW_WORDS)


@kernel
def _holder_of_port(memory: Any, directory: int, port: int, at_ms: int) -> tuple[int, int]:
    """Of the ranges that hold the port the narrowest decides; two that only cross are an overlap.

    Runs ascend by first port and, from one first port, descend by last port: going back, ranges get wider or cross.
    """
    holder, holder_last, until = NOBODY, 0, OPEN_TO_MS
    first, begun = memory[directory + DIRECTORY_FIRST], _begun_before(memory, directory, port)
    in_bucket = (_begun_before(memory, directory, port + (1 << BUCKET_SHIFT)) - begun) // ROW_WORDS
    end = begun + (_rows_up_to(memory, begun, in_bucket, PORTS, 32, port) - 1) * ROW_WORDS
    while end >= first and memory[end + PORTS] & PORT_MASK >= port:
        earlier, port_last = memory[end + KIND] >> RUN_SHIFT & RUN_MASK, memory[end + PORTS] >> 16 & PORT_MASK
        begin = end - earlier * ROW_WORDS
        if port_last >= port:
            moved = memory[end + REACH] - OPEN_TO_MS
            if moved > 0:
                found, found_until = _holder_in_run(memory, moved & PLACE_MASK, moved >> PLACE_BITS, at_ms)
            else:
                found, found_until = _holder_in_run(memory, begin, earlier + 1, at_ms)
            until = min(until, found_until)
            counts = found != NOBODY and (holder == NOBODY or port_last < holder_last)
            if counts and (found == OVERLAP or not (holder == NOBODY or same_holder(memory, found, holder))):
                return OVERLAP, until
            if counts and holder == NOBODY:
                holder, holder_last = found, port_last
        end = begin - ROW_WORDS
    return holder, until


@kernel
def _holder_by_prefix(
    memory: Any, realm: int, hi: int, lo: int, longest: int, port: int, at_ms: int
) -> tuple[int, int]:
    """Holder among the prefixes up to a length that contain an address."""
    until = OPEN_TO_MS
    levels = LEVELS_4 if is_ipv4(hi, lo) else LEVELS_6
    for level in range(memory[levels], memory[levels + 1], LEVEL_WORDS):
        length = memory[level + LENGTH]
        if length > longest:
            continue
        kind = realm << REALM_SHIFT | length
        place, count = find(memory, SLOTS, hi & memory[level + MASK_HI], lo & memory[level + MASK_LO], kind)
        if place == 0:
            continue
        if count == 0:
            holder, holder_until = _holder_of_port(memory, place, port, at_ms) if port else (NEEDS_PORT, until)
            return PORT_OUTSIDE_SET if holder == NOBODY else holder, min(until, holder_until)
        holder, holder_until = _holder_in_run(memory, place, count, at_ms)
        until = min(until, holder_until)
        if holder != NOBODY:
            return holder, until
    return NOBODY, until


@kernel
def prefetch_slots(memory: Any, realm: int, hi: int, lo: int) -> None:
    """First of three steps before a lookup: ask for the slots it will read."""
    levels = LEVELS_4 if is_ipv4(hi, lo) else LEVELS_6
    for level in range(memory[levels], memory[levels + 1], LEVEL_WORDS):
        kind = realm << REALM_SHIFT | memory[level + LENGTH]
        prefetch_slot(memory, SLOTS, hi & memory[level + MASK_HI], lo & memory[level + MASK_LO], kind)


@kernel
def likely_group(memory: Any, realm: int, hi: int, lo: int, port: int) -> int:
    """Second step, when the slots are there: ask for the rows that the first of them names.

    Returns:
        Number of the level, number of rows and place of a group as a slot has them; no longer prefix has an
        assignment, and this one may still be another's. 0 where there is none.
    """
    levels = LEVELS_4 if is_ipv4(hi, lo) else LEVELS_6
    for level in range(memory[levels], memory[levels + 1], LEVEL_WORDS):
        kind = realm << REALM_SHIFT | memory[level + LENGTH]
        place, count = first_alike(memory, SLOTS, hi & memory[level + MASK_HI], lo & memory[level + MASK_LO], kind)
        if place:
            prefetch(memory, place)
            further = DIRECTORY_COUNTS + (port >> BUCKET_SHIFT) if count == 0 else 0
            prefetch(memory, place + (ROW_WORDS if count > 1 else further))
            return int((level - memory[levels]) // LEVEL_WORDS << TAG_SHIFT | count << PLACE_BITS | place)
    return 0


@kernel
def prefetch_run(memory: Any, likely: int, port: int) -> None:
    """Third step, for a prefix shared by ports: ask for the rows among which the port is, and the one before them."""
    if likely and likely >> PLACE_BITS & MAX_GROUP == 0:
        row = _begun_before(memory, likely & PLACE_MASK, port)
        for place in range(row - ROW_WORDS, row + 2 * ROW_WORDS, ROW_WORDS):
            prefetch(memory, place)


@kernel
def likely_holder(memory: Any, likely: int, realm: int, hi: int, lo: int, port: int, start_ms: int, end_ms: int) -> int:
    """Holder from ``start_ms`` to ``end_ms`` where a likely group alone decides, else ``NOBODY``: ask ``holder_at``."""
    if likely == 0:
        return NOBODY
    place, count = likely & PLACE_MASK, likely >> PLACE_BITS & MAX_GROUP
    level = memory[LEVELS_4 if is_ipv4(hi, lo) else LEVELS_6] + (likely >> TAG_SHIFT) * LEVEL_WORDS
    is_its = (
        memory[place + HI] == hi & memory[level + MASK_HI]
        and memory[place + LO] == lo & memory[level + MASK_LO]
        and memory[place + KIND] & KIND_MASK == realm << REALM_SHIFT | memory[level + LENGTH]
    )
    if not is_its or (count == 0 and port == 0):
        return NOBODY
    if count == 0:
        holder, until = _holder_of_port(memory, place, port, start_ms)
    else:
        holder, until = _holder_in_run(memory, place, count, start_ms)
    return holder if holder >= 0 and until > end_ms else NOBODY


@kernel
def _holder_of_household(memory: Any, realm: int, hi: int, lo: int, length: int, at_ms: int) -> tuple[int, int]:
    """Holder of any prefix inside an end-user prefix, else of a shorter one around it."""
    holder, until = NOBODY, OPEN_TO_MS
    household, _ = find(memory, HOUSEHOLD_SLOTS, hi, lo, realm << REALM_SHIFT | length)
    first = memory[household + HOUSEHOLD_FIRST]
    count = memory[household + HOUSEHOLD_COUNT] if household else 0
    for row in range(first, first + count * ROW_WORDS, ROW_WORDS):
        if memory[row + VALID_FROM] > at_ms:
            until = min(until, memory[row + VALID_FROM])
        elif memory[row + VALID_TO] > at_ms:
            if holder != NOBODY and memory[row + LINE] != memory[holder + LINE]:
                return OVERLAP, until
            holder, until = row, min(until, memory[row + VALID_TO])
    if holder != NOBODY:
        return holder, until
    holder, around_until = _holder_by_prefix(memory, realm, hi, lo, length - 1, 0, at_ms)
    return holder, min(until, around_until)


@kernel
def _holder_by_map_e(memory: Any, realm: int, falls_back: bool, address: int, port: int, at_ms: int) -> tuple[int, int]:
    """Holder of the end-user prefix behind a shared IPv4 address and a port."""
    state, hi, lo, length, until = end_user_prefix_at(memory, address, port, at_ms)
    if state != FOUND:
        return state, until
    holder, holder_until = _holder_of_household(memory, realm, hi, lo, length, at_ms)
    until = min(until, holder_until)
    if holder == NOBODY and falls_back:
        holder, holder_until = _holder_of_household(memory, 0, hi, lo, length, at_ms)
        until = min(until, holder_until)
    return holder | BY_MAP_E if holder >= 0 else holder, until


@kernel
def holder_at(memory: Any, realm: int, hi: int, lo: int, port: int, at_ms: int) -> tuple[int, int]:
    """Holder of an address and a port (0 = none known) at an instant, and until when the answer holds.

    A global address means the same in every realm: where its own realm has no assignment, the default one is asked.
    Assignments of the address itself come before MAP-E arithmetic.
    """
    falls_back = realm != 0 and not within(memory, SPECIAL_USE, hi, lo)
    holder, until = _holder_by_prefix(memory, realm, hi, lo, _LONGEST, port, at_ms)
    if holder == NOBODY and falls_back:
        holder, default_until = _holder_by_prefix(memory, 0, hi, lo, _LONGEST, port, at_ms)
        until = min(until, default_until)
    if holder != NOBODY or not is_ipv4(hi, lo) or memory[RULES] == memory[RULES + 1]:
        return holder, until
    holder, map_e_until = _holder_by_map_e(memory, realm, falls_back, lo & 0xFFFFFFFF, port, at_ms)
    return holder, min(until, map_e_until)
