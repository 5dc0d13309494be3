"""What goes on at this minute, out of cases and events: for a person who has just been woken."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from sekisho.cases.states import OPEN
from sekisho.cases.tables import CASE, DETECTION, EVENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, RowMapping

MINUTE_MS = 60_000

RUNNING_MS = 10 * MINUTE_MS
"""Exporters hold a flow for minutes before they report it: what was seen within ten is taken to go on."""

MINUTES = 60
"""Of the trend."""

_DAY_MS = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNow:
    """One event.

    Attributes:
        peak_bps, peak_pps: the highest that all its lines sent together within ten seconds.
        lines: that took part in all.
        active: how many of its lines that have a case sent, minute by minute, the present one last; () = not asked.
        is_running: something of it was seen of late.
    """

    number: int
    target: str
    port: int
    protocol: int
    first_seen_ms: int
    last_seen_ms: int
    peak_bps: float
    peak_pps: float
    lines: int
    links: tuple[str, ...]
    exporters: tuple[str, ...]
    active: tuple[int, ...]
    is_running: bool

    @property
    def trend(self) -> int:
        """Lines that send now, less those of ten minutes ago."""
        # The minute that runs is not over, and the one before may not have been exported yet.
        return self.active[-2] - self.active[-12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Everything.

    Attributes:
        events: running ones first, then by peak.
        running: how many of the events go on.
        lines: lines with a case that were seen of late.
        peak_bps, peak_pps: the highest rates of running events, and of lines that are part of none, added up.
        links: link -> (running events, their lines).
        sampled: packets that the routers recorded of what runs.
        loss: the largest lost share of what runs.
    """

    events: tuple[EventNow, ...]
    running: int
    lines: int
    peak_bps: float
    peak_pps: float
    links: Mapping[str, tuple[int, int]]
    sampled: int
    loss: float


def happening(connection: Connection, now_ms: int, *, most: int) -> Now:
    """The present, and the last events of a day, the most harmful of those that run first."""
    since_ms = now_ms - RUNNING_MS
    rows = _events(connection, now_ms - _DAY_MS, since_ms, most)
    active = _active(connection, [row["id"] for row in rows], now_ms)
    events = tuple(_event(row, active[row["id"]], since_ms) for row in rows)
    lately = (DETECTION.c.last_seen > since_ms, CASE.c.state.in_(sorted(OPEN)))
    alone = case((DETECTION.c.event_id.is_(None), 1.0), else_=0.0)
    totals = connection.execute(
        select(
            func.count(DETECTION.c.case_id.distinct()),
            func.coalesce(func.sum(DETECTION.c.peak_bps * alone), 0.0),
            func.coalesce(func.sum(DETECTION.c.peak_pps * alone), 0.0),
            func.coalesce(func.sum(DETECTION.c.sampled_packets), 0),
            func.coalesce(func.max(DETECTION.c.loss), 0.0),
        )
        .join(CASE, CASE.c.id == DETECTION.c.case_id)
        .where(*lately)
    ).one()
    together = connection.execute(
        select(func.count(), func.sum(EVENT.c.peak_bps), func.sum(EVENT.c.peak_pps)).where(EVENT.c.last_seen > since_ms)
    ).one()
    return Now(
        events=events,
        running=together[0],
        lines=totals[0],
        peak_bps=float(totals[1]) + float(together[1] or 0),
        peak_pps=float(totals[2]) + float(together[2] or 0),
        links=_links([event for event in events if event.is_running]),
        sampled=int(totals[3]),
        loss=float(totals[4]),
    )


def events_of_a_day(connection: Connection, now_ms: int, *, most: int) -> list[EventNow]:
    """The events alone, without their trend."""
    since_ms = now_ms - RUNNING_MS
    return [_event(row, (), since_ms) for row in _events(connection, now_ms - _DAY_MS, since_ms, most)]


def event_now(connection: Connection, number: int, now_ms: int) -> EventNow | None:
    """One event, None where there is none of that number."""
    row = connection.execute(select(EVENT).where(EVENT.c.id == number)).mappings().one_or_none()
    if row is None:
        return None
    return _event(row, _active(connection, [number], now_ms)[number], now_ms - RUNNING_MS)


def _events(connection: Connection, day_ms: int, since_ms: int, most: int) -> Sequence[RowMapping]:
    is_running = EVENT.c.last_seen > since_ms
    query = select(EVENT).where(EVENT.c.last_seen > day_ms)
    return connection.execute(query.order_by(is_running.desc(), EVENT.c.peak_bps.desc()).limit(most)).mappings().all()


def _active(connection: Connection, numbers: Sequence[int], now_ms: int) -> dict[int, tuple[int, ...]]:
    """For each event, in how many cases something of it was seen in each of the last minutes."""
    first_ms = now_ms - MINUTES * MINUTE_MS
    changes: defaultdict[int, list[int]] = defaultdict(lambda: [0] * (MINUTES + 1))
    query = select(DETECTION.c.event_id, DETECTION.c.first_seen, DETECTION.c.last_seen).where(
        DETECTION.c.event_id.in_(numbers), DETECTION.c.last_seen > first_ms, DETECTION.c.first_seen <= now_ms
    )
    for event, begins_ms, ends_ms in connection.execute(query):
        begins, ends = (max(0, min(MINUTES - 1, (at_ms - first_ms) // MINUTE_MS)) for at_ms in (begins_ms, ends_ms - 1))
        changes[event][begins] += 1
        changes[event][ends + 1] -= 1
    found = {}
    for number in numbers:
        count, counts = 0, []
        for change in changes[number][:MINUTES]:
            count += change
            counts.append(count)
        found[number] = tuple(counts)
    return found


def _event(row: RowMapping, active: tuple[int, ...], since_ms: int) -> EventNow:
    names = ("target", "port", "protocol", "peak_bps", "peak_pps", "lines")
    return EventNow(
        **{name: row[name] for name in names},
        number=row["id"],
        first_seen_ms=row["first_seen"],
        last_seen_ms=row["last_seen"],
        links=tuple(row["links"]),
        exporters=tuple(row["exporters"]),
        active=active,
        is_running=row["last_seen"] > since_ms,
    )


def _links(running: Sequence[EventNow]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for event in running:
        for link in event.links:
            events, lines = found.get(link, (0, 0))
            found[link] = events + 1, lines + event.lines
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))
