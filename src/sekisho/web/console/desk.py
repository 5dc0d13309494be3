"""The abuse desk: what waits, what it costs, how often we were wrong, and the cases by harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.cases import brake, desk, ladder
from sekisho.cases.effect import mistakes
from sekisho.cases.outbox import spent_today
from sekisho.cases.states import OPEN, State

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask

ROWS = 50
"""Cases on a page."""

MAX_PAGE = 10_000


def page(ask: Ask) -> Response:
    """Counters first, then the list."""
    wanted, number = wanted_of(ask), page_number(ask)
    policy = ask.console.policy
    with ask.reading() as connection:
        rows = desk.worst(connection, wanted, limit=ROWS, offset=(number - 1) * ROWS)
        values: dict[str, Any] = {
            "rows": rows,
            "total": desk.how_many(connection, wanted),
            "states": desk.by_state(connection),
            "drafts": desk.drafts(connection),
            "oldest": desk.oldest_unanswered(connection),
            "unreached": ladder.unreached(connection),
            "spent": spent_today(connection, ask.now_ms),
            "mistakes": mistakes(connection),
            "holds": brake.holds(connection, ask.now_ms),
        }
    response: Response = ask.page(
        "desk.html",
        **values,
        wanted=wanted,
        number=number,
        rows_a_page=ROWS,
        cap=policy.daily_cap,
        mode=policy.mode,
        quiet_now=policy.quiet_hours.hold(ask.now_ms),
        all_states=tuple(State),
        chosen=ask.query("state"),
        waits=ask.query("waits"),
    )
    return response


def propose(ask: Ask) -> Response:
    """Draft the notices that are due by the policy."""
    with ask.writing() as connection:
        drafts = ladder.propose(connection, ask.console.policy, ask.now_ms)
    return ask.back_to("/desk", "proposed" if drafts else "nothing")


def wanted_of(ask: Ask) -> desk.Wanted:
    """What the address asks for; a state that there is not counts as none."""
    state = ask.query("state")
    return desk.Wanted(
        states=[State(state)] if state in set(State) else tuple(sorted(OPEN)),
        kind=ask.query("kind") or None,
        waits=True if ask.query("waits") else None,
    )


def page_number(ask: Ask) -> int:
    """From ``?page=``; 1 where it is none."""
    text = ask.query("page")
    return min(max(int(text), 1), MAX_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 else 1
