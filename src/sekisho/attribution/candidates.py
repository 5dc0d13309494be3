"""How many lines an address without an answer may have belonged to: asked seldom, in plain Python over the index."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.layout import HI, KIND, LENGTH, LINE, LO, MASK_HI, MASK_LO, VALID_FROM, VALID_TO
from sekisho.attribution.ranges import range_of
from sekisho.attribution.slots import find
from sekisho.core.address import to_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from ipaddress import IPv4Address

    from numpy.typing import NDArray

    from sekisho.attribution.layout import Index
    from sekisho.attribution.map_e import MapRule
    from sekisho.attribution.ranges import Range
    from sekisho.core.address import IPAddress

_WORD = 1 << 64


def candidate_lines(
    index: Index, rules: Sequence[MapRule], *, realm: int, address: IPAddress, start_ms: int, end_ms: int
) -> int:
    """Lines that held the address, with any port, at some instant from ``start_ms`` to ``end_ms``.

    The most specific prefix with any holder then counts; without one, every end-user prefix that MAP-E may have put
    behind the address.
    """
    held = [rule for rule in rules if rule.valid_from_ms <= end_ms and rule.valid_to_ms > start_ms]
    for code in dict.fromkeys((realm, 0)):
        for rows in chain(_groups(index, code, address), _households(index, held, code, address)):
            valid = (rows[:, VALID_FROM] <= end_ms) & (rows[:, VALID_TO] > start_ms)
            if valid.any():
                return len(np.unique(rows[valid, LINE]))
    return 0


def _groups(index: Index, realm: int, address: IPAddress) -> Iterator[NDArray[np.int64]]:
    hi, lo = to_words(address)
    for level in (index.levels_4 if address.version == 4 else index.levels_6).tolist():
        kind = realm << 8 | level[LENGTH]
        first, count = find(index.slots, index.rows, hi & level[MASK_HI], lo & level[MASK_LO], kind)
        yield index.rows[first : first + count]


def _households(index: Index, rules: Iterable[MapRule], realm: int, address: IPAddress) -> Iterator[NDArray[np.int64]]:
    for rule in rules:
        if address.version == 4 and address in rule.ipv4_prefix:
            yield _rows_within(index, realm, _behind(rule, address))


def _behind(rule: MapRule, address: IPv4Address) -> Range:
    """The end-user prefixes of all PSIDs of an address lie side by side: the PSID is the end of the EA bits."""
    suffix = int(address) - int(rule.ipv4_prefix.network_address)
    ea = suffix >> 32 - rule.ipv4_prefix.prefixlen - rule.ipv4_suffix_bits
    bits = 128 - rule.ipv6_prefix.prefixlen - rule.ipv4_suffix_bits
    first = range_of(rule.ipv6_prefix)[0] | ea << bits
    return first, first | (1 << bits) - 1


def _rows_within(index: Index, realm: int, addresses: Range) -> NDArray[np.int64]:
    def place(row: int) -> tuple[int, int]:
        cells = index.rows[row].tolist()
        return cells[KIND] >> 8 & 0xFFFFFF, cells[HI] % _WORD << 64 | cells[LO] % _WORD

    rows = range(len(index.rows))
    first = bisect_left(rows, (realm, addresses[0]), key=place)
    return index.rows[first : bisect_right(rows, (realm, addresses[1]), key=place)]
