"""The whole history in columns: millions of sessions from the disk to who held what, without an object for any.

The answer is that of ``spans.py`` and ``inside.py`` for one prefix after the other; the tests hold them side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sekisho.attribution.history import ends, translated
from sekisho.attribution.history.ends import NEVER, Signs, find_ends
from sekisho.attribution.history.spans import MISSED_CONFIRMS
from sekisho.attribution.history.translated import Behind, lengths_of, parts_of
from sekisho.attribution.sources.events import LAST_PORT
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.core.kernels import warm

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sekisho.attribution.history.feed import Feed

AT_ONCE = 1 << 17
"""Sessions turned from cells to columns, and spans given out, at once."""

_CELLS = (
    "hi",
    "lo",
    "what",
    "realm",
    "began_ms",
    "line",
    "source",
    "confirmed_ms",
    "ended_ms",
    "until_ms",
    "every_ms",
    "restarted_ms",
)

_QUERY = (
    "select hi, lo, (length << 32) | (port_first << 16) | port_last, {realm}, max(from_ms, began_ms), "
    "ifnull(line, -session.id), {source}, confirmed_ms, ifnull(ended_ms, -1), ifnull(until_ms, -1), "
    "ifnull(every_ms, 0), {restarted} from held cross join session on session.id = held.session"
)
"""One number a cell, so that the rows become columns without a Python object for each row; in the order of the
sessions, so that the disk is read from front to back. Who is known by an inside address has its session's number, and
no instant is -1, for small numbers cost Python nothing."""

_RESTARTED = (
    "ifnull((select min(at_ms) from restart where restart.server = session.server and at_ms > confirmed_ms), -1)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """n spans, a column each.

    Attributes:
        hi, lo, length: what was held; length 0 to 128, IPv4 counted from 96.
        port_first, port_last: inclusive; 0 and 65535 where the address is not shared.
        realm, line, source: numbers, see ``Told``.
        from_ms, to_ms: from inclusive, to exclusive.
        inferred: that the line held it then is only inferred.
    """

    hi: NDArray[np.int64]
    lo: NDArray[np.int64]
    length: NDArray[np.uint8]
    port_first: NDArray[np.uint16]
    port_last: NDArray[np.uint16]
    realm: NDArray[np.int32]
    line: NDArray[np.int32]
    source: NDArray[np.uint16]
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    inferred: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who held what.

    Attributes:
        realms: of the numbers of realms.
        sources: of the numbers of sources.
        lines: numbers of lines, ascending.
        names: of these lines, in parts.
        spans: parts of the whole; they can be read once.
    """

    realms: tuple[str, ...]
    sources: tuple[str, ...]
    lines: NDArray[np.int64]
    names: tuple[pa.Array, ...]
    spans: Iterator[Spans]


@dataclass(slots=True, kw_only=True)
class Sessions:
    """What n sessions hold, a column each.

    Attributes:
        what: length << 32 | first port << 16 | last port.
        line: number of the line, or minus the place (from 1) of the holder's inside address in ``Behind``.
        certain_ms: until when the hold is certain; before ``find_ends``, the last instant at which it was surely on.
        to_ms: until when it is held at all; before ``find_ends``, the end of the lease or ``NEVER``.
    """

    hi: NDArray[np.int64]
    lo: NDArray[np.int64]
    what: NDArray[np.int64]
    realm: NDArray[np.int32]
    began_ms: NDArray[np.int64]
    line: NDArray[np.int32]
    source: NDArray[np.uint16]
    certain_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]

    def in_order(self) -> NDArray[np.int64]:
        """Order by realm, prefix, first port, last port descending, beginning: that of the lookup index."""
        ports = self.what ^ LAST_PORT
        # Unsigned, so that a prefix stands before everything inside it.
        keys = (self.began_ms, ports, self.lo.view(np.uint64), self.hi.view(np.uint64), self.realm)
        return np.lexsort(keys if self.realm.any() else keys[:-1])


_KINDS: dict[str, type[np.generic]] = {
    "hi": np.int64,
    "lo": np.int64,
    "what": np.int64,
    "realm": np.int32,
    "began_ms": np.int64,
    "line": np.int32,
    "source": np.uint16,
    "certain_ms": np.int64,
    "to_ms": np.int64,
    "otherwise_ms": np.int64,
    "state": np.uint8,
}
_SIGNS = ("otherwise_ms", "state")


def read_told(
    database: sqlite3.Connection, feeds: Mapping[str, Feed], left_out: Iterable[str], *, since_ms: int = OPEN_FROM_MS
) -> Told:
    """Who held what as the believed sources told it, without what was over before ``since_ms``.

    Everything is read before this returns, as it stood at one instant.
    """
    warm((ends.KERNELS, translated.KERNELS))
    sources = [name for name in feeds if name not in set(left_out)]
    database.execute("begin")
    try:
        realms = [name for (name,) in database.execute("select distinct realm from held")]
        behind = _behind(database, realms)
        sessions, signs = _read(database, realms, sources, [feeds[name].watermark_ms for name in sources], behind)
        numbers, names = _lines(database)
    finally:
        database.execute("rollback")
    order = sessions.in_order()
    find_ends(sessions, signs, order)
    return Told(
        realms=tuple(realms),
        sources=tuple(sources),
        lines=numbers,
        names=names,
        spans=_spans(sessions, order, behind, since_ms),
    )


def _lines(database: sqlite3.Connection) -> tuple[NDArray[np.int64], tuple[pa.Array, ...]]:
    numbers = np.fromiter(chain.from_iterable(database.execute("select id from line order by id")), np.int64)
    cursor = chain.from_iterable(database.execute("select name from line order by id"))
    names = []
    while part := list(islice(cursor, AT_ONCE)):
        names.append(pa.array(part, pa.string()))
    return numbers, tuple(names)


def _behind(database: sqlite3.Connection, realms: list[str]) -> Behind:
    """The inside addresses of sessions; a realm that nothing is held in has a number of its own."""
    rows = database.execute(
        "select id, inside_realm, inside_hi, inside_lo from session where inside_hi is not null order by id"
    ).fetchall()
    for realm in dict.fromkeys(row[1] for row in rows):
        if realm not in realms:
            realms.append(realm)
    code = {realm: number for number, realm in enumerate(realms)}
    cells = np.fromiter(
        chain.from_iterable((number, code[realm], hi, lo) for number, realm, hi, lo in rows), np.int64, 4 * len(rows)
    ).reshape(-1, 4)
    session, realm, hi, lo = (np.ascontiguousarray(column) for column in cells.T)
    return Behind(session=session, realm=realm.astype(np.int32), hi=hi, lo=lo)


def _read(
    database: sqlite3.Connection,
    realms: Sequence[str],
    sources: Sequence[str],
    watermarks_ms: Sequence[int],
    behind: Behind,
) -> tuple[Sessions, Signs]:
    count = database.execute("select count(*) from held").fetchone()[0]
    columns: dict[str, NDArray[Any]] = {name: np.empty(count, kind) for name, kind in _KINDS.items()}
    restarts = database.execute("select count(*) from restart").fetchone()[0]
    query = _QUERY.format(
        realm=_number_of("realm", realms),
        source=_number_of("source", sources),
        restarted=_RESTARTED if restarts else "-1",
    )
    watermarks, used = np.array(watermarks_ms, np.int64), 0
    cursor = database.execute(query, (*realms, *sources))
    while True:
        flat = np.fromiter(chain.from_iterable(islice(cursor, AT_ONCE)), np.int64)
        if not len(flat):
            break
        cells = dict(zip(_CELLS, flat.reshape(-1, len(_CELLS)).T, strict=True))
        believed = cells["source"] >= 0
        part = _part({name: column[believed] for name, column in cells.items()}, watermarks, behind)
        end = used + int(believed.sum())
        for name, column in columns.items():
            column[used:end] = part[name]
        used = end
    signs = Signs(**{name: columns.pop(name)[:used] for name in _SIGNS})
    return Sessions(**{name: column[:used] for name, column in columns.items()}), signs


def _number_of(column: str, names: Sequence[str]) -> str:
    """SQL for the place of a text among the parameters that come next, -1 where it is none of them."""
    cases = "".join(f" when ? then {number}" for number in range(len(names)))
    return f"case {column}{cases} else -1 end" if cases else "-1"


def _part(
    cells: Mapping[str, NDArray[np.int64]], watermarks_ms: NDArray[np.int64], behind: Behind
) -> dict[str, NDArray[Any]]:
    """What the rows say by themselves; who contradicts whom is for ``find_ends``."""
    ended, until, restarted = (_instants(cells[name]) for name in ("ended_ms", "until_ms", "restarted_ms"))
    every, line = cells["every_ms"], cells["line"]
    last = np.maximum(cells["began_ms"], cells["confirmed_ms"])
    watermark = watermarks_ms[cells["source"]]
    lapses = (every > 0) & (watermark >= last + MISSED_CONFIRMS * every)
    is_over = ended != NEVER
    state = np.where(is_over, ends.ENDED, np.where(lapses, ends.LAPSED, ends.ON))
    return {
        **{name: cells[name] for name in ("hi", "lo", "what", "realm", "began_ms", "source")},
        "line": np.where(line < 0, -1 - np.searchsorted(behind.session, -line), line),
        "certain_ms": np.where(is_over, ended, last),
        "to_ms": np.where(is_over, ended, until),
        "otherwise_ms": np.where(lapses, last + every, restarted),
        "state": state,
    }


def _instants(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(cells == -1, NEVER, cells)


def _spans(sessions: Sessions, order: NDArray[np.int64], behind: Behind, since_ms: int) -> Iterator[Spans]:
    """Both spans of every session, the certain one first, in order."""
    lengths = lengths_of(sessions)
    for first in range(0, len(order), AT_ONCE):
        rows = order[first : first + AT_ONCE]
        begins = np.stack((sessions.began_ms[rows], sessions.certain_ms[rows]), 1)
        until = np.stack((sessions.certain_ms[rows], sessions.to_ms[rows]), 1)
        chosen = (begins < until) & (until > since_ms)
        row, part = np.nonzero(chosen)
        found = _of(sessions, rows[row], begins[chosen], until[chosen], part == 1)
        if (found.line < 0).any():
            found = _with_lines(found, sessions, order, behind, lengths)
            found = _chosen(found, found.to_ms > since_ms)
        yield found


def _with_lines(
    found: Spans, sessions: Sessions, order: NDArray[np.int64], behind: Behind, lengths: NDArray[np.bool_]
) -> Spans:
    """Spans whose holder is an inside address as the parts in which a line held that; in the same order."""
    is_behind = np.flatnonzero(found.line < 0)
    parts = parts_of(
        found.line[is_behind],
        found.from_ms[is_behind],
        found.to_ms[is_behind],
        sessions=sessions,
        order=order,
        lengths=lengths,
        behind=behind,
    )
    plain = np.flatnonzero(found.line > 0)
    of = np.concatenate((plain, is_behind[parts.span]))
    place = np.argsort(of, kind="stable")
    line = np.concatenate((found.line[plain], parts.line))
    from_ms = np.concatenate((found.from_ms[plain], parts.from_ms))
    to_ms = np.concatenate((found.to_ms[plain], parts.to_ms))
    inferred = found.inferred[of] | np.concatenate((np.zeros(len(plain), np.bool_), parts.inferred))
    return replace(
        _chosen(found, of[place]),
        line=line[place],
        from_ms=from_ms[place],
        to_ms=to_ms[place],
        inferred=inferred[place],
    )


def _of(sessions: Sessions, rows: NDArray[np.int64], begins: Any, until: Any, inferred: Any) -> Spans:
    what = sessions.what[rows]
    return Spans(
        hi=sessions.hi[rows],
        lo=sessions.lo[rows],
        length=(what >> 32).astype(np.uint8),
        port_first=(what >> 16 & LAST_PORT).astype(np.uint16),
        port_last=(what & LAST_PORT).astype(np.uint16),
        realm=sessions.realm[rows],
        line=sessions.line[rows],
        source=sessions.source[rows],
        from_ms=begins,
        to_ms=until,
        inferred=inferred,
    )


def _chosen(spans: Spans, which: NDArray[Any]) -> Spans:
    return Spans(**{column.name: getattr(spans, column.name)[which] for column in fields(Spans)})
