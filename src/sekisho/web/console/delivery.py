"""The outbox: what waits, what left, what came back, and what is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from sekisho.cases import brake, ladder, outbox
from sekisho.cases.outbox import NoticeState
from sekisho.cases.work_tables import NOTICE
from sekisho.web.console.desk import page_number

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask

ROWS = 100


def page(ask: Ask) -> Response:
    """Counts by state, then notices, the newest first."""
    number, chosen = page_number(ask), ask.query("state")
    states = [chosen] if chosen in set(NoticeState) else []
    with ask.reading() as connection:
        by_state = connection.execute(select(NOTICE.c.state, func.count()).group_by(NOTICE.c.state))
        counts = {row[0]: row[1] for row in by_state}
        bounced = select(func.count()).select_from(NOTICE).where(NOTICE.c.bounced_at.is_not(None))
        values: dict[str, Any] = {
            "counts": counts,
            "bounced": connection.execute(bounced).scalar_one(),
            "notices": outbox.newest(connection, states=states, limit=ROWS, offset=(number - 1) * ROWS),
            "unreached": ladder.unreached(connection),
            "spent": outbox.spent_today(connection, ask.now_ms),
            "holds": brake.holds(connection, ask.now_ms),
        }
    response: Response = ask.page(
        "delivery.html",
        **values,
        total=sum(counts.get(state, 0) for state in states or counts),
        policy=ask.console.policy,
        quiet_now=ask.console.policy.quiet_hours.hold(ask.now_ms),
        all_states=tuple(NoticeState),
        chosen=chosen,
        number=number,
        rows_a_page=ROWS,
    )
    return response
