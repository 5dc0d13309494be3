"""``POST /checkup``: a report as the check-up sends it by itself, its person asked; adds to a case, shows nothing.

204 where it was taken; else 403, 413, 422, 429 or 503 with one word that says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from sekisho.cases.database import writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.subscriber import checkup
from sekisho.cases.subscriber.checkup import ReportProblem, ReportRefused
from sekisho.core.errors import InputError
from sekisho.core.log import logger
from sekisho.web.portal.entrance import ACTOR, PURPOSE, Denied, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from sekisho.web.portal.state import Portal

PATH = "/checkup"


def endpoint(portal: Portal) -> Callable[[Request], Awaitable[Response]]:
    """The one path that a program asks."""

    async def take(request: Request) -> Response:
        address = request.client.host if request.client is not None else ""
        return await run_in_threadpool(_answer, portal, await request.body(), address)

    return take


def _answer(portal: Portal, content: bytes, address: str) -> Response:
    try:
        # Whose it is comes first: to validate a large report takes a hundred times longer.
        found = portal.entrance.case_of(checkup.code_of(content), address=address)
        match found:
            case int():
                return _take(portal, found, content)
            case Denied(why=why):
                return JSONResponse({"problem": why.value}, 403)
            case Wait(seconds=seconds):
                return _wait(seconds)
            case _:
                assert_never(found)
    except ReportRefused as error:
        return JSONResponse({"problem": error.problem}, 413 if error.problem is ReportProblem.TOO_LARGE else 422)
    except InputError as error:
        logger().error("a report could not be taken", why=str(error))
        return JSONResponse({"problem": "unavailable"}, 503)


def _take(portal: Portal, case_id: int, content: bytes) -> Response:
    if seconds := portal.acts.wait_s(str(case_id)):
        return _wait(seconds)
    portal.acts.note(str(case_id))
    parsed = checkup.parse(content)
    with writing(portal.url) as connection:
        checkup.take(connection, case_id, parsed, Act(actor=ACTOR, purpose=PURPOSE, at_ms=portal.clock()))
    return Response(status_code=204)


def _wait(seconds: int) -> Response:
    return JSONResponse({"problem": "wait"}, 429, headers={"Retry-After": str(seconds)})
