"""One event: its lines, what waits, many approvals at once, a filter proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse

from sekisho.cases import audit, desk, filters, outbox
from sekisho.cases.now import event_now
from sekisho.cases.states import State
from sekisho.core.errors import NotFound, Refused
from sekisho.web.console.asking import one_of
from sekisho.web.console.desk import ROWS, page_number
from sekisho.web.console.sparkline import sparkline

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from starlette.responses import Response

    from sekisho.cases.now import EventNow
    from sekisho.web.console.asking import Ask

MOST_AT_ONCE = desk.MOST_A_PAGE
"""Notices that one click approves; the daily cap of the policy is lower anyway."""

MAX_HOURS = 168


def page(ask: Ask) -> Response:
    """The event and its cases, the most harmful first."""
    number, at_page = ask.number(), page_number(ask)
    with ask.reading() as connection:
        event = _event(connection, number, ask.now_ms)
        wanted = desk.Wanted(states=tuple(State), event=number)
        waiting = desk.Wanted(event=number, waits=True)
        values: dict[str, Any] = {
            "rows": desk.worst(connection, wanted, limit=ROWS, offset=(at_page - 1) * ROWS),
            "total": desk.how_many(connection, wanted),
            "waiting": desk.how_many(connection, waiting),
        }
    label = ask.console.pages.say(ask.language, "sparkline_label")
    response: Response = ask.page(
        "event.html",
        **values,
        event=event,
        number=at_page,
        rows_a_page=ROWS,
        spark=sparkline(event.active, label=label),
        most_at_once=MOST_AT_ONCE,
        mode=ask.console.policy.mode,
    )
    return response


def approve_all(ask: Ask) -> Response:
    """Approve the drafts of an event's cases; each line is asked about anew, and the page tells what became of each."""
    if ask.form.get("sure") != "yes":
        raise Refused(
            "approve: expected the tick that these lines have been looked at",
            "承認するには、これらの回線を確認したことにチェックを入れてください",
        )
    resolve, outcomes = ask.console.resolve(), {"approved": 0, "held": 0, "withdrawn": 0, "refused": 0}
    with ask.writing() as connection:
        _event(connection, ask.number(), ask.now_ms)
        rows = desk.worst(connection, desk.Wanted(event=ask.number(), waits=True), limit=MOST_AT_ONCE)
        act = ask.act()
        for draft in [draft for row in rows for draft in row.drafts]:
            try:
                state = outbox.approve(connection, draft, act, ask.console.policy, resolve)
            except Refused:
                # Not settled yet, or the case has moved on: it stays a draft, and a person sees it.
                outcomes["refused"] += 1
                continue
            outcomes["withdrawn" if state is outbox.NoticeState.REFUSED else state.value] += 1
        event = {"event": ask.number(), **outcomes}
        audit.append(connection, "bulk_approve", act, details=event)
    response: Response = ask.page("bulk.html", outcomes=outcomes, event=ask.number())
    return response


def filter_text(ask: Ask) -> Response:
    """A filter proposal to be read and applied by a person; nothing is sent."""
    form, hours = one_of("as", ask.form.get("as", ""), filters.FORMS, ja="形式"), ask.form.get("hours", "24")
    if not (hours.isascii() and hours.isdigit() and len(hours) < 4 and 1 <= int(hours) <= MAX_HOURS):
        raise Refused(
            f"hours: expected 1 to {MAX_HOURS}, found {hours!r}",
            f"時間は 1 から {MAX_HOURS} までの数字で入力してください（入力: {hours!r}）",
        )
    with ask.writing() as connection:
        scope = filters.scope_of_event(connection, ask.number(), now_ms=ask.now_ms, hours=int(hours))
        audit.append(connection, "propose_filter", ask.act(), details={"event": ask.number(), "form": form})
    return PlainTextResponse(filters.FORMS[form](scope))


def _event(connection: Connection, number: int, now_ms: int) -> EventNow:
    event = event_now(connection, number, now_ms)
    if event is None:
        raise NotFound("case database", f"expected the number of an event, found E{number}: there is no such event")
    return event
