"""From which cell of a row each column of the two tables is read, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import FEATURES, WINDOW_MS
from sekisho.windows import arena

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.windows.arena import Cells


class Source(NamedTuple):
    """Where a column comes from.

    Attributes:
        cell: offset in the row; unused where the value is the owner's.
        value: (memory, (n,) cells) -> (n,) values; of owners, their places stand for the cells.
        is_owners: the value is that of the row's owner, which many rows have in common: the series of a window, the
            group of a pair.
    """

    cell: int
    value: Callable[[Cells, Cells], Any]
    is_owners: bool = False


def is_sum(source: Source) -> bool:
    """Whether a column is a sum, which stands in its cell as float64."""
    return source.value is _sum


def _number(_: Cells, cells: Cells) -> Any:
    return cells


def _sum(_: Cells, cells: Cells) -> Any:
    return cells.view(np.float64)


def _of_series(value: Callable[[Cells, Cells], Any]) -> Source:
    return Source(0, value, is_owners=True)


def _of_group(value: Callable[[Cells, Cells], Any]) -> Source:
    return Source(0, lambda memory, group: value(memory, memory[group + arena.GROUP_SERIES]), is_owners=True)


def _line(memory: Cells, series: Cells) -> Any:
    return memory[series + arena.SERIES_LINE]


def _boundary(memory: Cells, series: Cells) -> Any:
    return memory[series + arena.SERIES_PLACE] // 2


def _side(memory: Cells, series: Cells) -> Any:
    return memory[series + arena.SERIES_PLACE] % 2


def _block(memory: Cells, group: Cells) -> Any:
    return memory[group + arena.GROUP_BLOCK] * BLOCK_MS


WINDOW_COLUMNS = {
    "line": _of_series(_line),
    "boundary": _of_series(_boundary),
    "side": _of_series(_side),
    "window_start_ms": Source(arena.WINDOW_NUMBER, lambda _, window: window * WINDOW_MS),
} | {feature.name: Source(arena.WINDOW_FEATURES + k, _sum) for k, feature in enumerate(FEATURES)}

TARGET_COLUMNS = {
    "line": _of_group(_line),
    "boundary": _of_group(_boundary),
    "block_start_ms": Source(0, _block, is_owners=True),
    "target_hi": Source(arena.PAIR_HI, _number),
    "target_lo": Source(arena.PAIR_LO, _number),
    "port": Source(arena.PAIR_SERVICE, lambda _, service: np.where(service < 0, -1, service >> 16 & 0xFFFF)),
    "own_port": Source(arena.PAIR_SERVICE, lambda _, service: np.maximum(service, 0) >> 32),
    "protocol": Source(arena.PAIR_SERVICE, lambda _, service: service.astype(np.int16)),
    "records": Source(arena.PAIR_RECORDS, _sum),
    "sampled_packets": Source(arena.PAIR_SAMPLED, _sum),
    "packets": Source(arena.PAIR_PACKETS, _sum),
    "octets": Source(arena.PAIR_OCTETS, _sum),
    "syn_packets": Source(arena.PAIR_SYN, _sum),
    "syn_sampled_packets": Source(arena.PAIR_SYN_SAMPLED, _sum),
    "connections": Source(arena.PAIR_CONNECTIONS, _sum),
    "reset_packets": Source(arena.PAIR_RESETS, _sum),
    "fragment_packets": Source(arena.PAIR_FRAGMENTS, _sum),
    "answered_packets": Source(arena.PAIR_ANSWERED, _sum),
    "answered_syn_ack_packets": Source(arena.PAIR_ANSWERED_SYN_ACK, _sum),
    "answered_reset_packets": Source(arena.PAIR_ANSWERED_RESETS, _sum),
    "answered_octets": Source(arena.PAIR_ANSWERED_OCTETS, _sum),
    "first_ms": Source(arena.PAIR_FIRST_MS, _number),
    "last_ms": Source(arena.PAIR_LAST_MS, _number),
}
