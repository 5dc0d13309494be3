"""Which case a code opens, until when, and what a new code does to the old one."""

from __future__ import annotations

import random

import pytest

from cases.documents import DAY_MS, NOW_MS
from cases.sending import act
from cases.subscriber.conftest import CASE, send_due
from sekisho.cases import audit
from sekisho.cases.answers import dismiss
from sekisho.cases.code import issue
from sekisho.cases.database import reading, writing
from sekisho.cases.states import Disposition
from sekisho.cases.subscriber import codes, sessions
from sekisho.cases.subscriber.codes import VALID_MS, Opens
from sekisho.core.errors import Refused


def found(url: str, code: str, now_ms: int = NOW_MS) -> Opens | None:
    with reading(url) as connection:
        return codes.find(connection, code, now_ms)


def test_a_code_that_was_sent_opens_its_case(told: tuple[str, str]) -> None:
    """However it is typed; one that nobody was sent opens nothing, nor does text that is no code."""
    url, code = told
    assert found(url, code) == Opens(case_id=CASE, is_expired=False)
    assert found(url, code.lower().replace("-", " ")) == Opens(case_id=CASE, is_expired=False)
    assert found(url, issue(random.Random(5).choice)) is None
    for text in ("", "x" * 10_000, "' or 1=1 --", code[:-1]):
        assert found(url, text) is None


def test_a_code_has_its_time(told: tuple[str, str]) -> None:
    """Sixty days to the millisecond, from when it was last told; the next notice then brings a new one."""
    url, code = told
    assert found(url, code, NOW_MS + VALID_MS) == Opens(case_id=CASE, is_expired=False)
    assert found(url, code, NOW_MS + VALID_MS + 1) == Opens(case_id=CASE, is_expired=True)
    later = NOW_MS + 61 * DAY_MS
    (second,) = send_due(url, later)
    assert second != code
    assert found(url, second, later) == Opens(case_id=CASE, is_expired=False)


def test_a_reminder_tells_the_same_code_again(told: tuple[str, str]) -> None:
    """And its time begins anew."""
    url, code = told
    later = NOW_MS + 8 * DAY_MS
    assert send_due(url, later) == [code]
    assert found(url, code, later + VALID_MS) == Opens(case_id=CASE, is_expired=False)


def test_a_new_code_stands_for_the_old_one(told: tuple[str, str]) -> None:
    """The old one opens nothing, later notices carry the new one, and it is on record."""
    url, old = told
    with writing(url) as connection:
        new = codes.reissue(connection, CASE, act())
    assert found(url, old) is None
    assert found(url, new) == Opens(case_id=CASE, is_expired=False)
    with reading(url) as connection:
        assert isinstance(audit.verify(connection), audit.Intact)
    assert send_due(url, NOW_MS + 8 * DAY_MS) == [new]


def test_with_a_new_code_everybody_has_to_leave(told: tuple[str, str]) -> None:
    """Who lost the old one does not know who is in."""
    url, _ = told
    with writing(url) as connection:
        sessions.begin(connection, CASE, "d" * 64, act())
        codes.reissue(connection, CASE, act())
        assert sessions.find(connection, "d" * 64, NOW_MS) is None


def test_a_closed_case_gets_no_code(told: tuple[str, str]) -> None:
    """There is nothing left to do for it."""
    url, _ = told
    with writing(url) as connection:
        dismiss(connection, CASE, Disposition.LOOK_ALIKE, act())
        with pytest.raises(Refused):
            codes.reissue(connection, CASE, act())
