"""Contacts: sealed at rest, joined at a case, in no log and no error."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notices.messages import HOSTILE
from notices.other_side import other_side
from notices.samples import LINE_ID, case_of
from sekisho.cases.states import State
from sekisho.core.config import Config
from sekisho.core.config_delivery import Contacts
from sekisho.core.errors import InputError, Refused, Unavailable
from sekisho.measures.model import Language
from sekisho.notices.contacts.book import ContactBook, import_contacts
from sekisho.notices.contacts.contact import Contact, Preferred, contact_from
from sekisho.notices.contacts.http import MAX_OCTETS, HttpContacts
from sekisho.notices.contacts.join import contact_of, source_of, without_contact
from sekisho.notices.contacts.sealing import make_key
from sekisho.notices.delivery import Skipped, SkipReason

HEADER = "line_id,name,mail,telephone,postal_code,address,language,channel\n"
ROW = (
    f'{LINE_ID},見本 太郎,taro@customer.example,03-0000-0000,100-0000,"東京都千代田区見本町一丁目\n405号室",ja,letter\n'
)
PERSONAL = ("見本", "taro@", "03-0000", "100-0000", "千代田")
TARO = Contact(
    name="見本 太郎",
    mail="taro@customer.example",
    telephone="03-0000-0000",
    postal_code="100-0000",
    address="東京都千代田区見本町一丁目\n405号室",
    language=Language.JA,
    channel=Preferred.LETTER,
)


def imported(folder: Path, text: str = HEADER + ROW) -> ContactBook:
    source, key = folder / "contacts.csv", folder / "contacts.key"
    source.write_text(text, encoding="utf-8")
    if not key.exists():
        make_key(key)
    import_contacts(source, folder / "contacts.book", key)
    return ContactBook(folder / "contacts.book", key)


def require_nothing_personal(text: str) -> None:
    for part in PERSONAL:
        assert part not in text


def test_a_contact_is_found_again(tmp_path: Path) -> None:
    """By its line and by no other; one that nobody wrote down is told to be missing."""
    book = imported(tmp_path)
    assert book.find(LINE_ID) == TARO
    assert book.find("L999") == Skipped(SkipReason.NO_CONTACT)


def test_the_book_is_sealed(tmp_path: Path) -> None:
    """Neither a line nor a word of its contact stands in it; nobody else can read book or key."""
    imported(tmp_path)
    octets = (tmp_path / "contacts.book").read_bytes()
    for part in (*PERSONAL, LINE_ID):
        assert part.encode() not in octets
    for name in ("contacts.book", "contacts.key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """The book would be lost with it."""
    make_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(InputError, match="never replaced"):
        make_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


def test_another_key_is_told(tmp_path: Path) -> None:
    """It does not look like a line without a contact."""
    imported(tmp_path)
    make_key(tmp_path / "other.key")
    with pytest.raises(InputError, match=r"expected the key of contacts\.book"):
        ContactBook(tmp_path / "contacts.book", tmp_path / "other.key").find(LINE_ID)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Mode 600, as it was made."""
    book = imported(tmp_path)
    (tmp_path / "contacts.key").chmod(0o640)
    with pytest.raises(InputError, match="found mode 640"):
        book.find(LINE_ID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,mail\nx,y\n", "line 1: expected columns"),
        (HEADER.replace("mail", "e-mail") + ROW, "line 1: expected columns"),
        (HEADER + ROW + ROW, "line_id: expected each once"),
        (HEADER + ROW.replace(",ja,", ",jp,"), "language: expected ja or en"),
        (HEADER + ROW.replace("letter", "fax"), "channel: expected mail, letter, telephone"),
        (HEADER + ROW.replace("見本 太郎", "見本" * 200), "name: expected text of at most 300 characters"),
        (HEADER + "," + ROW, "line_id: expected one, found none"),
        (HEADER + ROW.strip() + ",more\n", "at most 8 cells"),
    ],
)
def test_a_wrong_file_is_told_without_its_contents(tmp_path: Path, text: str, expected: str) -> None:
    """File, line and field; the book before it stays."""
    book = imported(tmp_path)
    with pytest.raises(InputError) as error:
        imported(tmp_path, text)
    assert expected in str(error.value)
    require_nothing_personal(str(error.value))
    assert book.find(LINE_ID) == TARO
    assert not list(tmp_path.glob("*.part"))


def test_a_contact_does_not_show_itself() -> None:
    """Not in a traceback, a log or a debugger's line."""
    require_nothing_personal(f"{TARO} {TARO!r} {[TARO]}")


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("mail", TARO.mail), ("letter", f"〒100-0000\n{TARO.address}\n見本 太郎 様"), ("webhook", TARO.mail)],
)
def test_where_a_channel_reaches_somebody(channel: str, expected: str) -> None:
    """A letter in the order of a Japanese envelope."""
    assert TARO.reached_by(channel) == expected
    assert replace(TARO, address="").reached_by("letter") == ""


def test_hostile_fields_are_refused_or_become_words() -> None:
    """A megabyte is no field; control characters do not come through."""
    with pytest.raises(ValueError, match="at most 300"):
        contact_from({"name": HOSTILE})
    assert contact_from({"name": "a\r\nBcc: x\x00\x1b[2J\u202e"}).name == "a Bcc: x[2J"
    for wrong in ([], {"name": 7}, {"name": ["x"]}):
        with pytest.raises(ValueError, match="expected"):
            contact_from(wrong)


def over_http(tmp_path: Path, url: str) -> HttpContacts:
    token = tmp_path / "token"
    token.write_text("secret-token\n", encoding="ascii")
    return HttpContacts(Contacts(url=f"{url}/contacts/", token_file=token, timeout_s=5.0))


def test_the_customer_system_is_asked_for_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the token; nothing of the answer and no token is logged, at any level."""
    body = '{"name": "見本 太郎", "mail": "taro@customer.example", "plan": "fibre"}'.encode()
    with capture_logs() as logs, caplog.at_level(logging.DEBUG), other_side(200, body) as (url, asked):
        found = over_http(tmp_path, url).find("L/1?x")
    assert isinstance(found, Contact)
    assert (found.name, found.mail, found.address) == (TARO.name, TARO.mail, "")
    ((path, headers, _),) = asked
    assert (path, headers["Authorization"]) == ("/contacts/L%2F1%3Fx", "Bearer secret-token")
    require_nothing_personal(caplog.text + str(logs))
    assert "secret-token" not in caplog.text


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"", "found 500"),
        (302, b"", "found 302"),
        (200, "見本 taro@".encode(), "expected JSON"),
        (200, b"[]", "expected an object"),
        (200, '{"language": "見本"}'.encode(), "language: expected ja or en"),
        (200, b'{"name": "' + b"x" * MAX_OCTETS + b'"}', "at most 65536 octets"),
    ],
)
def test_an_answer_that_is_no_contact_is_for_later(tmp_path: Path, status: int, body: bytes, expected: str) -> None:
    """What was answered is not repeated."""
    with other_side(status, body) as (url, _), pytest.raises(Unavailable) as error:
        over_http(tmp_path, url).find(LINE_ID)
    assert expected in str(error.value)
    require_nothing_personal(str(error.value))


def test_nobody_there_is_not_nobody_known(tmp_path: Path) -> None:
    """404 is an answer, silence is none."""
    with other_side(404, b"") as (url, _):
        assert over_http(tmp_path, url).find(LINE_ID) == Skipped(SkipReason.NO_CONTACT)
    with pytest.raises(Unavailable, match="no answer"):
        over_http(tmp_path, url).find(LINE_ID)


@pytest.mark.parametrize("state", State)
def test_a_name_joins_at_a_case_only(tmp_path: Path, state: State) -> None:
    """Open, resolved or withdrawn; whose case is none is not looked up."""
    book, case = imported(tmp_path), replace(case_of("scan"), state=state)
    if state in {State.DISMISSED, State.LINE_ENDED}:
        with pytest.raises(Refused, match=f"found one that is {state}"):
            contact_of(case, book)
    else:
        assert contact_of(case, book) == TARO


def test_a_line_that_nothing_reaches_is_work(tmp_path: Path) -> None:
    """No contact at all, or one without any way; closed cases are none."""
    cases = [replace(case_of("scan"), number=n, line_id=f"L{n}") for n in range(3)]
    book = imported(tmp_path, HEADER + "L0,x,a@b.example,,,,,\nL1,x,,,,,,\n")
    assert [(case.number, why) for case, why in without_contact(cases, book)] == [
        (1, SkipReason.NO_ADDRESS),
        (2, SkipReason.NO_CONTACT),
    ]
    assert list(without_contact([replace(cases[2], state=State.WITHDRAWN)], book)) == []


def test_where_contacts_come_from_is_configured(tmp_path: Path) -> None:
    """A book, a customer system, or nothing."""
    book = Contacts(book=tmp_path / "b", key_file=tmp_path / "k")
    assert isinstance(source_of(Config(contacts=book)), ContactBook)
    assert isinstance(source_of(Config(contacts=Contacts(url="https://crm.isp.example"))), HttpContacts)
    assert source_of(Config()) is None
