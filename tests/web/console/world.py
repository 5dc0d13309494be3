"""A console with cases, an event, notices and people of every role; asked without a socket."""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from cases.documents import NOW_MS, detection, document, event
from cases.sending import Remembering, act, message, policy, same
from sekisho.cases import announcements, outbox
from sekisho.cases.accounts import people, sessions
from sekisho.cases.database import reading, writing
from sekisho.cases.ladder import propose
from sekisho.cases.read import event_extent
from sekisho.cases.record import record_analysis
from sekisho.cases.roles import Role
from sekisho.core.alarms import Alarm, Condition
from sekisho.core.config import Config
from sekisho.core.metrics import Sample
from sekisho.notices.sender import Sender
from sekisho.pipeline.settling import FreshResolver
from sekisho.serve.status import Status
from sekisho.web.base.limits import RateLimiter
from sekisho.web.base.tokens import form_token
from sekisho.web.console.app import console_app
from sekisho.web.console.sign_in import COOKIE
from sekisho.web.console.state import FAILURES, PERIOD_MS, Console

PASSWORD = "a quiet checkpoint on the old road"
NOW = NOW_MS + 300_000
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"


def fill(url: str) -> None:
    """Four open cases, one of a hostile line; one told, two with drafts; one event that runs."""
    late = {"start": 55, "stop": 64}
    found = [
        detection("L-0001", event="E1", **late),
        detection("L-0002", event="E1", peak_bps=9e8, **late),
        detection("L-0003", "scan", start=1, stop=50, peak_bps=2e6),
        detection(HOSTILE, "brute_force", start=2, stop=9, peak_bps=1e6),
    ]
    record_analysis(url, document(*found, events=[event(**late)]), now_ms=NOW_MS)
    with writing(url) as connection:
        numbers = propose(connection, policy(), NOW_MS)
        outbox.approve(connection, numbers[2], act(), policy(), same)
    Sender(url, policy(), channels={"mail": Remembering()}, compose=message, resolve=same, now_ms=lambda: NOW_MS).run(
        limit=9
    )
    with writing(url) as connection:
        for role in Role:
            people.add(connection, role.value, PASSWORD, [role], act())
        people.add(connection, "nobody", PASSWORD, [], act())
        people.add(connection, "everything", PASSWORD, list(Role), act())
        texts = {lang: {"subject": HOSTILE, "text": HOSTILE, "html": "<p>h</p>"} for lang in ("ja", "en")}
        announcements.release(connection, texts, event_extent(connection, 1), act(), event=1)


def statuses() -> list[Status]:
    """A collector that hears three exporters, one of them silent, one with losses."""
    samples = (
        *(Sample("exporter_silent_seconds", (name,), s) for name, s in (("bng-1", 2), ("bng-2", 700), ("bng-3", 1))),
        *(Sample("export_units_total", (name, "0", "records"), 1e6) for name in ("bng-1", "bng-2", "bng-3")),
        Sample("export_units_lost_total", ("bng-3", "0", "records"), 4e4),
        Sample("coverage_ratio", ("bng-1",), 0.98),
        Sample("clock_skew_seconds", ("bng-1", "0"), -0.4),
        Sample("records_total", ("bng-1", "9", "0"), 1e6),
        Sample("unattributed_total", ("no_assignment",), 2e4),
        Sample("stream_delay_seconds", (), 1.2),
        Sample("source_silent_seconds", ("radius",), 12.0),
        Sample("source_delay_seconds", ("radius",), 3.0),
        Sample("kernel_drops_total", ("0.0.0.0:2055",), 3),
    )
    alarm = Alarm(
        condition=Condition.EXPORTER_SILENT, subject="bng-2", since_ms=NOW - 700_000, values={"silent_s": 700.0}
    )
    up = (Sample("process_up", ("collector",), 1), Sample("process_up", ("keeper",), 0))
    return [
        Status(process="supervisor", at_ms=NOW, samples=up, alarms=(), about={}),
        Status(process="collector", at_ms=NOW - 2000, samples=samples, alarms=(alarm.to_json(),), about={}),
        Status(process="keeper", at_ms=NOW - 90_000, samples=(), alarms=(), about={}),
    ]


@dataclass
class World:
    """One console and whoever is signed in to it."""

    console: Console
    app: Any
    _secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, role: str) -> str:
        if role not in self._secrets:
            with writing(self.console.url) as connection:
                account = people.find(connection, role)
                self._secrets[role] = sessions.begin(connection, account, act(NOW, actor=role))
        return self._secrets[role]

    def ask(
        self, method: str, path: str, role: str | None = None, *, cookies: Any = None, **more: Any
    ) -> httpx.Response:
        cookies = {COOKIE: self.secret(role)} if role is not None else cookies or {}
        headers = {"Accept-Language": "en", **more.pop("headers", {})}

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://console.example", cookies=cookies
            ) as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(once())

    def get(self, path: str, role: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, role, **more)

    def post(self, path: str, role: str, **form: str) -> httpx.Response:
        return self.ask("POST", path, role, data={"form": form_token(self.secret(role)), **form})

    def database(self, query: str) -> list[tuple[Any, ...]]:
        with reading(self.console.url) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


def world(template: Path, folder: Path, **changes: Any) -> World:
    """A copy of the filled database, behind a console."""
    file = folder / "cases.db"
    shutil.copy(template, file)
    return world_of(f"sqlite:///{file}", folder, **changes)


def world_of(url: str, folder: Path, **changes: Any) -> World:
    """A filled database, behind a console."""
    lines = folder / "lines.csv"
    lines.write_text(
        "line_id,prefix,port_first,port_last,valid_from,valid_to\nL-0001,100.72.0.48/32,,,2026-11-01T00:00:00Z,\n"
    )
    config = Config.model_validate({"files": {"lines": [str(lines)]}})
    console, app = _shared()
    console.url, console.config, console.policy = url, config, policy(**changes)
    console.clock, console.statuses = lambda: NOW, statuses
    # Nothing of an earlier test is known any more.
    console.failures = RateLimiter(FAILURES, PERIOD_MS, clock=console.clock)
    console.resolve = FreshResolver(config)
    return World(console, app)


@cache
def _shared() -> tuple[Console, Any]:
    """One application for all tests of a process: making it takes longer than a test."""
    console = Console(url="", config=Config(), policy=policy(), clock=lambda: NOW, statuses=statuses)
    return console, console_app(console)


def token_in(page: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found is not None
    return found[1]
