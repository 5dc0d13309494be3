"""The history of who held what: events in, assignments out."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from ipaddress import ip_network
from typing import TYPE_CHECKING, Self

from sekisho.attribution.history import tables
from sekisho.attribution.history.facts import added, first, matching
from sekisho.attribution.history.feed import DELAYS_KEPT, Feed
from sekisho.attribution.history.inside import resolved
from sekisho.attribution.history.spans import Holding, spans
from sekisho.attribution.sources.events import Held, Restarted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sekisho.attribution.history.facts import OfSession
    from sekisho.attribution.history.spans import Span
    from sekisho.attribution.sources.events import Event

DAY_MS = 86_400_000
DEFAULT_RETENTION_MS = 183 * DAY_MS
"""Six months, as long as complaints come in; ``people-and-law`` names it as the longest without a reason."""

DEFAULT_MARGIN_MS = 2000


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
        self._database.execute("begin immediate")
        try:
            for event in events:
                touched |= self._restart(event) if isinstance(event, Restarted) else self._session(event, source)
                feed.watermark_ms = max(feed.watermark_ms, event.at_ms)
                feed.delays_ms.append(event.received_ms - event.at_ms)
            feed.position = position or feed.position
            self._database.execute(
                "insert or replace into source (name, position, watermark_ms, delays) values (?, ?, ?, ?)",
                (source, feed.position, feed.watermark_ms, json.dumps(list(feed.delays_ms))),
            )
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")
        return touched

    def quarantined(self) -> set[str]:
        """Sources whose times are off; what they told counts for nothing."""
        return {feed.name for feed in self._feeds.values() if feed.is_quarantined(self._margin_ms)}

    def settled_until_ms(self, settle_ms: int) -> int:
        """Everything before has been told by every source that is believed; 0 where there is none."""
        left_out = self.quarantined()
        marks = [feed.watermark_ms for feed in self._feeds.values() if feed.name not in left_out]
        return min(marks, default=settle_ms) - settle_ms

    def assignments(self) -> Iterator[tuple[Held, Span]]:
        """Who held what: every span of every prefix; the holders are lines."""
        holdings = self._holdings()
        by_held = {what: list(spans(rows)) for what, rows in holdings.items()}
        yield from resolved(by_held)

    def octets_up(self, line: str, from_ms: int, to_ms: int) -> int:
        """Octets that the sessions of a line within a time counted from it: a measure besides the flows."""
        row = self._database.execute(
            "select sum(octets_up) from session where line = ? and began_ms >= ? and confirmed_ms <= ?",
            (line, from_ms, to_ms),
        ).fetchone()
        return int(row[0] or 0)

    def forget(self, before_ms: int) -> int:
        """Remove the sessions that were over before; answers their number."""
        over = "coalesce(ended_ms, until_ms, confirmed_ms) < ?"
        removed = self._database.execute(f"delete from session where {over}", (before_ms,)).rowcount  # noqa: S608
        self._database.execute("delete from restart where at_ms < ?", (before_ms,))
        return int(removed)

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
        return set(renewed.held)

    def _restart(self, event: Restarted) -> set[Held]:
        self._database.execute("insert or ignore into restart values (?, ?)", (event.server, event.at_ms))
        rows = self._database.execute(
            "select distinct prefix, realm, port_first, port_last from held join session on session.id = held.session "
            "where server = ? and ended_ms is null and began_ms <= ?",
            (event.server, event.at_ms),
        )
        return {
            Held(prefix=ip_network(prefix), realm=realm, port_first=start, port_last=last)
            for prefix, realm, start, last in rows
        }

    def _restarts(self) -> dict[str, list[int]]:
        restarts: defaultdict[str, list[int]] = defaultdict(list)
        for server, at_ms in self._database.execute("select server, at_ms from restart order by at_ms"):
            restarts[server].append(at_ms)
        return restarts

    def _holdings(self) -> dict[Held, list[Holding]]:
        restarts, left_out = self._restarts(), self.quarantined()
        found: defaultdict[Held, list[Holding]] = defaultdict(list)
        for row in self._database.execute(
            "select prefix, realm, port_first, port_last, max(from_ms, began_ms), session.id, server, source, line, "
            "inside_realm, inside_address, confirmed_ms, ended_ms, until_ms, every_ms "
            "from held join session on session.id = held.session"
        ):
            prefix, realm, start, last, began, number, server, source, line, inside_realm, address, *times = row
            if source in left_out:
                continue
            confirmed, ended, until, every = times
            restarted = next((at for at in restarts.get(server, ()) if at > confirmed), None)
            holding = Holding(
                session=number,
                source=source,
                holder=tables.holder_of(line, inside_realm, address),
                began_ms=began,
                confirmed_ms=confirmed,
                ended_ms=ended,
                until_ms=until,
                every_ms=every,
                restarted_ms=restarted,
                watermark_ms=self._feeds[source].watermark_ms,
            )
            found[Held(prefix=ip_network(prefix), realm=realm, port_first=start, port_last=last)].append(holding)
        return found
