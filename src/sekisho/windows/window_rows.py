"""Rows of line_window: found, made, and let go window by window; the peers that they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.line_window import DISTINCT_CAP
from sekisho.windows.arena import (
    CHUNK_NEXT,
    CHUNK_PEERS,
    CHUNKS,
    EARLY_WINDOWS,
    INDEX,
    MASK,
    NO_PEER_CHUNK,
    OLDEST_WINDOW,
    RECENT_WINDOWS,
    RING,
    SERIES_BITS,
    SERIES_RECENT,
    SERIES_ROWS,
    SYN_CHAIN,
    UDP_CHAIN,
    WINDOW_HEADS,
    WINDOW_NEXT,
    WINDOW_NUMBER,
    WINDOW_PEERS,
    WINDOW_SERIES,
    WINDOWS,
)
from sekisho.windows.pools import ROW, enter, give, hash_of, home_of, remove, tag_of, take

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells


@inlined
def window_tag(memory: Cells, series: int, window: int) -> int:
    """The index tag of a series and window."""
    return int(tag_of(hash_of(memory, series, window, 0)))


@inlined
def find_window(memory: Cells, series: int, window: int) -> int:
    """The row of a series and window, 0 where there is none."""
    row = memory[series + SERIES_RECENT + window % RECENT_WINDOWS]
    if row != 0 and memory[row + WINDOW_NUMBER] == window:
        return int(row)
    tag = window_tag(memory, series, window)
    index, mask = memory[WINDOWS + INDEX], memory[WINDOWS + MASK]
    at = home_of(memory, WINDOWS, tag)
    while memory[index + at] != 0:
        slot = memory[index + at]
        row = slot & ROW
        if slot >> 32 == tag and memory[row + WINDOW_NUMBER] == window and memory[row + WINDOW_SERIES] == series:
            memory[series + SERIES_RECENT + window % RECENT_WINDOWS] = row
            return int(row)
        at = (at + 1) & mask
    return 0


@inlined
def window_row(memory: Cells, series: int, window: int) -> int:
    """The row of a series and window, made where it is new; 0 where only younger windows could make room."""
    row = find_window(memory, series, window)
    return int(row if row != 0 else _new_window(memory, series, window))


@kernel
def _new_window(memory: Cells, series: int, window: int) -> int:
    row = take(memory, WINDOWS)
    while row == 0 and memory[OLDEST_WINDOW] < window:
        memory[EARLY_WINDOWS] += let_go_window(memory, memory[OLDEST_WINDOW])
        memory[OLDEST_WINDOW] += 1
        row = take(memory, WINDOWS)
    if row == 0:
        return 0
    memory[row + WINDOW_SERIES] = series
    memory[row + WINDOW_NUMBER] = window
    memory[row + WINDOW_NEXT] = memory[WINDOW_HEADS + window % RING]
    memory[WINDOW_HEADS + window % RING] = row
    memory[series + SERIES_BITS + (window % RING) // 64] |= 1 << (window % 64)
    memory[series + SERIES_RECENT + window % RECENT_WINDOWS] = row
    memory[series + SERIES_ROWS] += 1
    enter(memory, WINDOWS, window_tag(memory, series, window), row)
    return int(row)


@kernel
def let_go_window(memory: Cells, window: int) -> int:
    """Return every row of a window; answers how many."""
    count = 0
    row = memory[WINDOW_HEADS + window % RING]
    memory[WINDOW_HEADS + window % RING] = 0
    while row != 0:
        following = memory[row + WINDOW_NEXT]
        series = memory[row + WINDOW_SERIES]
        remove(memory, WINDOWS, window_tag(memory, series, window), row)
        memory[series + SERIES_BITS + (window % RING) // 64] &= ~(1 << (window % 64))
        memory[series + SERIES_ROWS] -= 1
        if memory[series + SERIES_RECENT + window % RECENT_WINDOWS] == row:
            memory[series + SERIES_RECENT + window % RECENT_WINDOWS] = 0
        _give_chain(memory, memory[row + SYN_CHAIN])
        _give_chain(memory, memory[row + UDP_CHAIN])
        give(memory, WINDOWS, row)
        count += 1
        row = following
    return count


@kernel
def _give_chain(memory: Cells, chunk: int) -> None:
    while chunk != 0:
        following = memory[chunk + CHUNK_NEXT]
        give(memory, CHUNKS, chunk)
        chunk = following


@inlined
def add_peer(memory: Cells, count_cell: int, first_cell: int, chain_cell: int, peer: int) -> None:
    """Count a hashed address if it is not among those counted; stops at ``DISTINCT_CAP`` or without room."""
    count = memory[count_cell]
    if count >= DISTINCT_CAP or _is_among(memory, first_cell, min(count, WINDOW_PEERS), peer):
        return
    if count < WINDOW_PEERS:
        memory[first_cell + count] = peer
        memory[count_cell] = count + 1
    elif not _is_in_chain(memory, memory[chain_cell], count - WINDOW_PEERS, peer):
        _chain_peer(memory, count_cell, chain_cell, peer)


@inlined
def _is_among(memory: Cells, first_cell: int, count: int, peer: int) -> bool:
    for place in range(first_cell, first_cell + count):  # noqa: SIM110  numba has no any()
        if memory[place] == peer:
            return True
    return False


@inlined
def _is_in_chain(memory: Cells, chunk: int, count: int, peer: int) -> bool:
    # Only the first chunk of a chain is partly filled.
    filled = (count - 1) % CHUNK_PEERS + 1
    while chunk != 0:
        if _is_among(memory, chunk, filled, peer):
            return True
        chunk = memory[chunk + CHUNK_NEXT]
        filled = CHUNK_PEERS
    return False


@kernel
def _chain_peer(memory: Cells, count_cell: int, chain_cell: int, peer: int) -> None:
    filled = (memory[count_cell] - WINDOW_PEERS) % CHUNK_PEERS
    if filled == 0:
        chunk = take(memory, CHUNKS)
        if chunk == 0:
            memory[NO_PEER_CHUNK] += 1
            return
        memory[chunk + CHUNK_NEXT] = memory[chain_cell]
        memory[chain_cell] = chunk
    memory[memory[chain_cell] + filled] = peer
    memory[count_cell] += 1
