"""What is happening now: events, links, and how far the numbers can be trusted; one page for three in the morning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.cases import brake, desk
from sekisho.cases.now import MINUTE_MS, happening
from sekisho.web.console.links import links_now
from sekisho.web.console.sparkline import sparkline
from sekisho.web.console.trust import trust_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask

EVENTS = 20
"""Events on the page; the worst are first."""


def page(ask: Ask) -> Response:
    """The whole page."""
    response: Response = ask.page("noc.html", **_values(ask))
    return response


def live(ask: Ask) -> Response:
    """Its changing part alone, for the script that asks every few seconds."""
    response: Response = ask.page("noc_live.html", **_values(ask))
    return response


def _values(ask: Ask) -> dict[str, Any]:
    with ask.reading() as connection:
        now = happening(connection, ask.now_ms, most=EVENTS)
        waiting = desk.drafts(connection)
        holds = brake.holds(connection, ask.now_ms)
    statuses = ask.console.statuses()
    label = ask.console.pages.say(ask.language, "sparkline_label")
    return {
        "now": now,
        "sparks": {event.number: sparkline(event.active, label=label) for event in now.events},
        "minutes": len(now.events[0].active) if now.events else 0,
        "minute_ms": MINUTE_MS,
        "trust": trust_of(statuses, ask.now_ms),
        "links": links_now(ask.console.config.link, statuses, now.links),
        "waiting": waiting,
        "holds": holds,
        "mode": ask.console.policy.mode,
    }
