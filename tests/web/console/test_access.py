"""Who gets in where: the whole table, every route with every role, signed out, and with somebody else's form."""

from __future__ import annotations

import pytest

from cases.sending import act
from sekisho.cases.accounts import people, sessions
from sekisho.cases.database import writing
from sekisho.cases.roles import ROLES, Role
from sekisho.web.base.tokens import form_token
from sekisho.web.console.navigation import ENTRIES
from sekisho.web.console.routes import ROUTES, Route
from sekisho.web.console.sign_in import COOKIE
from sekisho.web.console.state import FAILURES
from web.console.test_pages import address
from web.console.world import NOW, PASSWORD, World, token_in

REFUSED = "takes one of these roles"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_lets_in_whom_the_table_names(route: Route, console: World) -> None:
    """Nobody else sees or changes anything; the form's own demands come after."""
    before = console.database("SELECT count(*) FROM audit")
    for role in Role:
        ask = console.get if route.method == "GET" else console.post
        is_allowed = role in ROLES[route.action]
        if is_allowed and route.method == "POST":
            # That it acts is shown elsewhere; here, that it is not the table which stops it.
            answer = console.ask("POST", address(route.path), role, data={"form": "forged"})
            assert "form does not belong" in answer.text
            continue
        answer = ask(address(route.path), role)
        assert (answer.status_code != 403) == is_allowed, (role, answer.status_code)
        assert (REFUSED in answer.text) != is_allowed
    signed_in = len(Role)
    if route.method == "POST":
        after = console.database("SELECT count(*) FROM audit")
        assert after[0][0] - before[0][0] <= signed_in


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_signed_out_nothing_is_shown_or_done(route: Route, console: World) -> None:
    """Every page leads to the form, and an act does as well."""
    answer = console.ask(route.method, address(route.path), cookies={COOKIE: "x" * 43})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_every_form_carries_its_session(console: World) -> None:
    """One of another session, of nobody, or from another site changes nothing."""
    path, form = "/cases/1/escalate", {"reason": "x"}
    mine = console.secret("operator")
    for token in ("", "x", form_token(console.secret("approver"))):
        answer = console.ask("POST", path, "operator", data={**form, "form": token})
        assert answer.status_code == 403
    answer = console.ask(
        "POST", path, "operator", data={**form, "form": form_token(mine)}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert console.database("SELECT state FROM subscriber_case WHERE id = 1") == [("open",)]
    assert console.post(path, "operator", **form).status_code == 303
    assert console.database("SELECT state FROM subscriber_case WHERE id = 1") == [("escalated",)]


def test_the_menu_shows_what_opens(console: World) -> None:
    """For each role: what is in the menu answers, what is not is refused."""
    for role in Role:
        page = console.get("/find", role).text
        for path, _, action in ENTRIES:
            assert (f'href="{path}"' in page.split("</nav>")[0]) == (role in ROLES[action]), (role, path)


def sign_in(console: World, name: str, password: str, **more: str):
    page = console.ask("GET", "/sign-in")
    cookies = {COOKIE: page.cookies[COOKIE]}
    return console.ask(
        "POST",
        "/sign-in",
        cookies=cookies,
        data={"form": token_in(page.text), "name": name, "password": password, **more},
    )


def test_signing_in_gives_a_new_session_and_leads_on(console: World) -> None:
    """The cookie of before is worth nothing; the page that was asked for comes next, and never another site."""
    answer = sign_in(console, " Operator ", PASSWORD, next="/desk")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert console.ask("GET", "/desk", cookies={COOKIE: answer.cookies[COOKIE]}).status_code == 200
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "/desk?x=1"):
        assert sign_in(console, "support", PASSWORD, next=elsewhere).headers["location"] == "/find"


def test_wrong_is_wrong_and_too_often_has_to_wait(console: World) -> None:
    """One sentence for a wrong name, a wrong password, nobody's roles; after ten the right password waits too."""
    answers = {
        sign_in(console, name, word).text.split('role="alert">')[1].split("<")[0]
        for name, word in (
            ("operator", "wrong"),
            ("suzuki", PASSWORD),
            ("nobody", PASSWORD),
            ("operator", ""),
        )
    }
    assert len(answers) == 1
    for _ in range(FAILURES - len(answers) - 3):
        console.console.failures.note("network 127.0.0.1")
    answer = sign_in(console, "operator", PASSWORD)
    assert answer.status_code == 429
    assert "Try again in 15 min" in answer.text


def test_a_sign_in_form_is_ours(console: World) -> None:
    """Nobody is signed in under another's name by a page elsewhere."""
    answer = console.ask("POST", "/sign-in", data={"name": "operator", "password": PASSWORD, "form": ""})
    assert answer.status_code == 403
    assert console.database("SELECT count(*) FROM account_session") == [(0,)]


def test_signing_out_ends_the_session(console: World) -> None:
    """The cookie opens nothing any more; somebody else's form does not sign anybody out."""
    console.ask("POST", "/sign-out", "operator", data={"form": "forged"})
    assert console.get("/desk", "operator").status_code == 200
    console.post("/sign-out", "operator")
    assert console.get("/desk", "operator").status_code == 303


def test_a_session_ends_when_its_time_is_over_or_roles_change(console: World) -> None:
    """Roles hold from the next page on; an idle hour ends it; who is there is noted once a minute."""
    assert console.get("/desk", "operator").status_code == 200
    with writing(console.console.url) as connection:
        people.set_roles(connection, "operator", [Role.SUPPORT], act())
    assert console.get("/desk", "operator").status_code == 403
    console.console.clock = lambda: NOW + sessions.IDLE_MS - 1
    assert console.get("/find", "operator").status_code == 200
    console.console.clock = lambda: NOW + sessions.IDLE_MS + 1000
    assert console.get("/find", "operator").status_code == 200
    console.console.clock = lambda: NOW + 3 * sessions.IDLE_MS
    assert console.get("/find", "operator").status_code == 303


def test_the_first_page_is_the_persons_own(console: World) -> None:
    """The NOC for the desk, the search for support, the form for nobody."""
    for role, path in ((None, "/sign-in"), ("operator", "/noc"), ("support", "/find")):
        assert console.ask("GET", "/", role).headers["location"] == path
