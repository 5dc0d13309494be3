"""Case events over real sockets: a program that fails, that hangs, that talks slowly; a process that is killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import update

from cases.documents import NOW_MS, detection, document
from sekisho.cases.case_events import LEASE_MS
from sekisho.cases.database import reading, writing
from sekisho.cases.record import record_analysis
from sekisho.cases.work_tables import CASE_WEBHOOK
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError
from sekisho.notices.signed_post import signature
from sekisho.serve.case_events import SAID_MS, Teller

KEY = b"0123456789abcdef0123456789abcdef"
TIMEOUT_S = 0.2


class Program:
    """Another side: what it was sent, and how it answers next; it answers 200 where nothing else is said."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, bytes]] = []
        self.answers: list[int | Callable[[BaseHTTPRequestHandler], None]] = []
        self.asked, self.end = Event(), Event()

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        self.end.wait(60)

    def ids(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers, _ in self.taken]

    def cases(self) -> list[int]:
        return [json.loads(body)["case"] for _, body in self.taken]


@contextmanager
def answering(program: Program) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            program.taken.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            program.asked.set()
            answer = program.answers.pop(0) if program.answers else 200
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        program.end.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Office:
    """A case database, a configuration with one program, and a clock."""

    def __init__(self, folder: Path, where: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url, self.file, self.now_ms = f"sqlite:///{folder / 'cases.db'}", folder / "sekisho.toml", NOW_MS
        (folder / "key").write_bytes(KEY + b"\n")
        self.file.write_text(
            f'[cases]\nurl = "{self.url}"\n[[case_webhook]]\nname = "desk"\nurl = "{where}"\nkey_file = "key"\n'
            f"timeout_s = {timeout_s}\n"
        )
        self.teller = Teller(load_config(self.file, {}), clock=lambda: self.now_ms)
        with writing(self.url):
            pass
        self.run()

    def run(self) -> None:
        while self.teller.round():
            pass

    def open(self, *lines: str) -> None:
        record_analysis(self.url, document(*map(detection, lines)), now_ms=self.now_ms)

    def alarms(self) -> dict[Condition, str]:
        alarms = Alarms(lambda: self.now_ms)
        self.teller.look(alarms)
        return {alarm.condition: alarm.text("en") for alarm in alarms}


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def office(tmp_path: Path, program: Program) -> Iterator[Office]:
    with answering(program) as where:
        yield Office(tmp_path, where)


def test_signed_and_once(office: Office, program: Program) -> None:
    """The body under the signature, an id of its own for each; nothing of the line."""
    office.open("L-secret", "L2")
    office.run()
    office.run()
    assert program.cases() == [1, 2]
    assert len(set(program.ids())) == 2
    for headers, body in program.taken:
        assert headers["Sekisho-Signature"] == signature(KEY, headers["Sekisho-Timestamp"], body)
        assert b"secret" not in body
        assert b"100.72" not in body
    assert {sample.labels: sample.value for sample in office.teller.samples()} == {("desk", "sent"): 2, ("desk",): 0}
    assert office.alarms() == {}


def test_what_fails_holds_the_order(office: Office, program: Program) -> None:
    """After a 500 nothing overtakes; later both arrive, the first under its first id."""
    office.open("L1", "L2")
    program.answers = [500]
    office.run()
    assert program.cases() == [1]
    assert office.alarms()[Condition.CASE_WEBHOOK_FAILING].startswith("desk does not take what happens to cases (the")
    office.now_ms += 5_000
    office.run()
    assert program.cases() == [1, 1, 2]
    assert len(set(program.ids())) == 2
    assert office.alarms() == {}


def test_who_hangs_or_drips_is_left_in_time(office: Office, program: Program) -> None:
    """The whole answer has to come within the time, not each octet of it."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not program.end.wait(TIMEOUT_S / 4):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    office.open("L1")
    for way in (program.hang, drip):
        program.answers = [way]
        began_s = time.monotonic()
        office.run()
        assert time.monotonic() - began_s < 10 * TIMEOUT_S
        assert "the webhook does not answer" in office.alarms()[Condition.CASE_WEBHOOK_FAILING]
        office.now_ms += 3_600_000
    office.run()
    assert len(set(program.ids())) == 1
    assert office.alarms() == {}


def test_what_is_given_up_is_said_over_a_weekend(office: Office, program: Program) -> None:
    """With what to do about it."""
    office.open("L1")
    program.answers = [422]
    office.run()
    assert "1 events were given up" in office.alarms()[Condition.CASE_EVENTS_GIVEN_UP]
    office.now_ms += SAID_MS
    assert office.alarms() == {}


def test_a_killed_process_tells_again_under_the_same_id(tmp_path: Path, program: Program) -> None:
    """SIGKILL while the other side has the event and has not answered: at least once, and known again."""
    with answering(program) as where:
        office = Office(tmp_path, where, timeout_s=60.0)
        office.open("L1")
        program.answers = [program.hang]
        command = [sys.executable, "-m", "sekisho.serve", "case_events", str(office.file)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            assert program.asked.wait(60)
            process.kill()
        with reading(office.url) as connection:
            until_ms = connection.execute(CASE_WEBHOOK.select()).one().lease_until
        office.now_ms = until_ms - 1
        office.run()
        assert len(program.taken) == 1
        office.now_ms = until_ms
        office.run()
    assert program.taken[0][1] == program.taken[1][1]
    assert len(set(program.ids())) == 1
    assert program.cases() == [1, 1]


@pytest.mark.prove
def test_thirty_kills(tmp_path: Path, program: Program) -> None:
    """At any instant between claim and record: each step arrives, in order, and under one id with one body."""
    draw, kills = random.Random(20261124), 30
    with answering(program) as where:
        office = Office(tmp_path, where, timeout_s=10.0)
        command = [sys.executable, "-m", "sekisho.serve", "case_events", str(office.file)]
        for number in range(kills):
            office.open(*(f"L{number}-{part}" for part in range(3)))
            program.asked.clear()
            with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
                assert program.asked.wait(60)
                time.sleep(draw.uniform(0, 0.15))
                process.kill()
            # As if the claim had run out.
            with writing(office.url) as connection:
                connection.execute(update(CASE_WEBHOOK).values(lease_until=None, due_at=0))
        office.run()
    bodies = dict(zip(program.ids(), (body for _, body in program.taken), strict=True))
    assert all(bodies[headers["Idempotency-Key"]] == body for headers, body in program.taken)
    assert [json.loads(body)["case"] for body in bodies.values()] == list(range(1, 3 * kills + 1))


def test_the_database_is_away(office: Office) -> None:
    """Said, and nothing is lost."""
    office.open("L1")
    with writing(office.url) as connection:
        connection.execute(update(CASE_WEBHOOK).values(due_at=0))
        connection.exec_driver_sql("update sekisho_version set version_num = 'later'")
    office.run()
    assert "of a later version" in office.alarms()[Condition.CASES_UNAVAILABLE]
    assert LEASE_MS > 60_000


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "a"\nurl = "http://192.0.2.1/"\nkey_file = "k"', "url"),
        ('name = "a"\nurl = "https://x.example/"', "key_file"),
        ('name = "A b"\nurl = "https://x.example/"\nkey_file = "k"', "name"),
        ('name = "a"\nurl = "https://x.example/"\nkey_file = "k"\nevents = ["closed"]', "events"),
        ('name = "a"\nurl = "https://x.example/"\nkey_file = "k"', r"url under \[cases\]"),
    ],
)
def test_a_wrong_configuration_is_told(tmp_path: Path, text: str, key: str) -> None:
    """Before anything starts."""
    (tmp_path / "sekisho.toml").write_text(f"[[case_webhook]]\n{text}\n")
    with pytest.raises(ConfigError, match=key):
        load_config(tmp_path / "sekisho.toml", {})
