"""The portal as an ASGI application: who is in, whether a form is ours, the table of routes, what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from sekisho.cases.subscriber.checkup import MAX_OCTETS
from sekisho.core.errors import InputError, Refused
from sekisho.core.log import logger
from sekisho.web.base.headers import BodyLimit, SameSite, SecureHeaders
from sekisho.web.portal import uploads
from sekisho.web.portal.routes import REPORT, ROUTES
from sekisho.web.portal.state import Upload, Visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from sekisho.web.portal.routes import Route
    from sekisho.web.portal.state import Portal

MAX_FIELDS = 30
"""The longest form has a dozen."""

ENVELOPE_OCTETS = 8 << 10
"""What a form adds to the file in it."""

_TOLD = {404: "not_there", 405: "not_there", 413: "too_large"}
"""Status -> text; every other one is told as something that went wrong."""


def portal_app(portal: Portal) -> ASGIApp:
    """The whole application; inert until a server runs it."""
    app = FastAPI(title="Sekisho", openapi_url=None)
    app.add_route("/static/{digest}/{name}", portal.static.answer, methods=["GET"])
    app.add_route(uploads.PATH, uploads.endpoint(portal), methods=["POST"])
    for route in ROUTES:
        app.add_route(route.path, _endpoint(portal, route), methods=[route.method])
    app.add_exception_handler(HTTPException, _refusal(portal))
    return SecureHeaders(
        SameSite(BodyLimit(app, larger=dict.fromkeys((REPORT, uploads.PATH), MAX_OCTETS + ENVELOPE_OCTETS)))
    )


def _endpoint(portal: Portal, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answer, await _visit(portal, request), route)

    return endpoint


async def _visit(portal: Portal, request: Request) -> Visit:
    form: dict[str, str] = {}
    uploads: dict[str, Upload] = {}
    if request.method == "POST":
        async with request.form(max_fields=MAX_FIELDS, max_files=1) as given:
            for name, value in given.multi_items():
                if isinstance(value, UploadFile):
                    uploads[name] = Upload(content=await value.read(MAX_OCTETS + 1))
                else:
                    form[name] = value
    return Visit(portal=portal, request=request, form=form, uploads=uploads)


def _answer(visit: Visit, route: Route) -> Response:
    """Whether the form is ours, who is in, whether it is not too often; then the answer."""
    try:
        if visit.request.method == "POST" and not visit.is_our_form:
            return _told(visit, 403, "not_our_form")
        return _of_session(visit, route) if route.needs_session else route.answer(visit)
    except Refused:
        # The case was closed, or a measure shown, since the page was made: the page as it is now says so.
        return RedirectResponse("/case", 303)
    except InputError as error:
        logger().error("the portal could not answer", path=route.path, why=str(error))
        return _told(visit, 503, "unavailable")


def _of_session(visit: Visit, route: Route) -> Response:
    if visit.case is None:
        return RedirectResponse("/?again=1", 303)
    if visit.request.method == "POST":
        key = str(visit.case.number)
        if seconds := visit.portal.acts.wait_s(key):
            return visit.wait(seconds)
        visit.portal.acts.note(key)
    return route.answer(visit)


def _told(visit: Visit, status: int, what: str) -> Response:
    return visit.page("told.html", status=status, what=what, minutes=0)


def _refusal(portal: Portal) -> Callable[[Request, Exception], Response]:
    def refuse(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        visit = Visit(portal=portal, request=request, form={}, uploads={})
        return _told(visit, status, _TOLD.get(status, "went_wrong"))

    return refuse
