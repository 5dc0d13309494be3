"""What programs may read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import func, select

from sekisho.cases import desk, outbox
from sekisho.cases.audit import Intact, verify
from sekisho.cases.database import reading
from sekisho.cases.effect import effect as counted
from sekisho.cases.now import events_of_a_day
from sekisho.cases.outbox import NoticeState  # noqa: TC001 (FastAPI reads it at run time)
from sekisho.cases.read import get_case
from sekisho.cases.states import OPEN, State
from sekisho.cases.work_tables import AUDIT, NOTICE
from sekisho.core.time import iso
from sekisho.web.api import rows
from sekisho.web.api.asking import Asking  # noqa: TC001 (FastAPI reads it at run time)
from sekisho.web.api.models import MAX_NUMBER, Number, Page
from sekisho.web.console.trust import trust_of

EVENTS_AT_MOST = 200


class Form(StrEnum):
    """As what a list is written."""

    JSON = "json"
    CSV = "csv"


Limit = Annotated[int, Query(ge=1, le=desk.MOST_A_PAGE, description="Rows of one answer.")]
Offset = Annotated[int, Query(ge=0, le=MAX_NUMBER, description="Rows to leave out before.")]
AsForm = Annotated[Form, Query(alias="format", description="JSON, or CSV that no spreadsheet computes.")]
Words = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


def cases(
    caller: Asking,
    state: Annotated[list[State] | None, Query(max_length=len(State))] = None,
    kind: Words = None,
    line_id: Words = None,
    event: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
    waits: Annotated[bool | None, Query(description="Whether a draft waits for a person.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
    form: AsForm = Form.JSON,
) -> Any:
    """Cases, the most harmful first; without a state those that are not closed, of a line all of them."""
    anything = tuple(State) if line_id is not None else tuple(sorted(OPEN))
    wanted = desk.Wanted(states=state or anything, kind=kind, line_id=line_id, event=event, waits=waits)
    with reading(caller.console.url) as connection:
        total = desk.how_many(connection, wanted)
        items = [rows.case_row(row) for row in desk.worst(connection, wanted, limit=limit, offset=offset)]
    return _listed(rows.CASE_COLUMNS, items, total, offset, form)


def case(caller: Asking, number: Number) -> dict[str, Any]:
    """One case with its evidence, measures, history and notices; where the traffic went is not in it."""
    with reading(caller.console.url) as connection:
        found = get_case(connection, number)
        notices = outbox.of_cases(connection, case_id=number)
    return {**found.to_json(), "notices": [rows.notice_row(notice) for notice in notices]}


def events(caller: Asking, form: AsForm = Form.JSON) -> Any:
    """Events of the last 24 hours: those that run first, then by their peak."""
    with reading(caller.console.url) as connection:
        found = events_of_a_day(connection, caller.now_ms, most=EVENTS_AT_MOST)
    items = [rows.event_row(event) for event in found]
    return _listed(rows.EVENT_COLUMNS, items, len(items), 0, form)


def notices(caller: Asking, state: NoticeState | None = None, limit: Limit = 50, offset: Offset = 0) -> Page:
    """Notices, the newest first."""
    states = [] if state is None else [state]
    total = select(func.count()).select_from(NOTICE)
    with reading(caller.console.url) as connection:
        count = connection.execute(total.where(NOTICE.c.state.in_(states)) if states else total).scalar_one()
        found = outbox.newest(connection, states=states, limit=limit, offset=offset)
    items = [rows.notice_row(notice) for notice in found]
    return Page(items=items, total=count, next_offset=_next(items, count, offset))


def effect(caller: Asking, form: AsForm = Form.JSON) -> Any:
    """What notices achieved, beside the lines that got none; mistakes of ours with it."""
    with reading(caller.console.url) as connection:
        found = counted(connection, caller.now_ms)
    items = [
        {
            "kind": row.kind, "channel": row.channel, "cases": row.cases, "clean": row.clean,
            "low_95": row.interval_95[0], "high_95": row.interval_95[1],
        }
        for row in found.rows
    ]  # fmt: skip
    if form is Form.CSV:
        return _csv(rows.EFFECT_COLUMNS, items)
    ours = {name: getattr(found, name) for name in ("wrong_lines", "look_alikes", "complaints", "notices")}
    return {**ours, "rows": items}


def audit(caller: Asking, limit: Limit = 50, offset: Offset = 0, form: AsForm = Form.JSON) -> Any:
    """The audit trail, the newest first."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit).offset(offset)
    with reading(caller.console.url) as connection:
        total = connection.execute(select(func.count()).select_from(AUDIT)).scalar_one()
        items = [rows.audit_row(dict(row)) for row in connection.execute(query).mappings()]
    return _listed(rows.AUDIT_COLUMNS, items, total, offset, form)


def audit_verdict(caller: Asking) -> dict[str, Any]:
    """Whether nothing in the trail was changed, removed or put in."""
    with reading(caller.console.url) as connection:
        found = verify(connection)
    if isinstance(found, Intact):
        return {"intact": True, "rows": found.rows, "digest": found.digest}
    return {"intact": False, "row": found.row, "why": found.why}


def health(caller: Asking) -> dict[str, Any]:
    """Processes, exporters and conditions that hold."""
    trust = trust_of(caller.console.statuses(), caller.now_ms)
    return {
        "well": trust.is_well,
        "collector_told_at": None if trust.told_ms is None else iso(trust.told_ms),
        "delay_s": trust.delay_s,
        "kernel_drops": trust.kernel_drops,
        "shed": trust.shed,
        "unattributed_share": trust.unattributed,
        "processes": [{"name": one.name, "up": one.is_up, "stale": one.is_stale} for one in trust.processes],
        "exporters": [
            {"name": e.name, "silent_s": e.silent_s, "lost_share": e.lost, "coverage": e.coverage, "skew_s": e.skew_s}
            for e in trust.exporters
        ],
        "alarms": list(trust.alarms),
    }


def _listed(columns: tuple[str, ...], items: list[dict[str, Any]], total: int, offset: int, form: Form) -> Any:
    if form is Form.CSV:
        return _csv(columns, items)
    return Page(items=items, total=total, next_offset=_next(items, total, offset))


def _csv(columns: tuple[str, ...], items: list[dict[str, Any]]) -> Response:
    return Response(rows.as_csv(columns, items), media_type="text/csv; charset=utf-8; header=present")


def _next(items: list[dict[str, Any]], total: int, offset: int) -> int | None:
    return offset + len(items) if items and offset + len(items) < total else None
