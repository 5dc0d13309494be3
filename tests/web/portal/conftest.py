"""A portal over a case database with cases whose notices were sent, without a socket."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import pytest

from cases.documents import MINUTE_MS, NOW_MS, detection, document
from cases.sending import Remembering, act, message, policy, same
from notices.samples import OPERATOR
from sekisho.cases import ladder, outbox
from sekisho.cases.database import reading, writing
from sekisho.cases.model import Case
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.measures.model import Language
from sekisho.notices.contacts.contact import Contact, Preferred
from sekisho.notices.delivery import Skipped, SkipReason
from sekisho.notices.sender import Sender
from sekisho.web.base.files import StaticFiles
from sekisho.web.base.pages import BASE, Pages
from sekisho.web.portal.app import portal_app
from sekisho.web.portal.state import PACKAGE, Portal

LINES = ("L1", "L2", "L3", "L4")
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}'
TARGETS = [{"prefix": "203.0.113.0/24", "port": 2323, "protocol": 6, "share": 0.97}]
SECRETS = ("203.0.113", "100.72.0.48", *LINES, "sato", "0312345678", "1000001", "alert(1)")
"""What no page may hold: destinations, addresses, lines, people."""


def contact(line_id: str) -> Contact:
    number = LINES.index(line_id)
    return Contact(
        name=HOSTILE, mail="a@example.jp", telephone=f"03-1234-567{number}", postal_code=f"100-000{number}",
        address=HOSTILE, language=Language.JA, channel=Preferred.MAIL,
    )  # fmt: skip


class Book:
    """Contacts of the lines; one has none, one cannot be made sure of."""

    def __init__(self) -> None:
        self.fails: Exception | None = None

    def find(self, line_id: str) -> Contact | Skipped:
        if self.fails is not None:
            raise self.fails
        return Skipped(SkipReason.NO_CONTACT) if line_id == "L4" else contact(line_id)


@dataclass
class Clock:
    ms: int = NOW_MS + 30 * MINUTE_MS

    def __call__(self) -> int:
        return self.ms


@cache
def _pages() -> Pages:
    return Pages(PACKAGE, StaticFiles(BASE, PACKAGE))


@dataclass
class World:
    """The portal, its clock, its database, and the codes of its cases."""

    url: str
    codes: dict[str, str]
    clock: Clock = field(default_factory=Clock)
    book: Book = field(default_factory=Book)
    history: Path | None = None

    def __post_init__(self) -> None:
        self.portal = Portal(url=self.url, source=self.book, operator=OPERATOR, history=self.history, clock=self.clock)
        # Templates are compiled once for all tests.
        self.portal.__dict__["pages"] = _pages()
        self.app = portal_app(self.portal)

    def browser(self, address: str = "192.0.2.1", *, language: str = "ja", scheme: str = "http") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 1234))
        headers = {"Accept-Language": language, "Sec-Fetch-Site": "same-origin"}
        return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://portal.example", headers=headers)

    def case(self, line_id: str) -> Case:
        with reading(self.url) as connection:
            return get_case(connection, LINES.index(line_id) + 1)

    def run(self, visit: Callable[[httpx.AsyncClient], Awaitable[None]], **how: str) -> None:
        """One browser's visit."""

        async def whole() -> None:
            async with self.browser(**how) as browser:
                await visit(browser)

        asyncio.run(whole())


def form_of(page: httpx.Response) -> str:
    """The token that the forms of a page carry."""
    found = re.search(r'name="form" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


async def enter(browser: httpx.AsyncClient, code: str, fact: str) -> httpx.Response:
    """Type both at the entrance."""
    door = await browser.get("/")
    return await browser.post("/", data={"code": code, "fact": fact, "form": form_of(door)})


async def inside(browser: httpx.AsyncClient, world: World, line_id: str = "L1") -> httpx.Response:
    """The case page of a line after entering."""
    answer = await enter(browser, world.codes[line_id], f"567{LINES.index(line_id)}")
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/case"
    return await browser.get("/case")


def tell(url: str) -> dict[str, str]:
    """Cases of the lines with their first notices sent; line -> code."""
    found = [
        detection(line, kind, peak_bps=(9 - place) * 1e6, top_targets=TARGETS)
        for place, (line, kind) in enumerate(zip(LINES, ("udp_flood", "scan", "spam", "reflection"), strict=True))
    ]
    record_analysis(url, document(*found), now_ms=NOW_MS)
    rules, channel = policy(), Remembering()
    with writing(url) as connection:
        for number in ladder.propose(connection, rules, NOW_MS):
            outbox.approve(connection, number, act(), rules, same)
    Sender(url, rules, channels={"mail": channel}, compose=message, resolve=same, now_ms=lambda: NOW_MS).run()
    return {given.line_id: given.case_code for given in channel.got}


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    file = tmp_path_factory.mktemp("portal") / "cases.db"
    return file, tell(f"sqlite:///{file}")


@pytest.fixture
def world(_template: tuple[Path, dict[str, str]], tmp_path: Path) -> World:
    file, codes = _template
    shutil.copy(file, tmp_path / "cases.db")
    return World(f"sqlite:///{tmp_path / 'cases.db'}", codes)
