"""The audit trail, to be read and verified, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from sekisho.cases.audit import Broken
from sekisho.cases.audit import verify as verified
from sekisho.cases.work_tables import AUDIT
from sekisho.web.console.desk import page_number

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask

ROWS = 100


def page(ask: Ask) -> Response:
    """Rows, the newest first; of one person where the address names one."""
    return _page(ask)


def verify(ask: Ask) -> Response:
    """The same after the whole chain has been walked."""
    with ask.reading() as connection:
        found = verified(connection)
    return _page(ask, verdict=found, is_broken=isinstance(found, Broken))


def _page(ask: Ask, verdict: object = None, *, is_broken: bool = False) -> Response:
    number, who = page_number(ask), ask.query("who")
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(ROWS).offset((number - 1) * ROWS)
    with ask.reading() as connection:
        rows = connection.execute(query.where(AUDIT.c.who == who) if who else query).mappings().all()
    response: Response = ask.page(
        "audit.html", rows=rows, verdict=verdict, is_broken=is_broken, number=number, rows_a_page=ROWS, who=who
    )
    return response
