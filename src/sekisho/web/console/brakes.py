"""The brake: what holds sending and why, pulled by hand too, and its release by a person who has looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from sekisho.cases import brake
from sekisho.cases.outbox import NoticeState
from sekisho.cases.work_tables import BRAKE, NOTICE
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask

PAST = 20
"""Earlier brakes on the page."""


def page(ask: Ask) -> Response:
    """What holds now, how many notices wait for it, and what held before."""
    held = select(func.count()).select_from(NOTICE).where(NOTICE.c.state == NoticeState.HELD)
    is_over = or_(BRAKE.c.released_at.is_not(None), BRAKE.c.until <= ask.now_ms)
    past = select(BRAKE).where(is_over).order_by(BRAKE.c.id.desc()).limit(PAST)
    with ask.reading() as connection:
        values: dict[str, Any] = {
            "holds": brake.holds(connection, ask.now_ms),
            "held": connection.execute(held).scalar_one(),
            "past": connection.execute(past).mappings().all(),
        }
    response: Response = ask.page("brake.html", **values, policy=ask.console.policy)
    return response


def engage(ask: Ask) -> Response:
    """Hold all sending: somebody has seen that something is wrong, such as a subscriber who complains."""
    reason = ask.reason()
    with ask.writing() as connection:
        if any(hold.exporter is None for hold in brake.holds(connection, ask.now_ms)):
            raise Refused("brake: it is on already", "ブレーキはすでに作動しています")
        brake.engage(connection, ask.act(), reason)
    return ask.back_to("/brake", "braked")


def release(ask: Ask) -> Response:
    """Let what was held leave."""
    if ask.form.get("sure") != "yes":
        raise Refused(
            "release: expected the tick that the lines have been looked at",
            "解除するには、回線を確認したことにチェックを入れてください",
        )
    with ask.writing() as connection:
        brake.release(connection, ask.act())
    return ask.back_to("/brake", "released")
