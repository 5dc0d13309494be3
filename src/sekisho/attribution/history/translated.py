"""Millions of holders that are known by their address behind a translator: ``inside.py`` over whole columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.attribution.history.ends import same_held
from sekisho.attribution.sources.events import LAST_PORT
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.attribution.history.columns import Sessions

FIRST_IPV4_LENGTH = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Inside addresses of n sessions, a column each; ``session`` ascends."""

    session: NDArray[np.int64]
    realm: NDArray[np.int32]
    hi: NDArray[np.int64]
    lo: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of spans in which somebody held the inside address, a column each.

    Attributes:
        span: which span it is a part of.
        line: who held the inside address.
    """

    span: NDArray[np.int64]
    line: NDArray[np.int32]
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    inferred: NDArray[np.bool_]


@kernel
def _is_ipv4(hi: int, lo: int) -> bool:
    return bool(hi == 0 and lo >> 32 == 0xFFFF)


@kernel
def _mark_lengths(hi: Any, lo: Any, what: Any, marks: Any) -> None:
    for row in range(hi.size):
        length = what[row] >> 32
        marks[1 if _is_ipv4(hi[row], lo[row]) and length >= FIRST_IPV4_LENGTH else 0, length] = True


@kernel
def _masked(word: int, bits: int) -> int:
    """The first bits of a word; all of them from 64 on, none below 1."""
    if bits >= 64:
        return word
    return word & (-1 << 64 - bits) if bits > 0 else 0


@kernel
def _before(word: int, other: int) -> bool:
    """Unsigned."""
    return bool(np.uint64(word) < np.uint64(other))


@kernel
def _first_of(order: Any, realms: Any, his: Any, los: Any, whats: Any, realm: int, hi: int, lo: int, what: int) -> int:
    """The first place in the order of a session that holds exactly this; where none does, of one that comes later."""
    low, high, ports = 0, order.size, what ^ LAST_PORT
    while low < high:
        middle = (low + high) >> 1
        row = order[middle]
        if realms[row] != realm:
            is_before = realms[row] < realm
        elif his[row] != hi:
            is_before = _before(his[row], hi)
        elif los[row] != lo:
            is_before = _before(los[row], lo)
        else:
            is_before = whats[row] ^ LAST_PORT < ports
        if is_before:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _overlaps(
    order: Any,
    realms: Any,
    his: Any,
    los: Any,
    whats: Any,
    began_ms: Any,
    certain_ms: Any,
    to_ms: Any,
    line: Any,
    place: int,
    span: Any,
    number: int,
    parts: Any,
    used: int,
) -> int:
    """Note the lines that held what the session at a place does while a span lasted; how many parts there are then."""
    first = order[place]
    while place < order.size and same_held(realms, his, los, whats, first, order[place]):
        row = order[place]
        for inferred in range(2):
            begin = certain_ms[row] if inferred else began_ms[row]
            end = to_ms[row] if inferred else certain_ms[row]
            if line[row] > 0 and begin < end and begin < span[4] and end > span[3]:
                if used < len(parts):
                    parts[used, 0], parts[used, 1] = number, line[row]
                    parts[used, 2], parts[used, 3] = max(begin, span[3]), min(end, span[4])
                    parts[used, 4] = inferred
                used += 1
        place += 1
    return used


@kernel
def _find(
    order: Any,
    realms: Any,
    his: Any,
    los: Any,
    whats: Any,
    began_ms: Any,
    certain_ms: Any,
    to_ms: Any,
    line: Any,
    marks: Any,
    spans: Any,
    parts: Any,
) -> int:
    """The parts of each span (realm, words of the inside address, from, to); the longest prefix with a holder counts.

    Answers how many there are; those that do not fit are only counted.
    """
    used = 0
    for number in range(len(spans)):
        span = spans[number]
        family = 1 if _is_ipv4(span[1], span[2]) else 0
        before = used
        for down in range(129):
            length = 128 - down
            if not marks[family, length]:
                continue
            hi, lo = _masked(span[1], length), _masked(span[2], length - 64)
            what = length << 32 | LAST_PORT
            place = _first_of(order, realms, his, los, whats, span[0], hi, lo, what)
            if place == order.size:
                continue
            row = order[place]
            if realms[row] == span[0] and his[row] == hi and los[row] == lo and whats[row] == what:
                used = _overlaps(
                    order, realms, his, los, whats, began_ms, certain_ms, to_ms, line, place, span, number, parts, used
                )
            if used > before:
                break
    return used


def lengths_of(sessions: Sessions) -> NDArray[np.bool_]:
    """(2, 129): which lengths occur, of IPv6 and of IPv4; ``warm(KERNELS)`` comes first."""
    marks = np.zeros((2, 129), np.bool_)
    _mark_lengths(sessions.hi, sessions.lo, sessions.what, marks)
    return marks


def parts_of(
    lines: NDArray[np.int32],
    from_ms: NDArray[np.int64],
    to_ms: NDArray[np.int64],
    *,
    sessions: Sessions,
    order: NDArray[np.int64],
    lengths: NDArray[np.bool_],
    behind: Behind,
) -> Parts:
    """Who held the inside addresses of spans while these lasted.

    Args:
        lines: minus the place (from 1) among the inside addresses of each span's.
        from_ms: beginning of each span.
        to_ms: its end, exclusive.
        sessions: with their ends.
        order: of these.
        lengths: ``lengths_of`` these.
        behind: the inside addresses.
    """
    at = -1 - lines
    spans = np.stack((behind.realm[at].astype(np.int64), behind.hi[at], behind.lo[at], from_ms, to_ms), 1)
    s, room = sessions, 2 * len(spans)
    while True:
        parts = np.empty((room, 5), np.int64)
        count = int(
            _find(order, s.realm, s.hi, s.lo, s.what, s.began_ms, s.certain_ms, s.to_ms, s.line, lengths, spans, parts)
        )
        if count <= room:
            break
        room = count
    span, line, begins, until, inferred = parts[:count].T
    return Parts(span=span, line=line.astype(np.int32), from_ms=begins, to_ms=until, inferred=inferred == 1)


_WORDS = types.int64[::1]
_TABLE = types.int64[:, ::1]
_MARKS = types.boolean[:, ::1]

KERNELS = (
    (_mark_lengths, (_WORDS, _WORDS, _WORDS, _MARKS)),
    (
        _find,
        (
            _WORDS,
            types.int32[::1],
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            types.int32[::1],
            _MARKS,
            _TABLE,
            _TABLE,
        ),
    ),
)
