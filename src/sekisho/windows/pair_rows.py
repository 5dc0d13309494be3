"""Groups (line, boundary, block) and the rows of line_target that hang on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.line_target import PAIRS_CAP, REST_PORT
from sekisho.windows.arena import (
    BLOCK_HEADS,
    EARLY_BLOCKS,
    GROUP_BLOCK,
    GROUP_FIRST,
    GROUP_NEXT,
    GROUP_PAIRS,
    GROUP_REST,
    GROUP_SERIES,
    GROUPS,
    INDEX,
    MASK,
    OLDEST_BLOCK,
    PAIR_GROUP,
    PAIR_HI,
    PAIR_LO,
    PAIR_NEXT,
    PAIR_SERVICE,
    PAIRS,
    RING,
    SERIES_BLOCK,
    SERIES_GROUP,
    SERIES_ROWS,
)
from sekisho.windows.pools import ROW, enter, give, hash_of, home_of, remove, tag_of, take

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells

REST_SERVICE = REST_PORT << 16 | 0xFFFF
"""Port and protocol -1 of the rest row."""


@inlined
def _group_tag(memory: Cells, series: int, block: int) -> int:
    return int(tag_of(hash_of(memory, series, block, 0)))


@inlined
def find_group(memory: Cells, series: int, block: int) -> int:
    """The group of a series and block, 0 where there is none; most records want the one used last."""
    if memory[series + SERIES_BLOCK] == block and memory[series + SERIES_GROUP] != 0:
        return int(memory[series + SERIES_GROUP])
    tag = _group_tag(memory, series, block)
    index, mask = memory[GROUPS + INDEX], memory[GROUPS + MASK]
    at = home_of(memory, GROUPS, tag)
    while memory[index + at] != 0:
        slot = memory[index + at]
        row = slot & ROW
        if slot >> 32 == tag and memory[row + GROUP_SERIES] == series and memory[row + GROUP_BLOCK] == block:
            memory[series + SERIES_BLOCK] = block
            memory[series + SERIES_GROUP] = row
            return int(row)
        at = (at + 1) & mask
    return 0


@inlined
def group_of(memory: Cells, series: int, block: int) -> int:
    """The group of a series and block, made where it is new; 0 where only younger blocks could make room."""
    group = find_group(memory, series, block)
    return int(group if group != 0 else _new_group(memory, series, block))


@kernel
def _new_group(memory: Cells, series: int, block: int) -> int:
    group = take(memory, GROUPS)
    while group == 0 and _make_room(memory, block):
        group = take(memory, GROUPS)
    if group == 0:
        return 0
    memory[group + GROUP_SERIES] = series
    memory[group + GROUP_BLOCK] = block
    memory[group + GROUP_NEXT] = memory[BLOCK_HEADS + block % RING]
    memory[BLOCK_HEADS + block % RING] = group
    memory[series + SERIES_ROWS] += 1
    enter(memory, GROUPS, _group_tag(memory, series, block), group)
    return int(group)


@kernel
def _make_room(memory: Cells, block: int) -> bool:
    """Let the oldest block go, if it is older than this one."""
    if memory[OLDEST_BLOCK] >= block:
        return False
    memory[EARLY_BLOCKS] += let_go_block(memory, memory[OLDEST_BLOCK])
    memory[OLDEST_BLOCK] += 1
    return True


@inlined
def pair_tag(memory: Cells, group: int, hi: int, lo: int, service: int) -> int:
    """The index tag of a target and service in a group."""
    return int(tag_of(hash_of(memory, lo, hi, group << 32 ^ service)))


@inlined
def find_pair(memory: Cells, group: int, hi: int, lo: int, service: int) -> int:
    """The row of a target and service in a group, 0 where there is none."""
    tag = pair_tag(memory, group, hi, lo, service)
    index, mask = memory[PAIRS + INDEX], memory[PAIRS + MASK]
    at = home_of(memory, PAIRS, tag)
    while memory[index + at] != 0:
        slot = memory[index + at]
        row = slot & ROW
        if slot >> 32 == tag and _is_pair(memory, row, group, hi, lo, service):
            return int(row)
        at = (at + 1) & mask
    return 0


@inlined
def _is_pair(memory: Cells, row: int, group: int, hi: int, lo: int, service: int) -> bool:
    is_target = memory[row + PAIR_LO] == lo and memory[row + PAIR_HI] == hi
    return bool(is_target and memory[row + PAIR_GROUP] == group and memory[row + PAIR_SERVICE] == service)


@inlined
def pair_row(memory: Cells, group: int, hi: int, lo: int, service: int) -> int:
    """The row of a target and service, made where it is new; beyond the cap the rest row; 0 without room."""
    row = find_pair(memory, group, hi, lo, service)
    if row != 0:
        return int(row)
    if memory[group + GROUP_PAIRS] >= PAIRS_CAP:
        return int(_rest_row(memory, group))
    row = _new_pair(memory, group, hi, lo, service)
    if row != 0:
        memory[group + GROUP_PAIRS] += 1
        enter(memory, PAIRS, pair_tag(memory, group, hi, lo, service), row)
    return int(row)


@kernel
def _rest_row(memory: Cells, group: int) -> int:
    if memory[group + GROUP_REST] == 0:
        memory[group + GROUP_REST] = _new_pair(memory, group, 0, 0, REST_SERVICE)
    return int(memory[group + GROUP_REST])


@kernel
def _new_pair(memory: Cells, group: int, hi: int, lo: int, service: int) -> int:
    row = take(memory, PAIRS)
    while row == 0 and _make_room(memory, memory[group + GROUP_BLOCK]):
        row = take(memory, PAIRS)
    if row == 0:
        return 0
    memory[row + PAIR_GROUP] = group
    memory[row + PAIR_HI] = hi
    memory[row + PAIR_LO] = lo
    memory[row + PAIR_SERVICE] = service
    memory[row + PAIR_NEXT] = memory[group + GROUP_FIRST]
    memory[group + GROUP_FIRST] = row
    return int(row)


@kernel
def let_go_block(memory: Cells, block: int) -> int:
    """Return every pair and group of a block; answers how many pairs."""
    count = 0
    group = memory[BLOCK_HEADS + block % RING]
    memory[BLOCK_HEADS + block % RING] = 0
    while group != 0:
        following = memory[group + GROUP_NEXT]
        count += _let_go_pairs(memory, group)
        series = memory[group + GROUP_SERIES]
        memory[series + SERIES_ROWS] -= 1
        if memory[series + SERIES_GROUP] == group:
            memory[series + SERIES_GROUP] = 0
        remove(memory, GROUPS, _group_tag(memory, series, block), group)
        give(memory, GROUPS, group)
        group = following
    return count


@kernel
def _let_go_pairs(memory: Cells, group: int) -> int:
    count = 0
    row = memory[group + GROUP_FIRST]
    while row != 0:
        following = memory[row + PAIR_NEXT]
        hi, lo, service = memory[row + PAIR_HI], memory[row + PAIR_LO], memory[row + PAIR_SERVICE]
        if service != REST_SERVICE:
            remove(memory, PAIRS, pair_tag(memory, group, hi, lo, service), row)
        give(memory, PAIRS, row)
        count += 1
        row = following
    return count
