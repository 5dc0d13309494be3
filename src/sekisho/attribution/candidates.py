"""How many lines an address without an answer may have belonged to: asked seldom, in plain Python over the index."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.layout import (
    BUCKET_SHIFT,
    DIRECTORY_COUNTS,
    DIRECTORY_FIRST,
    HI,
    KIND,
    KIND_MASK,
    LATER_ROWS,
    LENGTH,
    LEVEL_WORDS,
    LEVELS_4,
    LEVELS_6,
    LINE,
    LO,
    MASK_HI,
    MASK_LO,
    REACH,
    REALM_SHIFT,
    ROW_WORDS,
    ROWS,
    SLOTS,
    VALID_FROM,
    VALID_TO,
    section,
)
from sekisho.attribution.ranges import range_of
from sekisho.attribution.slots import PLACE_BITS, PLACE_MASK, find
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.address import to_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from ipaddress import IPv4Address

    from numpy.typing import NDArray

    from sekisho.attribution.map_e import MapRule
    from sekisho.attribution.ranges import Range
    from sekisho.core.address import IPAddress

_WORD = 1 << 64


def candidate_lines(
    memory: NDArray[np.int64], rules: Sequence[MapRule], *, realm: int, address: IPAddress, start_ms: int, end_ms: int
) -> int:
    """Lines that held the address, with any port, at some instant from ``start_ms`` to ``end_ms``.

    The most specific prefix with any holder then counts; without one, every end-user prefix that MAP-E may have put
    behind the address.
    """
    held = [rule for rule in rules if rule.valid_from_ms <= end_ms and rule.valid_to_ms > start_ms]
    for code in dict.fromkeys((realm, 0)):
        for rows in chain(_groups(memory, code, address), _households(memory, held, code, address)):
            valid = (rows[:, VALID_FROM] <= end_ms) & (rows[:, VALID_TO] > start_ms)
            if valid.any():
                return len(np.unique(rows[valid, LINE]))
    return 0


def _groups(memory: NDArray[np.int64], realm: int, address: IPAddress) -> Iterator[NDArray[np.int64]]:
    hi, lo = to_words(address)
    levels = section(memory, LEVELS_4 if address.version == 4 else LEVELS_6).reshape(-1, LEVEL_WORDS)
    for level in levels.tolist():
        kind = realm << REALM_SHIFT | level[LENGTH]
        place, count = find(memory, SLOTS, hi & level[MASK_HI], lo & level[MASK_LO], kind)
        if place and count == 0:
            place, count = memory[place + DIRECTORY_FIRST], memory[place + DIRECTORY_COUNTS + (1 << 16 - BUCKET_SHIFT)]
        rows = memory[place : place + count * ROW_WORDS].reshape(-1, ROW_WORDS)
        moved = (rows[rows[:, REACH] > OPEN_TO_MS, REACH] - OPEN_TO_MS).tolist()
        elsewhere = ((to & PLACE_MASK, to >> PLACE_BITS) for to in moved)
        parts = (memory[first : first + n * ROW_WORDS].reshape(-1, ROW_WORDS) for first, n in elsewhere)
        yield np.concatenate([rows, *parts])


def _households(
    memory: NDArray[np.int64], rules: Iterable[MapRule], realm: int, address: IPAddress
) -> Iterator[NDArray[np.int64]]:
    for rule in rules:
        if address.version == 4 and address in rule.ipv4_prefix:
            yield _rows_within(memory, realm, _behind(rule, address))


def _behind(rule: MapRule, address: IPv4Address) -> Range:
    """The end-user prefixes of all PSIDs of an address lie side by side: the PSID is the end of the EA bits."""
    suffix = int(address) - int(rule.ipv4_prefix.network_address)
    ea = suffix >> 32 - rule.ipv4_prefix.prefixlen - rule.ipv4_suffix_bits
    bits = 128 - rule.ipv6_prefix.prefixlen - rule.ipv4_suffix_bits
    first = range_of(rule.ipv6_prefix)[0] | ea << bits
    return first, first | (1 << bits) - 1


def _rows_within(memory: NDArray[np.int64], realm: int, addresses: Range) -> NDArray[np.int64]:
    table = section(memory, ROWS).reshape(-1, ROW_WORDS)

    def place(row: int) -> tuple[int, int]:
        cells = table[row].tolist()
        return (cells[KIND] & KIND_MASK) >> REALM_SHIFT, cells[HI] % _WORD << 64 | cells[LO] % _WORD

    rows = range(len(table))
    first = bisect_left(rows, (realm, addresses[0]), key=place)
    found = table[first : bisect_right(rows, (realm, addresses[1]), key=place)]
    later = section(memory, LATER_ROWS).reshape(-1, ROW_WORDS)
    begin, end = (np.array(divmod(address, _WORD), np.uint64) for address in addresses)
    hi, lo = later[:, HI].view(np.uint64), later[:, LO].view(np.uint64)
    not_before = (hi > begin[0]) | ((hi == begin[0]) & (lo >= begin[1]))
    not_behind = (hi < end[0]) | ((hi == end[0]) & (lo <= end[1]))
    in_realm = (later[:, KIND] & KIND_MASK) >> REALM_SHIFT == realm
    return np.concatenate([found, later[not_before & not_behind & in_realm]])
