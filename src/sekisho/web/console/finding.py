"""Finding the case of a line: what support begins with when somebody calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases import desk
from sekisho.cases.states import State
from sekisho.cases.subscriber import codes

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from starlette.responses import Response

    from sekisho.cases.desk import DeskRow
    from sekisho.web.console.asking import Ask

MAX_TYPED = 200


def page(ask: Ask) -> Response:
    """Cases of a line, by the customer number that stands for it in our lists, by a case's number, or by a code."""
    typed = ask.query("q").strip()[:MAX_TYPED]
    with ask.reading() as connection:
        rows = _found(connection, typed, ask.now_ms) if typed else []
    response: Response = ask.page("find.html", typed=typed, rows=rows)
    return response


def _found(connection: Connection, typed: str, now_ms: int) -> list[DeskRow]:
    everything = tuple(State)
    of_line = desk.worst(connection, desk.Wanted(states=everything, line_id=typed))
    if of_line:
        return of_line
    opens = codes.find(connection, typed, now_ms)
    number = opens.case_id if opens is not None else _number(typed)
    return desk.worst(connection, desk.Wanted(states=everything, number=number)) if number is not None else []


def _number(typed: str) -> int | None:
    text = typed.removeprefix("#")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
