"""The console as an ASGI application: sign-in, the table of routes, files, the API."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from sekisho.cases.accounts import sessions
from sekisho.cases.database import reading, writing
from sekisho.cases.roles import ROLES
from sekisho.core.errors import ConfigError, InputError, NotFound, Refused, SekishoError
from sekisho.core.log import logger
from sekisho.web.api.app import api
from sekisho.web.base import tokens
from sekisho.web.base.headers import BodyLimit, SameSite, SecureHeaders
from sekisho.web.console import proxied, sign_in
from sekisho.web.console.asking import Ask, without_nul
from sekisho.web.console.navigation import home
from sekisho.web.console.routes import ROUTES
from sekisho.web.console.sign_in import COOKIE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from sekisho.cases.accounts.people import Account
    from sekisho.web.console.routes import Route
    from sekisho.web.console.state import Console

MAX_FIELDS = 50
"""The longest form has a dozen."""

TOUCH_WAIT_MS = 200

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""As every page's, and one script file of ours, which asks for the numbers anew."""


def console_app(console: Console) -> ASGIApp:
    """The whole application; inert until a server runs it."""
    app = FastAPI(title="Sekisho", openapi_url=None)
    app.add_route("/", _start(console), methods=["GET"])
    app.add_route("/static/{digest}/{name}", console.static.answer, methods=["GET"])
    app.add_route("/sign-in", _threaded(console, sign_in.page), methods=["GET"])
    app.add_route("/sign-in", _threaded(console, sign_in.sign_in), methods=["POST"])
    app.add_route("/sign-out", _threaded(console, sign_in.sign_out), methods=["POST"])
    app.add_exception_handler(SekishoError, _unavailable)
    for route in ROUTES:
        app.add_route(route.path, _endpoint(console, route), methods=[route.method])
    app.mount("/api/v1", api(console))
    return SecureHeaders(SameSite(BodyLimit(app)))


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form; what is no text is left out."""
    if request.method != "POST":
        return {}
    async with request.form(max_fields=MAX_FIELDS, max_files=0) as form:
        return {name: without_nul(value) for name, value in form.items() if isinstance(value, str)}


def _start(console: Console) -> Callable[[Request], Awaitable[Response]]:
    async def start(request: Request) -> Response:
        found = await run_in_threadpool(_who, console, request)
        return RedirectResponse("/sign-in" if found is None else home(found.roles), 303)

    return start


def _threaded(
    console: Console, answer: Callable[[Console, Request, Mapping[str, str]], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(answer, console, request, await form_of(request))

    return endpoint


def _endpoint(console: Console, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        response = await run_in_threadpool(_answer, console, route, request, await form_of(request))
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return endpoint


def _answer(console: Console, route: Route, request: Request, form: Mapping[str, str]) -> Response:
    """Who asks, whether they may, whether the form is ours; then the answer."""
    account = _who(console, request)
    if account is None:
        return sign_in.ask_to(request)
    secret = tokens.held(request, COOKIE)
    ask = Ask(console=console, request=request, account=account, secret=secret, form=form, now_ms=console.clock())
    if not account.roles & ROLES[route.action]:
        return _told(ask, 403, "not_allowed", detail=", ".join(sorted(ROLES[route.action])))
    if request.method == "POST" and not tokens.is_ours(secret, form.get("form", "")):
        return _told(ask, 403, "not_our_form")
    return _answered(ask, route)


def _answered(ask: Ask, route: Route) -> Response:
    try:
        return route.answer(ask)
    except NotFound as error:
        return _told(ask, 404, "not_found", detail=error.problem)
    except Refused as error:
        return _told(ask, 409, "refused_why", detail=error.text(ask.language), is_ours=True)
    except (InputError, ConfigError) as error:
        logger().warning("the console could not answer", path=route.path, why=str(error))
        return _told(ask, 503, "unavailable", detail=str(error))
    except SekishoError as error:
        return _told(ask, 503, "unavailable", detail=str(error))


def _told(ask: Ask, status: int, what: str, **values: Any) -> Response:
    response: Response = ask.page("told.html", status=status, what=what, **{"detail": "", "is_ours": False, **values})
    return response


def _who(console: Console, request: Request) -> Account | None:
    """The person of the cookie; once a minute it is noted that they are still there."""
    secret = tokens.held(request, COOKIE)
    if not secret:
        return None
    now_ms = console.clock()
    with reading(console.url) as connection:
        found = sessions.find(connection, secret, now_ms)
    if found is None:
        return None
    account, seen_ms = found
    if proxied.is_on(console) and proxied.person(console, request) != account.name:
        return None
    if now_ms - seen_ms >= sessions.TOUCH_MS:
        # A database that is busy writing is no reason to keep anybody from reading; the next page notes it.
        with suppress(InputError), writing(console.url, busy_timeout_ms=TOUCH_WAIT_MS) as connection:
            sessions.touch(connection, secret, now_ms)
    return account


def _unavailable(request: Request, error: Exception) -> Response:
    """Where not even the session could be looked up."""
    logger().warning("the console could not answer", path=request.url.path, why=str(error))
    text = "いまは答えられません。検知は続いています。\nNot available now; detection goes on.\n"
    return PlainTextResponse(text, 503, {"Retry-After": "5"})
