"""The console in a browser as wide as an operator's: in both languages, light and dark, with and without its script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from browser import scrolls_sideways, shortcomings
from sekisho.cases.roles import ROLES
from sekisho.core.config_web import Console as Where
from sekisho.web.base.server import WebServer
from sekisho.web.console.sign_in import COOKIE
from web.console.test_pages import PAGES, address
from web.console.world import PASSWORD, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.tool("chromium")

WIDE = {"width": 1440, "height": 900}
NO_PAGES = ("/noc/live", "/cases/{number:int}/notice", "/announcement/preview", "/announcements/{number:int}/text")


@pytest.fixture
def base(console: World) -> Iterator[str]:
    server = WebServer(console.app, Where.model_validate({"listen": "127.0.0.1:0"}))
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def signed_in(browser: Browser, base: str, console: World, role: str, **more: Any) -> BrowserContext:
    context = browser.new_context(viewport=WIDE, **more)
    context.add_cookies([{"name": COOKIE, "value": console.secret(role), "url": base}])
    return context


@pytest.mark.parametrize(("locale", "theme"), [("ja-JP", "light"), ("en-GB", "dark")])
def test_every_page_fits_and_keeps_nobody_out(
    browser: Browser, base: str, console: World, locale: str, theme: str
) -> None:
    """No sideways scrolling, no rule of WCAG 2.2 AA broken, nothing that the policy refuses."""
    said: list[str] = []
    for role in ("approver", "admin", "support"):
        context = signed_in(browser, base, console, role, locale=locale, color_scheme=theme)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        for route in PAGES:
            is_new = role == "approver" or "approver" not in ROLES[route.action] or route.path.startswith("/cases")
            if route.path in NO_PAGES or role not in ROLES[route.action] or not is_new:
                continue
            page.goto(base + address(route.path))
            assert not scrolls_sideways(page), route.path
            assert shortcomings(page) == [], route.path
        context.close()
    assert said == []


@pytest.mark.parametrize("locale", ["ja-JP", "en-GB"])
def test_the_menu_stands_in_one_row(browser: Browser, base: str, console: World, locale: str) -> None:
    """Also for somebody who may do everything."""
    context = signed_in(browser, base, console, "everything", locale=locale)
    page = context.new_page()
    page.goto(f"{base}/announcement")
    height, row = page.evaluate("['.top', '.menu a'].map(part => document.querySelector(part).offsetHeight)")
    assert height < 2 * row
    context.close()


def test_the_numbers_are_renewed_and_old_ones_are_marked(browser: Browser, base: str, console: World) -> None:
    """The script replaces them; where the server does not answer, the reader sees that they are old."""
    context = signed_in(browser, base, console, "operator", locale="en-GB")
    page = context.new_page()
    page.goto(f"{base}/noc")
    assert "Nothing is being measured" not in page.inner_text("#live")
    console.console.statuses = list
    page.evaluate("renew()")
    page.wait_for_selector("text=Nothing is being measured")
    page.route("**/noc/live", lambda route: route.abort())
    page.evaluate("renew()")
    page.wait_for_selector("#live.stale")
    context.close()


def test_a_shift_without_script(browser: Browser, base: str, console: World) -> None:
    """Signing in, looking at the worst case, approving its notice, signing out: forms and links alone."""
    context = browser.new_context(viewport=WIDE, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{base}/desk?waits=1")
    page.fill("#name", "approver")
    page.fill("#password", PASSWORD)
    page.click("main button")
    assert page.url == f"{base}/desk"
    page.click("text=L-0002")
    page.click("button:has-text('Approve')")
    assert "Withdrawn" in page.inner_text("[role=status]")
    page.click("button:has-text('Sign out')")
    assert page.url == f"{base}/sign-in"
    assert console.database("SELECT state FROM subscriber_case WHERE id = 4") == [("withdrawn",)]
    context.close()
