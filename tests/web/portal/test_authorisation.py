"""Nobody reaches another's case, no other site acts for a subscriber, no answer is without its headers."""

from __future__ import annotations

import secrets

import pytest

from sekisho.measures.model import MeasureState
from sekisho.web.portal.routes import ROUTES
from web.portal.conftest import World, enter, form_of, inside

OF_A_CASE = [route for route in ROUTES if route.needs_session]


@pytest.mark.parametrize("route", OF_A_CASE, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("cookie", ["", "guessed", "x" * 5000, "é"])
def test_without_a_session_there_is_no_case(world: World, route, cookie: str) -> None:
    """Whatever the browser sends as one."""

    async def visit(browser) -> None:
        given = secrets.token_urlsafe(32) if cookie == "guessed" else cookie
        raw = {"Cookie": f"sekisho_portal={given}".encode()} if given else {}
        answer = await browser.request(route.method, route.path, headers=raw)
        if route.method == "GET":
            assert (answer.status_code, answer.headers.get("location")) == (303, "/?again=1")
        else:
            assert answer.status_code == 403

    world.run(visit)


def test_a_session_has_one_case_and_no_request_names_another(world: World) -> None:
    """Numbers in addresses and forms are not looked at."""

    async def visit(browser) -> None:
        page = await inside(browser, world, "L2")
        data = {"measure": "reboot", "state": "claimed", "case": "1", "case_id": "1", "form": form_of(page)}
        await browser.post("/case/measure?case=1", data=data)
        for path in ("/case/1", "/cases/1", "/case?case=1"):
            answer = await browser.get(path)
            assert answer.status_code in {200, 404}
        assert "ほかの機器を探す通信" in (await browser.get("/case?case=1")).text

    world.run(visit)
    assert {row.state for row in world.case("L1").measures} == {MeasureState.OPEN}
    assert MeasureState.CLAIMED in {row.state for row in world.case("L2").measures}


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "POST"], ids=lambda route: route.path)
def test_a_form_of_another_session_or_site_does_nothing(world: World, route) -> None:
    """Neither without the token, nor with somebody else's, nor from another site."""
    tokens: list[str] = []

    async def other(browser) -> None:
        tokens.append(form_of(await inside(browser, world, "L2")))

    async def visit(browser) -> None:
        page = await inside(browser, world)
        for given in ("", tokens[0], "x"):
            data = {"form": given, "measure": "reboot", "state": "claimed"}
            assert (await browser.post(route.path, data=data)).status_code == 403
        data = {"form": form_of(page), "measure": "reboot", "state": "claimed"}
        answer = await browser.post(route.path, data=data, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert (await browser.get("/case")).status_code == 200

    world.run(other)
    world.run(visit)
    assert {row.state for row in world.case("L1").measures} == {MeasureState.OPEN}


def test_forms_of_a_case_are_bounded(world: World) -> None:
    """The audit trail takes a row for each; another household is not held up."""
    from sekisho.web.portal.state import ACTS_AN_HOUR

    async def visit(browser) -> None:
        form = form_of(await inside(browser, world))
        data = {"measure": "reboot", "state": "claimed", "form": form}
        for _ in range(ACTS_AN_HOUR - 1):
            world.portal.acts.note("1")
        statuses = [(await browser.post("/case/measure", data=data)).status_code for _ in range(2)]
        assert statuses == [303, 429]
        assert (await browser.get("/case")).status_code == 200

    async def other(browser) -> None:
        form = form_of(await inside(browser, world, "L2"))
        data = {"measure": "reboot", "state": "claimed", "form": form}
        assert (await browser.post("/case/measure", data=data)).status_code == 303

    world.run(visit)
    world.run(other)


@pytest.mark.parametrize(
    "data", [{}, {"measure": "x", "state": "claimed"}, {"measure": "reboot", "state": "evidenced"}]
)
def test_what_no_form_of_ours_sends_changes_nothing(world: World, data: dict[str, str]) -> None:
    """A measure that there is not; evidence by word."""

    async def visit(browser) -> None:
        form = form_of(await inside(browser, world))
        assert (await browser.post("/case/measure", data=data | {"form": form})).headers["location"] == "/case"

    world.run(visit)
    assert {row.state for row in world.case("L1").measures} == {MeasureState.OPEN}


@pytest.mark.parametrize("path", ["/", "/advice", "/case", "/nothing", "/static/0/x.css", "/openapi.json", "/docs"])
def test_every_answer_has_its_headers(world: World, path: str) -> None:
    """Pages, redirections, what is not there; nothing describes the program."""

    async def visit(browser) -> None:
        answer = await browser.get(path)
        assert answer.status_code == {"/case": 303, "/": 200, "/advice": 200}.get(path, 404)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"

    world.run(visit)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_session_cookie(world: World, scheme: str) -> None:
    """Kept from scripts and other sites; over TLS never sent without it."""

    async def visit(browser) -> None:
        answer = await enter(browser, world.codes["L1"], "5670")
        (cookie,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith("sekisho_portal=")]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert ("Secure" in cookie) is (scheme == "https")
        assert ("strict-transport-security" in answer.headers) is (scheme == "https")

    world.run(visit, scheme=scheme)


@pytest.mark.parametrize(
    ("path", "octets"), [("/", 65 << 10), ("/case/measure", 65 << 10), ("/case/report", 1100 << 10)]
)
def test_a_request_is_bounded(world: World, path: str, octets: int) -> None:
    """Whoever asks; the refusal is a page and says whom to call."""

    async def visit(browser) -> None:
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
            answer = await browser.post(path, content=b"x" * octets, headers={"Content-Type": kind})
            assert (answer.status_code, "0120-000-000" in answer.text) == (413, True)

    world.run(visit)


def test_a_database_that_is_not_there_is_told(world: World, tmp_path) -> None:
    """503 and whom to call, not a trace."""
    gone = World(f"sqlite:///{tmp_path / 'gone.db'}", world.codes)

    async def visit(browser) -> None:
        answer = await enter(browser, world.codes["L1"], "5670")
        assert (answer.status_code, "0120-000-000" in answer.text) == (503, True)
        assert "gone.db" not in answer.text

    gone.run(visit)
