"""Signing in and out. The cookie holds a token before there is a session, so that the first form is ours, too."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import RedirectResponse

from sekisho.cases.accounts import people, sessions
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.web.base import tokens
from sekisho.web.base.limits import network_of
from sekisho.web.console import proxied
from sekisho.web.console.navigation import home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from sekisho.cases.accounts.people import Account
    from sekisho.web.console.state import Console

COOKIE = "sekisho_console"
PURPOSE = "own_network_protection"

AT_ONCE = threading.BoundedSemaphore(2)
"""A hash takes 64 MiB and a core for a tenth of a second: however many ask, two are computed at a time."""

_PAGE = re.compile(r"/(?:[a-z0-9][a-z0-9/-]*)?")
"""Where a sign-in may lead: a path of ours, never another host (``//``)."""


def page(console: Console, request: Request, form: Mapping[str, str]) -> Response:
    """The form; or, where a proxy names who it let in, a session at once."""
    del form
    if not proxied.is_on(console):
        return _form(console, request, "")
    if request.query_params.get("out"):
        return _form(console, request, "out")
    name = proxied.person(console, request)
    if not name:
        return _form(console, request, "no_proxy", status=403)
    with reading(console.url) as connection:
        account = people.enabled(connection, name)
    if account is None or not account.roles:
        return _form(console, request, "no_account", status=403, name=name)
    return _begin(console, request, account, request.query_params.get("next", ""))


def sign_in(console: Console, request: Request, form: Mapping[str, str]) -> Response:
    """Name and password against a session; what is wrong is not told, and too often wrong has to wait."""
    if proxied.is_on(console):
        return _form(console, request, "no_proxy", status=403)
    if not tokens.is_ours(tokens.held(request, COOKIE), form.get("form", "")):
        return _form(console, request, "not_our_form", status=403)
    name = form.get("name", "").strip().lower()
    keys = [f"network {network_of(request.client.host if request.client else '')}", f"name {name[:100]}"]
    wait_s = max(console.failures.wait_s(key) for key in keys)
    if wait_s:
        return _form(console, request, "wait", status=429, minutes=-(-wait_s // 60))
    account = _checked(console, name, form.get("password", ""))
    if account is None:
        for key in keys:
            console.failures.note(key)
        return _form(console, request, "wrong", status=403)
    console.failures.forget(keys[1])
    return _begin(console, request, account, form.get("next", ""))


def sign_out(console: Console, request: Request, form: Mapping[str, str]) -> Response:
    """End the session; without one, or with somebody else's form, nothing happens."""
    secret = tokens.held(request, COOKIE)
    # Where a proxy names the person, the page itself would let them in again.
    response = RedirectResponse("/sign-in?out=1" if proxied.is_on(console) else "/sign-in", 303)
    if not tokens.is_ours(secret, form.get("form", "")):
        return response
    with writing(console.url) as connection:
        found = sessions.find(connection, secret, console.clock())
        if found is not None:
            sessions.end(connection, secret, _act(console, found[0].name))
    response.delete_cookie(COOKIE)
    return response


def ask_to(request: Request) -> Response:
    """Lead to the form, and from there back to the page; an act is not repeated."""
    to = request.url.path if request.method == "GET" else ""
    return RedirectResponse(f"/sign-in?next={quote(to)}" if to else "/sign-in", 303)


def _begin(console: Console, request: Request, account: Account, to: str) -> Response:
    with writing(console.url) as connection:
        secret = sessions.begin(connection, account, _act(console, account.name))
    response = RedirectResponse(_safe(to) or home(account.roles), 303)
    tokens.hand_over(request, response, COOKIE, secret)
    return response


def _checked(console: Console, name: str, password: str) -> Account | None:
    with AT_ONCE, reading(console.url) as connection:
        account = people.checked(connection, name, password)
    return account if account is not None and account.roles else None


def _form(
    console: Console, request: Request, problem: str, *, status: int = 200, minutes: int = 0, name: str = ""
) -> Response:
    token = tokens.held(request, COOKIE) or tokens.new_token()
    response = console.pages.page(
        request,
        "sign_in.html",
        status=status,
        problem=problem,
        by_proxy=proxied.is_on(console),
        minutes=minutes,
        name=name[:100],
        next=_safe(request.query_params.get("next", "")),
        form_token=tokens.form_token(token),
        menu=[],
        ask=None,
    )
    tokens.hand_over(request, response, COOKIE, token)
    return response


def _safe(path: str) -> str:
    return path if _PAGE.fullmatch(path) else ""


def _act(console: Console, name: str) -> Act:
    return Act(actor=name, purpose=PURPOSE, at_ms=console.clock())
