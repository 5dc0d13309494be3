"""Sign-in by a proxy's word: believed from its address alone, once, and for as long as it says the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from cases.sending import act
from sekisho.cases.accounts import people
from sekisho.cases.database import writing
from sekisho.cases.roles import Role
from sekisho.core.config_web import Console
from sekisho.web.base.peer import NotePeer
from sekisho.web.base.server import WebServer
from sekisho.web.base.tokens import form_token
from sekisho.web.console.sign_in import COOKIE
from web.console.world import NOW, PASSWORD, World

PROXY, ELSEWHERE, USER = "192.0.2.7", "192.0.2.8", "X-Forwarded-User"
SETTINGS = {"proxy_user_header": USER, "trusted_proxies": [PROXY]}


class Browser:
    """Asks from an address, and keeps cookies."""

    def __init__(self, world: World) -> None:
        self.world, self.cookies = world, httpx.Cookies()

    def ask(self, method: str, path: str, *users: str, peer: str = PROXY, **more: Any) -> httpx.Response:
        headers = [("Accept-Language", "en"), *((USER, user) for user in users)]

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(NotePeer(self.world.app), client=(peer, 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://console.example", cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, headers=headers, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(once())

    def get(self, path: str, *users: str, peer: str = PROXY) -> httpx.Response:
        return self.ask("GET", path, *users, peer=peer)


@pytest.fixture
def browser(console: World) -> Iterator[Browser]:
    before = console.console.config
    console.console.config = before.model_copy(update={"console": Console.model_validate(SETTINGS)})
    yield Browser(console)
    console.console.config = before


def test_whom_the_proxy_names_is_in(browser: Browser) -> None:
    """Led to the page that was asked for, without a password; what is done carries the name."""
    answer = browser.get("/noc", "Approver")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/noc")
    answer = browser.get("/sign-in?next=/noc", "Approver")
    assert (answer.status_code, answer.headers["location"]) == (303, "/noc")
    assert browser.get("/noc", "approver").status_code == 200
    assert browser.world.database("SELECT who, action FROM audit ORDER BY id DESC LIMIT 1") == [("approver", "sign_in")]


@pytest.mark.parametrize(
    ("users", "peer"), [(["approver"], ELSEWHERE), ([], PROXY), (["approver", "admin"], PROXY), ([""], PROXY)]
)
def test_nobody_else_is_believed(browser: Browser, users: list[str], peer: str) -> None:
    """Another address, no word, a header that stands there twice, an empty one: no session, and no password either."""
    answer = browser.get("/sign-in", *users, peer=peer)
    assert answer.status_code == 403
    assert "through your organisation" in answer.text
    assert "password" not in answer.text
    form = {"name": "approver", "password": PASSWORD, "form": form_token(browser.cookies[COOKIE])}
    assert browser.ask("POST", "/sign-in", *users, peer=peer, data=form).status_code == 403
    assert browser.get("/noc", *users, peer=peer).status_code == 303


def test_a_session_is_its_persons_alone(browser: Browser) -> None:
    """A stolen cookie opens nothing past the proxy; another person at the same browser is not taken for the first."""
    browser.get("/sign-in", "approver")
    secret = browser.cookies[COOKIE]
    for users, peer in (([], PROXY), (["operator"], PROXY), (["approver"], ELSEWHERE), ([], ELSEWHERE)):
        assert browser.get("/noc", *users, peer=peer).status_code == 303
    form = {"form": form_token(secret), "reason": "x"}
    assert browser.ask("POST", "/cases/1/escalate", "operator", data=form).headers["location"] == "/sign-in"
    assert browser.world.database("SELECT state FROM subscriber_case WHERE id = 1") == [("open",)]
    assert browser.ask("POST", "/cases/1/escalate", "approver", data=form).status_code == 303


@pytest.mark.parametrize("name", ["stranger", "nobody", "<b>x</b>"])
def test_who_has_no_account_is_told(browser: Browser, name: str) -> None:
    """The provider knows them, the console does not, or they have no role: an administrator decides."""
    answer = browser.get("/sign-in", name)
    assert answer.status_code == 403
    assert "no account here" in answer.text
    assert "<b>" not in answer.text


def test_a_disabled_account_is_out_at_once(browser: Browser) -> None:
    """Whatever the provider still says."""
    browser.get("/sign-in", "operator")
    with writing(browser.world.console.url) as connection:
        people.disable(connection, "operator", act(NOW))
    assert browser.get("/noc", "operator").status_code == 303
    assert browser.get("/sign-in", "operator").status_code == 403


def test_signed_out_is_not_in_again_at_once(browser: Browser) -> None:
    """The page says that the provider's session goes on."""
    browser.get("/sign-in", "approver")
    secret = browser.cookies[COOKIE]
    answer = browser.ask("POST", "/sign-out", "approver", data={"form": form_token(secret)})
    page = browser.get(answer.headers["location"], "approver")
    assert (page.status_code, "sign-in goes on" in page.text) == (200, True)
    assert browser.get("/noc", "approver").status_code == 303


def test_without_it_the_header_means_nothing(console: World) -> None:
    """As shipped: whoever sends it sees the form."""
    answer = Browser(console).get("/sign-in", "approver")
    assert (answer.status_code, "password" in answer.text) == (200, True)
    assert Browser(console).get("/noc", "approver").status_code == 303


def test_an_account_without_a_password_opens_no_form(console: World) -> None:
    """Nothing fits it, the mark that stands in its place neither."""
    with writing(console.console.url) as connection:
        people.add(connection, "sso", None, [Role.OPERATOR], act(NOW))
        assert people.checked(connection, "sso", "-") is None


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.2"])
def test_over_a_socket(console: World, peer: str) -> None:
    """The address is the connection's own, whatever ``X-Forwarded-For`` says to those who believe it."""
    before = console.console.config
    settings = Console.model_validate(
        {
            "proxy_user_header": USER,
            "trusted_proxies": ["127.0.0.1"],
            "listen": "127.0.0.1:0",
            "proxies": ["127.0.0.0/8"],
        }
    )
    console.console.config = before.model_copy(update={"console": settings})
    server = WebServer(console.app, settings)
    server.start()
    try:
        transport = httpx.HTTPTransport(local_address=peer)
        headers = {USER: "approver", "X-Forwarded-For": "127.0.0.1"}
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", transport=transport, headers=headers) as client:
            assert client.get("/sign-in").status_code == (303 if peer == "127.0.0.1" else 403)
    finally:
        server.close()
        console.console.config = before


@pytest.mark.parametrize(
    "given",
    [
        {"proxy_user_header": USER},
        {"trusted_proxies": [PROXY]},
        {"proxy_user_header": "Cookie", "trusted_proxies": [PROXY]},
        {"proxy_user_header": "X_User", "trusted_proxies": [PROXY]},
        {"proxy_user_header": USER, "trusted_proxies": ["192.0.2.0/24"]},
    ],
)
def test_a_wrong_configuration_is_refused(given: dict[str, Any]) -> None:
    """One without the other, a header that means something else, whole networks."""
    with pytest.raises(ValidationError):
        Console.model_validate(given)
