"""The portal in a browser on a small phone: nothing is cut off, everything is reached, and the first screen tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from browser import PHONE, scrolls_sideways, shortcomings
from sekisho.core.config_web import Portal
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.web.base.server import WebServer
from web.portal.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.tool("chromium")

LOCALES = {"ja": "ja-JP", "en": "en-GB"}
PAGES = ("/", "/advice", "/case", "/case/restart", "/case/maker", "/case/report")


@pytest.fixture
def base(world: World) -> Iterator[str]:
    """Where the portal answers."""
    server = WebServer(world.app, Portal.model_validate({"listen": "127.0.0.1:0"}))
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, locale=LOCALES["ja"])
    yield context.new_page()
    context.close()


def enter(page: Page, base: str, code: str) -> None:
    page.goto(f"{base}/")
    page.fill("#code", code)
    page.fill("#fact", "5670")
    page.click("main button[type=submit]")
    page.wait_for_url("**/case")


@pytest.mark.parametrize(("language", "theme"), [("ja", "light"), ("en", "dark")])
def test_every_page_fits_and_keeps_nobody_out(
    browser: Browser, base: str, world: World, language: str, theme: str
) -> None:
    """No sideways scrolling, also with large text; no rule of WCAG 2.2 AA broken; nothing that the policy refuses."""
    context = browser.new_context(viewport=PHONE, locale=LOCALES[language], color_scheme=theme)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    enter(page, base, world.codes["L1"])
    page.click("#reboot .words button >> nth=0")
    for path in PAGES[1:]:
        for size in ("large", "normal"):
            page.goto(f"{base}{path}?text={size}")
            assert not scrolls_sideways(page), (path, size)
        assert shortcomings(page) == [], path
    page.click("footer button")
    page.wait_for_url(f"{base}/")
    assert not scrolls_sideways(page)
    assert shortcomings(page) == []
    page.fill("#code", "wrong")
    page.fill("#fact", "1")
    page.click("main button[type=submit]")
    page.wait_for_selector("[role=alert]")
    assert shortcomings(page) == []
    context.close()
    assert [text for text in refused if "403" not in text] == []


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_first_screen_tells_what_was_seen_which_devices_and_the_first_step(
    browser: Browser, base: str, world: World, language: str
) -> None:
    """Before anybody scrolls."""
    context = browser.new_context(viewport=PHONE, locale=LOCALES[language])
    page = context.new_page()
    enter(page, base, world.codes["L1"])
    last = page.locator(".glance > div").nth(3)
    box = last.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"]
    context.close()


def test_everything_is_done_by_keyboard_alone(phone: Page, base: str, world: World) -> None:
    """The way past the header comes first; code, fact, entering, and saying that a measure is done."""
    phone.goto(f"{base}/")
    phone.keyboard.press("Tab")
    assert phone.evaluate("document.activeElement.className") == "skip"
    phone.keyboard.press("Enter")
    phone.keyboard.press("Tab")
    assert phone.evaluate("document.activeElement.id") == "code"
    phone.keyboard.type(world.codes["L1"])
    phone.keyboard.press("Tab")
    phone.keyboard.type("5670")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/case")
    for _ in range(40):
        phone.keyboard.press("Tab")
        if phone.evaluate("document.activeElement.closest('#reboot .words') !== null"):
            break
    outline = phone.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    phone.keyboard.press("Enter")
    phone.wait_for_selector("#reboot .state")
    states = {row.measure: row.state for row in world.case("L1").measures}
    assert states[MeasureId.REBOOT] is MeasureState.CLAIMED


def test_on_paper_nothing_asks_to_be_clicked(phone: Page, base: str, world: World) -> None:
    """Buttons and switches are left out, what a click would open is shown."""
    enter(phone, base, world.codes["L1"])
    phone.click("#reboot .words button >> nth=0")
    phone.wait_for_selector("#reboot .state")
    phone.emulate_media(media="print")
    visible = "[...document.querySelectorAll('button, summary, .languages, .display')].filter(e => e.checkVisibility())"
    assert phone.evaluate(f"{visible}.length") == 0
    assert phone.evaluate("document.querySelector('#reboot details li').checkVisibility({contentVisibilityAuto: true})")


def test_looks_are_kept(phone: Page, base: str) -> None:
    """A choice of language, size and colours holds on the next page."""
    phone.goto(f"{base}/?lang=en")
    phone.click("text=Larger text")
    phone.click("text=Dark")
    phone.goto(f"{base}/advice")
    assert phone.evaluate("[document.documentElement.lang, ...Object.values(document.documentElement.dataset)]") == [
        "en", "dark", "large",
    ]  # fmt: skip
