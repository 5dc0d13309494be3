"""What does not go as planned, in a browser, in both languages.

It comes back, it was another line, there is too much at once, and everybody has to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.walk import People, served, world
from browser import chromium, scrolls_sideways, shortcomings
from cases.documents import MINUTE_MS, T0_MS, event
from notices.channels.mail_server import MailServer, mail_server

if TYPE_CHECKING:
    from email.message import EmailMessage

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.prove, pytest.mark.tool("chromium"), pytest.mark.tool("exim4")]

Open = Callable[..., AbstractContextManager[People]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(params=["ja", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def walk(browser: Browser, server: MailServer, language: str, tmp_path: Path) -> Open:
    @contextmanager
    def opened(**rules: Any) -> Iterator[People]:
        with served(world(tmp_path, language, server, **rules), browser) as people:
            yield people

    return opened


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def code_in(mail: EmailMessage) -> str:
    """The line of the mail that is a code."""
    return next(line.strip() for line in text_of(mail).splitlines() if len(line.strip()) == 19 and line.count("-") == 3)


def is_well(page: Any) -> None:
    assert not scrolls_sideways(page)
    assert shortcomings(page) == []


def test_what_comes_back_is_told_as_that(walk: Open, language: str) -> None:
    """A case is closed, the flood begins again: the same case, and the second message says that it came back."""
    with walk(ladder=[{"channel": "mail", "after_days": 0}]) as people:
        there = people.walk
        there.saw("L1", kind="scan")
        there.round()
        people.approve(1)
        (first,) = there.round()
        phone = people.enter(code_in(first))
        phone.click("#reboot form button >> nth=0")
        phone.wait_for_selector("#reboot .state")
        there.quiet("L1", days=5)
        assert {"ja": "解決", "en": "resolved"}[language] in people.go("/cases/1").inner_text("h1")
        there.saw("L1", kind="scan")
        there.round()
        page = people.go("/cases/1")
        assert {"ja": "再発", "en": "relapsed"}[language] in page.inner_text("h1")
        assert {"ja": "再発の通知", "en": "relapse"}[language] in page.inner_text(".waiting-notices")
        people.approve(1)
        (second,) = there.round()
        assert {"ja": "また見られています", "en": "has come back"}[language] in people.go("/cases/1").inner_text("main")
        assert {"ja": "ふたたび", "en": "again"}[language] in text_of(second)
        assert second["to"] == first["to"]
        assert code_in(second) == code_in(first)
        phone = people.enter(code_in(second))
        assert {"ja": "また見られました", "en": "has come back"}[language] in phone.inner_text(".box.warn")
        # What was said to be done before is asked for once more, and can be said again.
        assert {"ja": "もう一度", "en": "once more"}[language] in phone.inner_text("#reboot .again")
        is_well(phone)
        phone.click("#reboot form button >> nth=0")
        phone.wait_for_selector("#reboot.done")


def test_who_was_told_by_mistake_is_told_so(walk: Open, language: str) -> None:
    """A list of assignments is corrected: the console withdraws, the portal says so, and a correction leaves."""
    with walk() as people:
        there = people.walk
        there.saw("L2", top_targets=[{"prefix": "203.0.113.0/24", "port": 443, "protocol": 17, "share": 1.0}])
        there.round()
        people.approve(1)
        (first,) = there.round()
        there.now_ms += 30 * MINUTE_MS
        corrected = there.lines | {"L2": there.lines["L3"], "L3": there.lines["L2"]}
        there.assign(corrected)
        page = people.go("/cases/1?line=ask")
        assert {"ja": "別の回線", "en": "Another line"}[language] in page.inner_text(".halves section >> nth=0")
        page.fill("#withdraw-reason", {"ja": "割り当ての訂正", "en": "the list was corrected"}[language])
        page.click("form[action$='/withdraw'] button")
        page.wait_for_selector("[role=status]")
        assert {"ja": "取り下げ", "en": "withdrawn"}[language] in page.inner_text("h1")
        phone = people.enter(code_in(first))
        told = phone.inner_text("main")
        assert {"ja": "誤りでした", "en": "mistake of ours"}[language] in told
        assert phone.locator(".glance, .step, form[action^='/case/']").count() == 0
        is_well(phone)
        assert there.round() == []
        people.approve(1)
        (correction,) = there.round()
        assert correction["to"] == first["to"]
        assert {"ja": "訂正とお詫び", "en": "A correction"}[language] in correction["subject"]
        assert code_in(correction) == code_in(first)
        assert there.round() == []


def test_the_brake_holds_until_somebody_has_looked(walk: Open, language: str) -> None:
    """Too many lines at once: sending stops, every page says why, one click releases it and what was approved leaves.

    The same by hand, after a complaint.
    """
    with walk(brake={"new_lines": 3}) as people:
        there = people.walk
        there.saw("L1")
        there.round()
        people.approve(1)
        there.saw("L4", "L5", "L6")
        assert there.round() == []
        for path in ("/noc", "/desk", "/brake"):
            page = people.go(path)
            words = {"ja": "新しい回線が 4 本", "en": "4 new lines appeared"}[language]
            assert words in page.inner_text(".box.bad >> nth=-1"), path
        is_well(page)
        release(people)
        assert [mail["to"] for mail in there.round()] == ["l1@customer.example"]
        there.now_ms += 15 * MINUTE_MS
        page = people.go("/brake")
        page.fill("#brake-reason", {"ja": "お客様からの苦情", "en": "a complaint"}[language])
        page.click("form[action='/brake/engage'] button")
        page.wait_for_selector("[role=status]")
        people.approve(2)
        assert {"ja": "ブレーキ", "en": "brake"}[language] in people.desk.inner_text("[role=status]")
        assert there.round() == []
        release(people)
        assert [mail["to"] for mail in there.round()] == ["l4@customer.example"]


def release(people: People) -> None:
    """By somebody who ticks that the lines were looked at."""
    page = people.go("/brake")
    page.check("#sure")
    page.click("form[action='/brake/release'] button")
    page.wait_for_selector("[role=status]")
    assert page.locator(".box.bad").count() == 0


def test_an_announcement_is_read_and_approved_under_a_name(walk: Open, language: str) -> None:
    """From the event to the words that everybody may read; who approved them is in the trail, with their digest."""
    with walk() as people:
        there = people.walk
        there.saw("L1", "L2", event="E1", events=[an_event(there.now_ms)])
        page = people.go("/events/1")
        page.click("main a[href^='/announcement']")
        for lang, words in (("ja", "機器のご確認のお願い"), ("en", "Please check the devices")):
            assert words in page.inner_text(f"section[lang={lang}] h2")
            assert "203.0.113" not in page.inner_text(f"section[lang={lang}]")
        is_well(page)
        with page.expect_popup() as popup:
            page.click(f"section[lang={language}] a >> nth=0")
        assert {"ja": "見本", "en": "preview"}[language] in popup.value.inner_text("body")
        popup.value.close()
        seen = page.get_attribute("input[name=seen]", "value")
        page.check("#sure")
        page.click("form[action='/announcement/approve'] button")
        page.wait_for_url("**/announcements/1*")
        assert "sato" in page.inner_text(".facts")
        assert str(seen) in page.inner_text(".facts")
        is_well(page)
        with page.expect_popup() as popup:
            page.click(f"section[lang={language}] a >> nth=0")
        assert {"ja": "見本", "en": "preview"}[language] not in popup.value.inner_text("body")
        popup.value.close()
        trail = people.go("/audit").inner_text("table")
        assert "announce" in trail
        assert str(seen) in trail
        assert "sato" in people.go("/announcement").inner_text("table")


def an_event(now_ms: int) -> Any:
    """One that has run for ten minutes."""
    stop = (now_ms - T0_MS) // MINUTE_MS
    return event(start=stop - 10, stop=stop)
