"""In and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from starlette.responses import RedirectResponse

from sekisho.cases.database import writing
from sekisho.cases.subscriber import sessions
from sekisho.web.base import tokens
from sekisho.web.portal.entrance import Denial, Denied, Entered, Wait
from sekisho.web.portal.state import COOKIE

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.portal.state import Visit

MAX_CODE = 60
"""Characters of a code as people type it, with spaces and hyphens."""

STATUS = {Denial.UNAVAILABLE: 503}
"""Every other denial is 403."""


def ask(visit: Visit) -> Response:
    """The entrance; whoever is in already is led on."""
    if visit.case is not None:
        return RedirectResponse("/case", 303)
    return _door(visit, denial="again" if "again" in visit.request.query_params else "")


def enter(visit: Visit) -> Response:
    """Look at what was typed."""
    client = visit.request.client
    outcome = visit.portal.entrance.enter(
        visit.form.get("code", ""), visit.form.get("fact", ""), address=client.host if client is not None else ""
    )
    match outcome:
        case Entered(token=token):
            visit.portal.counts["entered"] += 1
            response = RedirectResponse("/case", 303)
            tokens.hand_over(visit.request, response, COOKIE, token)
            return response
        case Denied(why=why):
            visit.portal.counts[why.value] += 1
            return _door(visit, status=STATUS.get(why, 403), denial=why.value)
        case Wait(seconds=seconds):
            visit.portal.counts["wait"] += 1
            return visit.wait(seconds)
        case _:
            assert_never(outcome)


def leave(visit: Visit) -> Response:
    """End the session; the browser forgets its token."""
    with writing(visit.portal.url) as connection:
        sessions.end(connection, tokens.digest_of(visit.token))
    response = RedirectResponse("/", 303)
    response.delete_cookie(COOKIE)
    return response


def _door(visit: Visit, *, denial: str, status: int = 200) -> Response:
    # Sixteen characters are not typed again because four digits were wrong.
    code = visit.form.get("code", "")[:MAX_CODE]
    return visit.page("entrance.html", status=status, denial=denial, code=code, max_code=MAX_CODE)
