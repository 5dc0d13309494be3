"""From the outbox to the channel, with real texts, contacts and files."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from cases.documents import DAY_MS, NOW_MS, detection, document
from cases.sending import act, policy, same
from notices.contacts.test_contacts import HEADER, ROW, imported
from notices.samples import LINE_ID, OPERATOR
from sekisho.cases import outbox
from sekisho.cases.database import reading, writing
from sekisho.cases.ladder import propose
from sekisho.cases.record import record_analysis
from sekisho.cases.states import NoticeKind
from sekisho.core.config import Config
from sekisho.core.errors import Unavailable
from sekisho.notices.channels.drop import DropChannel
from sekisho.notices.contacts.contact import Contact, ContactSource
from sekisho.notices.delivery import Skipped
from sekisho.notices.outgoing import Outgoing
from sekisho.notices.sender import Sender


class Silent:
    def find(self, line_id: str) -> Contact | Skipped:
        raise Unavailable(f"contacts: no answer about {len(line_id)} characters")


def database(folder: Path) -> str:
    url = f"sqlite:///{folder / 'cases.db'}"
    record_analysis(url, document(detection(LINE_ID), detection("L7")), now_ms=NOW_MS)
    return url


def sender(url: str, folder: Path, source: ContactSource, at_ms: int = NOW_MS) -> Sender:
    return Sender(
        url,
        policy(),
        channels=dict.fromkeys(("mail", "letter"), DropChannel(folder / "drop")),
        compose=Outgoing(url, Config(operator=OPERATOR), source),
        resolve=same,
        now_ms=lambda: at_ms,
    )


def approve_all(url: str) -> None:
    with writing(url) as connection:
        for number in propose(connection, policy(), NOW_MS):
            outbox.approve(connection, number, act(), policy(), same)


def test_the_outbox_and_the_texts_name_the_same_messages() -> None:
    """Every kind that the ladder knows has a text."""
    texts = {folder.name for folder in files("sekisho.notices").joinpath("texts").iterdir() if folder.is_dir()}
    assert {kind.value for kind in NoticeKind} == texts - {"announcement"}


def test_a_notice_leaves_with_its_code_and_its_contact(tmp_path: Path) -> None:
    """One that has a contact is dropped; the line without one comes back to a person."""
    url, book = database(tmp_path), imported(tmp_path, HEADER + ROW)
    approve_all(url)
    running = sender(url, tmp_path, book)
    running.run()
    assert dict(running.outcomes) == {"sent": 1, "skipped": 1}
    (file,) = (tmp_path / "drop").glob("*/notice.json")
    told = json.loads(file.read_text("utf-8"))
    assert (told["line_id"], told["to"], told["kind"]) == (LINE_ID, "taro@customer.example", "first_notice")
    assert told["case_code"] in told["text"]
    assert file.parent.name == told["id"]


def test_contacts_that_do_not_answer_lose_nothing(tmp_path: Path) -> None:
    """The notice waits, and leaves when they do."""
    url = database(tmp_path)
    approve_all(url)
    silent = sender(url, tmp_path, Silent())
    silent.run()
    assert dict(silent.outcomes) == {"deferred": 2}
    later = sender(url, tmp_path, imported(tmp_path, HEADER + ROW), NOW_MS + DAY_MS)
    later.run()
    assert later.outcomes["sent"] == 1
    with reading(url) as connection:
        assert sum(notice.sent_at_ms is not None for notice in outbox.of_cases(connection)) == 1
