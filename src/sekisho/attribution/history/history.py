"""The history of who held what: events in, assignments out."""

from __future__ import annotations

import functools
import json
from collections import defaultdict, deque
from contextlib import contextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Self

from sekisho.attribution.history import tables
from sekisho.attribution.history.columns import read_told
from sekisho.attribution.history.facts import added, first, matching
from sekisho.attribution.history.feed import DELAYS_KEPT, Feed
from sekisho.attribution.history.inside import lines_of
from sekisho.attribution.history.spans import MISSED_CONFIRMS, Holding, spans
from sekisho.attribution.sources.events import LAST_PORT, Held, Restarted
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.core.address import prefix_words, to_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sekisho.attribution.history.columns import Told
    from sekisho.attribution.history.facts import OfSession
    from sekisho.attribution.history.spans import Span
    from sekisho.attribution.sources.events import Event
    from sekisho.core.address import IPAddress

DAY_MS = 86_400_000
DEFAULT_RETENTION_MS = 183 * DAY_MS
"""Six months, as long as complaints come in; ``people-and-law`` names it as the longest without a reason."""

DEFAULT_MARGIN_MS = 2000


_HELD = "hi, lo, length, realm, port_first, port_last"
_SOURCE = 9
"""Place of the source among the cells of a holding."""
_HOLDINGS = (
    "select hi, lo, length, realm, port_first, port_last, max(from_ms, began_ms), session.id, server, source, "
    "line.name, inside_realm, inside_hi, inside_lo, confirmed_ms, ended_ms, until_ms, every_ms "
    "from held join session on session.id = held.session left join line on line.id = session.line"
)
_OF_HELD = " where hi = ? and lo = ? and length = ? and realm = ? and port_first = ? and port_last = ?"
_NOT_OVER = " and max(ifnull(ended_ms, ifnull(until_ms, 1 << 62)), from_ms, began_ms) > ?"


class History:
    """Facts on disk. One thread at a time.

    Args:
        path: SQLite file; in memory without one.
        margin_ms: median delay beyond which a source is quarantined.

    Attributes:
        unopened: events about sessions of which no holder or nothing held was ever told.
    """

    def __init__(self, path: Path | None = None, *, margin_ms: int = DEFAULT_MARGIN_MS) -> None:
        self._database = tables.connect(path)
        self._margin_ms = margin_ms
        self.unopened = 0
        self._known_lengths: frozenset[tuple[int, int]] | None = None
        self._feeds = {
            name: Feed(name, position, watermark, deque(json.loads(delays), maxlen=DELAYS_KEPT))
            for name, position, watermark, delays in self._database.execute(
                "select name, position, watermark_ms, delays from source"
            )
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """What is known of each source."""
        return self._feeds

    def apply(self, source: str, events: Iterable[Event], *, position: str = "") -> set[Held]:
        """Add what a source told, and how far it was read: both or neither are on the disk afterwards.

        Returns:
            What the sessions that were touched hold.
        """
        feed = self._feeds.setdefault(source, Feed(source))
        touched: set[Held] = set()
        with self._whole():
            for event in events:
                touched |= self._restart(event) if isinstance(event, Restarted) else self._session(event, source)
                feed.watermark_ms = max(feed.watermark_ms, event.at_ms)
                feed.delays_ms.append(event.received_ms - event.at_ms)
            feed.position = position or feed.position
            self._database.execute(
                "insert or replace into source (name, position, watermark_ms, delays) values (?, ?, ?, ?)",
                (source, feed.position, feed.watermark_ms, json.dumps(list(feed.delays_ms))),
            )
        return touched

    def quarantined(self) -> set[str]:
        """Sources whose times are off; what they told counts for nothing."""
        return {feed.name for feed in self._feeds.values() if feed.is_quarantined(self._margin_ms)}

    def settled_until_ms(self, settle_ms: int) -> int:
        """Everything before has been told by every source that is believed; 0 where there is none."""
        left_out = self.quarantined()
        marks = [feed.watermark_ms for feed in self._feeds.values() if feed.name not in left_out]
        return min(marks, default=settle_ms) - settle_ms

    @property
    def held(self) -> int:
        """Number of holds, of any time."""
        return int(self._database.execute("select count(*) from held").fetchone()[0])

    def told(self, *, since_ms: int = OPEN_FROM_MS) -> Told:
        """Who held what: every span of every prefix that was not over before; the holders are lines."""
        return read_told(self._database, self._feeds, self.quarantined(), since_ms=since_ms)

    def spans_of(self, held: Held, *, since_ms: int) -> list[Span]:
        """Who held one thing, as far as that was not over before ``since_ms``; the holders are lines."""
        mine = [span for span in self._spans(held, since_ms) if span.to_ms > since_ms]
        # A block of ports may be older, and so may be whoever decides about its line.
        oldest_ms = min((span.from_ms for span in mine), default=since_ms)
        spans_of = functools.partial(self._spans, since_ms=oldest_ms)
        return [span for span in lines_of(mine, spans_of, self._lengths()) if span.to_ms > since_ms]

    def around(self, address: IPAddress, *, realm: str) -> Iterator[tuple[Held, Span]]:
        """Who held an address, whole or by its ports, or a prefix that it lies in, at any time; holders are lines."""
        for _, length in filter(lambda known: known[0] == address.version, self._lengths()):
            prefix = ip_network((address, length), strict=False)
            ports = self._database.execute(
                "select distinct port_first, port_last from held where hi = ? and lo = ? and length = ? and realm = ?",
                (*prefix_words(prefix), realm),
            )
            for port_first, port_last in ports.fetchall():
                held = Held(prefix=prefix, realm=realm, port_first=port_first, port_last=port_last)
                yield from ((held, span) for span in self.spans_of(held, since_ms=OPEN_FROM_MS))

    def behind(self, held: Held) -> set[Held]:
        """What sessions hold whose holder is an inside address of a prefix: its lines follow from the prefix's."""
        if (held.port_first, held.port_last) != (0, LAST_PORT):
            return set()
        hi, lo, length = prefix_words(held.prefix)
        last_hi, last_lo = to_words(held.prefix[-1])
        # The lower word counts only where the prefix reaches into it.
        lower = (lo, last_lo) if length > 64 else (-1 << 63, (1 << 63) - 1)
        rows = self._database.execute(
            f"select distinct {_HELD} from session join held on held.session = session.id "  # noqa: S608 - a constant
            "where inside_hi between ? and ? and inside_lo between ? and ? and inside_realm = ?",
            (hi, last_hi, *lower, held.realm),
        )
        return {tables.held_of(*cells) for cells in rows}

    def lapsed(self, source: str, from_ms: int, to_ms: int) -> set[Held]:
        """What sessions hold of which so many promised confirmations stayed away until a time between the two."""
        rows = self._database.execute(
            f"select distinct {_HELD} from session join held on held.session = session.id "  # noqa: S608 - a constant
            "where ended_ms is null and every_ms is not null and source = ? "
            "and confirmed_ms + every_ms * ? > ? and confirmed_ms + every_ms * ? <= ?",
            (source, MISSED_CONFIRMS, from_ms, MISSED_CONFIRMS, to_ms),
        )
        return {tables.held_of(*cells) for cells in rows}

    def octets_up(self, line: str, from_ms: int, to_ms: int) -> int:
        """Octets that the sessions of a line within a time counted from it: a measure besides the flows."""
        row = self._database.execute(
            "select sum(octets_up) from session join line on line.id = session.line "
            "where line.name = ? and began_ms >= ? and confirmed_ms <= ?",
            (line, from_ms, to_ms),
        ).fetchone()
        return int(row[0] or 0)

    def forget(self, before_ms: int) -> int:
        """Remove the sessions that were over before; answers their number.

        What has held from the beginning of time is computed and not recorded: nobody confirms it, and it is never over.
        """
        over = "coalesce(ended_ms, until_ms, nullif(confirmed_ms, ?)) < ?"
        query = f"delete from session where {over}"  # noqa: S608 - a constant
        removed = self._database.execute(query, (OPEN_FROM_MS, before_ms)).rowcount
        self._database.execute("delete from restart where at_ms < ?", (before_ms,))
        return int(removed)

    def told_by(self, name: str) -> int:
        """Sessions that a source has told of and that are not forgotten."""
        query = "select count(*) from session where source = ?"
        return int(self._database.execute(query, (name,)).fetchone()[0])

    def forget_source(self, name: str) -> None:
        """Remove a source with all that it told."""
        with self._whole():
            self._database.execute("delete from session where source = ?", (name,))
            self._database.execute("delete from source where name = ?", (name,))
        self._feeds.pop(name, None)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Everything that is written in here, or nothing."""
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

    def _session(self, event: OfSession, source: str) -> set[Held]:
        known = dict(tables.sessions_named(self._database, event.server, event.session))
        facts = matching(known.values(), event)
        number = next((number for number, one in known.items() if one is facts), None)
        renewed = first(event, source) if facts is None else added(facts, event)
        if renewed is None:
            self.unopened += 1
            return set()
        if renewed != facts:
            tables.write_session(self._database, number, renewed)
            self._note_lengths(renewed.held)
        return set(renewed.held)

    def _restart(self, event: Restarted) -> set[Held]:
        self._database.execute("insert or ignore into restart values (?, ?)", (event.server, event.at_ms))
        rows = self._database.execute(
            f"select distinct {_HELD} from held join session on session.id = held.session "  # noqa: S608 - a constant
            "where server = ? and ended_ms is null and began_ms <= ?",
            (event.server, event.at_ms),
        )
        return {tables.held_of(*cells) for cells in rows}

    def _restarts(self) -> dict[str, list[int]]:
        restarts: defaultdict[str, list[int]] = defaultdict(list)
        for server, at_ms in self._database.execute("select server, at_ms from restart order by at_ms"):
            restarts[server].append(at_ms)
        return restarts

    def _spans(self, held: Held, since_ms: int) -> list[Span]:
        cells = (*prefix_words(held.prefix), held.realm, held.port_first, held.port_last)
        recent = list(self._of_held(_HOLDINGS + _OF_HELD + _NOT_OVER, (*cells, since_ms)))
        if any(one.ended_ms is None and one.confirmed_ms <= since_ms for one in recent):
            # Its end was not told: a session that is over meanwhile may have ended it.
            recent = list(self._of_held(_HOLDINGS + _OF_HELD, cells))
        return list(spans(recent))

    def _of_held(self, query: str, parameters: Sequence[Any]) -> Iterator[Holding]:
        restarts, left_out = self._restarts(), self.quarantined()
        for cells in self._database.execute(query, parameters).fetchall():
            if cells[_SOURCE] not in left_out:
                yield self._holding(cells[6:], restarts)

    def _note_lengths(self, held: Iterable[Held]) -> None:
        if self._known_lengths is not None:
            self._known_lengths |= {(what.prefix.version, what.prefix.prefixlen) for what in held}

    def _lengths(self) -> frozenset[tuple[int, int]]:
        """Version and length of every prefix that anything holds; they come rarely and never go."""
        if self._known_lengths is None:
            rows = self._database.execute("select distinct length, hi = 0 and lo >> 32 = 65535 from held")
            self._known_lengths = frozenset((4, n - 96) if mapped and n >= 96 else (6, n) for n, mapped in rows)
        return self._known_lengths

    def _holding(self, cells: Sequence[Any], restarts: Mapping[str, Sequence[int]]) -> Holding:
        began, number, server, source, line, realm, hi, lo, confirmed, ended, until, every = cells
        return Holding(
            session=number,
            source=source,
            holder=tables.holder_of(line, realm, hi, lo),
            began_ms=began,
            confirmed_ms=confirmed,
            ended_ms=ended,
            until_ms=until,
            every_ms=every,
            restarted_ms=next((at for at in restarts.get(server, ()) if at > confirmed), None),
            watermark_ms=self._feeds[source].watermark_ms,
        )
