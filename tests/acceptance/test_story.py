"""The whole story in a browser, in real time: cases appear, a person approves, subscribers read, act, and it is over.

`make demo-live` runs everything: routers that export, the collector, the sender, both sites. What people would do is
done here: an operator at 1440 pixels in English and in Japanese, and two subscribers with a phone, one of each
language.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser import PHONE, chromium, scrolls_sideways, shortcomings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
WIDE = {"width": 1440, "height": 900}
START_S, STORY_S = 400.0, 700.0

pytestmark = [pytest.mark.prove, pytest.mark.tool("chromium")]


@dataclass
class Demo:
    """A demo that runs, and where it answers."""

    process: subprocess.Popen[str]
    folder: Path
    about: dict[str, Any]

    def site(self, name: str) -> str:
        return f"http://127.0.0.1:{self.about['ports'][name]}"

    def notices(self) -> list[dict[str, Any]]:
        """What subscribers received."""
        return [json.loads(file.read_text("utf-8")) for file in sorted(self.folder.glob("notices/*/notice.json"))]

    def until(self, holds: Callable[[], Any], wait_s: float = STORY_S) -> Any:
        """Wait for something; the answer, or a failure with what was said so far."""
        end_s = time.monotonic() + wait_s
        while time.monotonic() < end_s:
            if answer := holds():
                return answer
            assert self.process.poll() in {None, 0}, (self.folder / "serve.log").read_text()
            time.sleep(1)
        return pytest.fail((self.folder / "serve.log").read_text())


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    command = [sys.executable, ROOT / "scripts" / "demo_live.py", folder, "--hands-off", "--until-done"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        running = Demo(process, folder, {})
        try:
            about = folder / "demo.json"
            running.until(about.exists, START_S)
            running.about = json.loads(about.read_text("utf-8"))
            yield running
        finally:
            process.terminate()


def picture(page: Page, name: str) -> None:
    """For the README, where it is asked for."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def sign_in(browser: Browser, running: Demo, locale: str) -> Page:
    page = browser.new_context(viewport=WIDE, locale=locale).new_page()
    page.goto(f"{running.site('console')}/sign-in")
    page.fill("#name", running.about["person"])
    page.fill("#password", running.about["password"])
    page.click("main form button")
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def approve_what_waits(page: Page, running: Demo) -> int:
    """Every draft, on the page of its case."""
    approved = 0
    for number in (1, 2, 3):
        page.goto(f"{running.site('console')}/cases/{number}")
        if page.locator("form[action$='/approve'] button").count():
            page.click("form[action$='/approve'] button")
            approved += 1
    return approved


def enter(browser: Browser, running: Demo, notice: dict[str, Any]) -> Page:
    """A subscriber types the code of the notice and the digits of the telephone number."""
    locale = {"ja": "ja-JP", "en": "en-GB"}[notice["language"]]
    page = browser.new_context(viewport=PHONE, locale=locale).new_page()
    page.goto(f"{running.site('portal')}/")
    page.fill("#code", notice["case_code"].lower())
    page.fill("#fact", running.about["digits"])
    page.click("main button[type=submit]")
    page.wait_for_url("**/case")
    return page


def test_the_whole_story(tmp_path: Path) -> None:
    """In both languages; nobody sees what is not theirs to see."""
    with demo(tmp_path / "demo") as running, chromium() as browser:
        english, japanese = (sign_in(browser, running, locale) for locale in ("en-GB", "ja-JP"))
        approved = 0

        def all_told() -> bool:
            nonlocal approved
            approved += approve_what_waits(english, running)
            return len(running.notices()) >= 3

        running.until(all_told)
        assert approved == 3
        japanese.goto(f"{running.site('console')}/cases/2")
        picture(japanese, "console-case-ja")
        phones = {notice["language"]: (enter(browser, running, notice), notice) for notice in running.notices()}
        assert set(phones) == {"ja", "en"}
        for language, (phone, notice) in phones.items():
            assert not scrolls_sideways(phone)
            assert shortcomings(phone) == []
            picture(phone, f"portal-{language}")
            phone.locator("#reboot form button").first.click()
            phone.wait_for_url("**/case*")
            assert notice["line_id"] not in phone.content()
            assert "203.0.113." not in phone.content()
        # What is measured again and again: the flood stops, the case is observed, and the portal says so.
        running.until(lambda: all(says_that_it_is_quiet(running, phone) for phone, _ in phones.values()))

        def closed() -> bool:
            approve_what_waits(english, running)
            return sum(notice["kind"] == "closing" for notice in running.notices()) == 3

        running.until(closed)
        assert running.process.wait(60) == 0


def says_that_it_is_quiet(running: Demo, phone: Page) -> bool:
    """A green box on the subscriber's page."""
    phone.goto(f"{running.site('portal')}/case")
    return phone.locator("main .box.good").count() > 0
