"""An operator's whole world in one process: both sites over one case database, a clock of our own, a real mail server.

What the collector would tell is told by ``saw``; everything after that is the product: cases, brake, drafts, the
sender, contacts, mail, both applications.
"""

from __future__ import annotations

import email
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browser import PHONE
from cases.documents import DAY_MS, MINUTE_MS, NOW_MS, T0_MS, detection, document
from cases.sending import act, policy
from notices.channels.mail_server import MailServer
from notices.samples import OPERATOR
from sekisho.cases.accounts import people, sessions
from sekisho.cases.database import writing
from sekisho.cases.ladder import propose
from sekisho.cases.quiet import LineMinute
from sekisho.cases.roles import Role
from sekisho.cases.work import Told, work
from sekisho.core.config import Config
from sekisho.core.config_web import Console as ConsoleListen
from sekisho.core.config_web import Portal as PortalListen
from sekisho.notices.channels import channels_of
from sekisho.notices.contacts.book import ContactBook, import_contacts
from sekisho.notices.outgoing import Outgoing
from sekisho.notices.sender import Sender
from sekisho.pipeline.settling import FreshResolver, resolver
from sekisho.web.base.server import WebServer
from sekisho.web.console.app import console_app
from sekisho.web.console.sign_in import COOKIE
from sekisho.web.console.state import Console
from sekisho.web.portal.app import portal_app
from sekisho.web.portal.state import Portal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE = {"width": 1440, "height": 900}
LOCALES = {"ja": "ja-JP", "en": "en-GB"}
OPERATOR_NAME, PASSWORD = "sato", "a quiet checkpoint on the old road"
DIGITS = "4321"


@dataclass
class Walk:
    """One world.

    Attributes:
        now_ms: what every clock in it says.
        lines: line -> the address that it holds.
    """

    folder: Path
    language: str
    mail: MailServer
    rules: Any
    lines: dict[str, str] = field(default_factory=lambda: {f"L{n}": f"100.72.0.{n}" for n in range(1, 41)})
    now_ms: int = NOW_MS
    read: int = 0

    def __post_init__(self) -> None:
        self.url = f"sqlite:///{self.folder / 'cases.db'}"
        self.config = self._configured()
        self.assign(self.lines)
        clock = lambda: self.now_ms  # noqa: E731
        self.console = Console(url=self.url, config=self.config, policy=self.rules, clock=clock, statuses=list)
        contacts = self.config.contacts
        assert contacts.book is not None
        assert contacts.key_file is not None
        self.book = ContactBook(contacts.book, contacts.key_file)
        self.portal = Portal(url=self.url, source=self.book, operator=OPERATOR, history=None, clock=clock)
        with writing(self.url) as connection:
            people.add(connection, OPERATOR_NAME, PASSWORD, [Role.OPERATOR, Role.APPROVER, Role.AUDITOR], act())
        self.read = len(self.mail.taken())

    def _configured(self) -> Config:
        key, book, password = (self.folder / name for name in ("contacts.key", "contacts.book", "password"))
        header = "line_id,name,mail,telephone,postal_code,address,language,channel\n"
        rows = [
            f"{line},見本（{line}）,{line.lower()}@customer.example,00-0000-{DIGITS},,,{self.language},"
            for line in self.lines
        ]
        (self.folder / "contacts.csv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
        key.write_text(os.urandom(32).hex())
        key.chmod(0o600)
        import_contacts(self.folder / "contacts.csv", book, key)
        password.write_text("correct horse\n", encoding="utf-8")
        mail = {
            "host": "127.0.0.1", "port": self.mail.port, "ca_file": str(self.mail.ca_file), "user": "notices",
            "password_file": str(password), "from_address": "abuse@isp.example", "dkim_required": False,
        }  # fmt: skip
        return Config.model_validate(
            {
                "files": {"lines": [str(self.folder / "lines.csv")]},
                "operator": OPERATOR.model_dump(),
                "contacts": {"book": str(book), "key_file": str(key)},
                "mail": mail,
            }
        )

    def assign(self, lines: dict[str, str]) -> None:
        """Hand over another list of assignments."""
        rows = [f"{line},{address}/32,,,2026-11-01T00:00:00Z,\n" for line, address in lines.items()]
        header = "line_id,prefix,port_first,port_last,valid_from,valid_to\n"
        (self.folder / "lines.csv").write_text(header + "".join(rows))
        if hasattr(self, "console"):
            # The console reads the lists again after a minute; nobody waits for it here.
            self.console.resolve = FreshResolver(self.config)

    def saw(self, *lines: str, kind: str = "udp_flood", lasted: int = 10, **changes: Any) -> None:
        """A collector's tick: these lines have sent until now."""
        stop, events = (self.now_ms - T0_MS) // MINUTE_MS, changes.pop("events", None)
        found = [
            detection(line, kind, start=stop - lasted, stop=stop, source=self.lines[line], **changes) for line in lines
        ]
        self._tick(document(*found, events=events))

    def quiet(self, line: str, *, days: int) -> None:
        """Days in which the line is online, its exporter delivers, and nothing is seen; a tick at noon of each."""
        for _ in range(days):
            begin_ms, self.now_ms = self.now_ms, self.now_ms + DAY_MS
            minutes = (
                LineMinute(line_id=line, at_ms=at_ms, online=True, delivered=True, covered=True)
                for at_ms in range(begin_ms, self.now_ms, MINUTE_MS)
            )
            self._tick(document(), minutes)

    def _tick(self, found: Any, minutes: Any = ()) -> None:
        told = Told(at_ms=self.now_ms, document=found, exporter_of={}, lines_of={})
        with writing(self.url) as connection:
            work(
                connection, self.rules, told, minutes=minutes, changed={}, seen_within=lambda *_: 1.0,
                now_ms=self.now_ms,
            )  # fmt: skip

    def round(self) -> list[EmailMessage]:
        """The sender's turn: what is due is drafted, what is approved leaves; the mails that came."""
        with writing(self.url) as connection:
            propose(connection, self.rules, self.now_ms)
        sender = Sender(
            self.url, self.rules, channels=channels_of(self.config),
            compose=Outgoing(self.url, self.config, self.book), resolve=resolver(self.config),
            now_ms=lambda: self.now_ms,
        )  # fmt: skip
        sender.run()
        sent = self.read + sender.outcomes["sent"]
        files = self.mail.wait_for("taken", sent)
        new, self.read = [path.read_bytes() for path in files[self.read :]], sent
        return [email.message_from_bytes(raw, policy=default) for raw in new]  # type: ignore[arg-type]


@dataclass
class People:
    """Who looks: an operator at a desk and a subscriber with a phone, both in one language."""

    walk: Walk
    desk: Page
    phone: Page
    console: str
    portal: str
    signed_in_ms: int = 0

    def go(self, path: str) -> Page:
        """The operator opens a page of the console."""
        if self.walk.now_ms - self.signed_in_ms > 30 * MINUTE_MS:
            self._sign_in()
        self.desk.goto(self.console + path)
        return self.desk

    def _sign_in(self) -> None:
        """The form itself is walked through elsewhere; a shift of days has many sessions."""
        self.signed_in_ms = self.walk.now_ms
        with writing(self.walk.url) as connection:
            account = people.find(connection, OPERATOR_NAME)
            secret = sessions.begin(connection, account, act(self.walk.now_ms, actor=OPERATOR_NAME))
        self.desk.context.add_cookies([{"name": COOKIE, "value": secret, "url": self.console}])

    def approve(self, case: int) -> None:
        """What waits about a case, with the button of its page."""
        self.go(f"/cases/{case}")
        self.desk.click("form[action$='/approve'] button")
        self.desk.wait_for_selector("[role=status]")

    def enter(self, code: str) -> Page:
        """The subscriber types the code of a notice and the digits of the contract."""
        self.phone.context.clear_cookies()
        self.phone.goto(f"{self.portal}/")
        self.phone.fill("#code", code)
        self.phone.fill("#fact", DIGITS)
        self.phone.click("main button[type=submit]")
        self.phone.wait_for_url("**/case")
        return self.phone


@contextmanager
def served(walk: Walk, browser: Browser) -> Iterator[People]:
    """Both sites on loopback, and a browser window for each person."""
    servers = [
        WebServer(console_app(walk.console), ConsoleListen.model_validate({"listen": "127.0.0.1:0"})),
        WebServer(portal_app(walk.portal), PortalListen.model_validate({"listen": "127.0.0.1:0"})),
    ]
    for server in servers:
        server.start()
    console, portal = (f"http://127.0.0.1:{server.port}" for server in servers)
    locale = LOCALES[walk.language]
    contexts = [browser.new_context(viewport=size, locale=locale) for size in (WIDE, PHONE)]
    try:
        desk, phone = (context.new_page() for context in contexts)
        for page in (desk, phone):
            page.set_default_timeout(15_000)
        yield People(walk=walk, desk=desk, phone=phone, console=console, portal=portal)
    finally:
        for context in contexts:
            context.close()
        for server in servers:
            server.close()


def world(folder: Path, language: str, mail: MailServer, **rules: Any) -> Walk:
    """A world in one language, with a policy that proposes."""
    return Walk(folder=folder, language=language, mail=mail, rules=policy(**rules))
