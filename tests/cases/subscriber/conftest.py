"""A case whose first notice was sent with a code, on both databases; or in a copy of a file, which is quick."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cases.conftest import database, postgres_url  # noqa: F401 (fixtures)
from cases.documents import NOW_MS, detection, document
from cases.sending import Remembering, act, message, policy, same
from sekisho.cases import ladder, outbox
from sekisho.cases.database import writing
from sekisho.cases.record import record_analysis
from sekisho.notices.sender import Sender

CASE = 1


def send_due(url: str, at_ms: int) -> list[str]:
    """Propose, approve and send what is due; the codes that were sent."""
    rules, channel = policy(), Remembering()
    with writing(url) as connection:
        for number in ladder.propose(connection, rules, at_ms):
            outbox.approve(connection, number, act(at_ms), rules, same)
    channels = {"mail": channel, "letter": channel}
    sender = Sender(url, rules, channels=channels, compose=message, resolve=same, now_ms=lambda: at_ms)
    sender.run()
    return [given.case_code for given in channel.got]


def tell(url: str) -> str:
    """Make the one case and send its first notice; the code."""
    record_analysis(url, document(detection("L1")), now_ms=NOW_MS)
    (code,) = send_due(url, NOW_MS)
    return code


@pytest.fixture
def told(database: str) -> tuple[str, str]:  # noqa: F811 (the fixture)
    """URL of the database, and the code of the one case in it."""
    return database, tell(database)


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("told") / "cases.db"
    tell(f"sqlite:///{file}")
    return file


@pytest.fixture
def url(_template: Path, tmp_path: Path) -> str:
    """A SQLite database with the one case in it."""
    shutil.copy(_template, tmp_path / "cases.db")
    return f"sqlite:///{tmp_path / 'cases.db'}"
