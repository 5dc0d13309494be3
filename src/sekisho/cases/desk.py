"""The desk's list: cases in the order of their harm, a page at a time, however many there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases.outbox import NoticeState
from sekisho.cases.states import OPEN, State
from sekisho.cases.tables import CASE, DETECTION
from sekisho.cases.work_tables import ANSWER, NOTICE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, RowMapping

MOST_A_PAGE = 200
"""Rows that a page or an answer to a program holds at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases.

    Attributes:
        states: any of them.
        kind: in which this was seen; None = whatever was.
        line_id: of this line alone.
        number: this case alone.
        event: with evidence that is part of this event.
        waits: a draft waits for a person, or does not; None = both.
    """

    states: Collection[State] = tuple(sorted(OPEN))
    kind: str | None = None
    line_id: str | None = None
    number: int | None = None
    event: int | None = None
    waits: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRow:
    """One case in the list.

    Attributes:
        kinds: what was seen, the most harmful first.
        peak_bps, peak_pps: of the most harmful.
        first_seen_ms, last_seen_ms: of all its evidence.
        events: numbers of the events that it is part of.
        drafts: numbers of notices that wait for a person.
        told_at_ms: when the last notice that did not come back had left; None = nobody was told.
        is_answered: whether anything came back.
    """

    number: int
    line_id: str
    state: State
    opened_at_ms: int
    kinds: tuple[str, ...]
    peak_bps: float
    peak_pps: float
    first_seen_ms: int
    last_seen_ms: int
    events: tuple[int, ...]
    drafts: tuple[int, ...]
    told_at_ms: int | None
    is_answered: bool


def worst(connection: Connection, wanted: Wanted, *, limit: int = 50, offset: int = 0) -> list[DeskRow]:
    """Cases, the most harmful first."""
    harm = (
        select(
            DETECTION.c.case_id,
            func.max(DETECTION.c.peak_bps).label("bps"),
            func.max(DETECTION.c.peak_pps).label("pps"),
            func.min(DETECTION.c.first_seen).label("first_seen"),
            func.max(DETECTION.c.last_seen).label("last_seen"),
        )
        .group_by(DETECTION.c.case_id)
        .subquery()
    )
    query = (
        select(CASE, harm)
        .join(harm, harm.c.case_id == CASE.c.id)
        .where(*_conditions(wanted))
        .order_by(harm.c.bps.desc(), harm.c.pps.desc(), CASE.c.id)
        .limit(min(limit, MOST_A_PAGE))
        .offset(offset)
    )
    rows = connection.execute(query).mappings().all()
    numbers = [row["id"] for row in rows]
    seen, notices = _seen(connection, numbers), _notices(connection, numbers)
    answered = _answered(connection, numbers)
    return [_row(row, seen[row["id"]], notices[row["id"]], is_answered=row["id"] in answered) for row in rows]


def how_many(connection: Connection, wanted: Wanted) -> int:
    """How many cases the whole list has."""
    return int(connection.execute(select(func.count(CASE.c.id)).where(*_conditions(wanted))).scalar_one())


def by_state(connection: Connection) -> Mapping[State, int]:
    """How many cases are in each state."""
    rows = connection.execute(select(CASE.c.state, func.count()).group_by(CASE.c.state))
    return {State(row[0]): row[1] for row in rows}


def drafts(connection: Connection) -> int:
    """How many notices wait for a person."""
    waiting = NOTICE.c.state == NoticeState.DRAFT
    return int(connection.execute(select(func.count()).select_from(NOTICE).where(waiting)).scalar_one())


def oldest_unanswered(connection: Connection) -> tuple[int, int] | None:
    """The case whose subscriber was told longest ago and has not answered: its number, and when; None = there is none.

    Cases that are quiet wait for nobody.
    """
    waiting = CASE.c.state.in_([State.NOTIFIED, State.RELAPSED])
    answered = select(ANSWER.c.case_id)
    query = (
        select(NOTICE.c.case_id, func.max(NOTICE.c.sent_at).label("told_at"))
        .join(CASE, CASE.c.id == NOTICE.c.case_id)
        .where(waiting, NOTICE.c.state == NoticeState.SENT, NOTICE.c.case_id.not_in(answered))
        .group_by(NOTICE.c.case_id)
        .order_by("told_at", NOTICE.c.case_id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.case_id, row.told_at)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [CASE.c.state.in_(sorted(wanted.states))]
    if wanted.kind is not None:
        found.append(CASE.c.id.in_(select(DETECTION.c.case_id).where(DETECTION.c.kind == wanted.kind)))
    if wanted.line_id is not None:
        found.append(CASE.c.line_id == wanted.line_id)
    if wanted.number is not None:
        found.append(CASE.c.id == wanted.number)
    if wanted.event is not None:
        found.append(CASE.c.id.in_(select(DETECTION.c.case_id).where(DETECTION.c.event_id == wanted.event)))
    if wanted.waits is not None:
        waiting = select(NOTICE.c.case_id).where(NOTICE.c.state == NoticeState.DRAFT)
        found.append(CASE.c.id.in_(waiting) if wanted.waits else CASE.c.id.not_in(waiting))
    return found


def _seen(connection: Connection, numbers: Sequence[int]) -> defaultdict[int, list[RowMapping]]:
    query = select(DETECTION.c.case_id, DETECTION.c.kind, DETECTION.c.event_id).where(DETECTION.c.case_id.in_(numbers))
    return _by_case(connection.execute(query.order_by(DETECTION.c.peak_bps.desc())).mappings().all())


def _notices(connection: Connection, numbers: Sequence[int]) -> defaultdict[int, list[RowMapping]]:
    columns = (NOTICE.c.id, NOTICE.c.case_id, NOTICE.c.state, NOTICE.c.sent_at, NOTICE.c.bounced_at)
    query = select(*columns).where(NOTICE.c.case_id.in_(numbers)).order_by(NOTICE.c.id)
    return _by_case(connection.execute(query).mappings().all())


def _answered(connection: Connection, numbers: Sequence[int]) -> set[int]:
    return set(connection.execute(select(ANSWER.c.case_id).where(ANSWER.c.case_id.in_(numbers))).scalars())


def _by_case(rows: Sequence[RowMapping]) -> defaultdict[int, list[RowMapping]]:
    found: defaultdict[int, list[RowMapping]] = defaultdict(list)
    for row in rows:
        found[row["case_id"]].append(row)
    return found


def _row(row: RowMapping, seen: list[RowMapping], notices: list[RowMapping], *, is_answered: bool) -> DeskRow:
    told = [n["sent_at"] for n in notices if n["state"] == NoticeState.SENT and n["bounced_at"] is None]
    return DeskRow(
        number=row["id"],
        line_id=row["line_id"],
        state=State(row["state"]),
        opened_at_ms=row["opened_at"],
        kinds=tuple(dict.fromkeys(found["kind"] for found in seen)),
        peak_bps=row["bps"],
        peak_pps=row["pps"],
        first_seen_ms=row["first_seen"],
        last_seen_ms=row["last_seen"],
        events=tuple(dict.fromkeys(found["event_id"] for found in seen if found["event_id"] is not None)),
        drafts=tuple(n["id"] for n in notices if n["state"] == NoticeState.DRAFT),
        told_at_ms=max(told, default=None),
        is_answered=is_answered,
    )
