"""A message out of a case and its contact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cases.documents import NOW_MS
from notices.contacts.test_contacts import TARO
from notices.samples import LINE_ID, OPERATOR, case_of
from sekisho.cases.states import NoticeKind, State
from sekisho.core.config import Config, Operator
from sekisho.core.config_delivery import Letter
from sekisho.core.errors import Refused, Unavailable
from sekisho.measures.model import Language
from sekisho.notices import delivery
from sekisho.notices.compose import Composer, Draft, compose
from sekisho.notices.contacts.contact import Contact
from sekisho.notices.delivery import Deferred, Message, Skipped, SkipReason

CODE = "AAAA-AAAA-AAAA-AAAA"


def composed(channel: str, contact: Contact = TARO, operator: Operator = OPERATOR) -> Message | Skipped:
    draft = Draft(
        about=NoticeKind.FIRST_NOTICE, number="n1.a", code=CODE, channel=channel, since_ms=None, now_ms=NOW_MS
    )
    return compose(case_of("udp_flood"), contact, draft, operator, Letter())


@pytest.mark.parametrize("channel", ["mail", "letter", "webhook", "drop"])
@pytest.mark.parametrize("language", Language)
def test_a_message_is_complete(channel: str, language: Language) -> None:
    """In the subscriber's language, with the code, no word of a preview, no name in the text; a letter is printed."""
    made = composed(channel, replace(TARO, language=language))
    assert isinstance(made, Message)
    assert (made.line_id, made.kind, made.language, made.channel) == (LINE_ID, "first_notice", language, channel)
    for text in (made.text, made.html):
        assert CODE in text
        assert "見本" not in text
        assert "preview" not in text
        assert LINE_ID not in text
    assert (made.pdf is not None) is (channel == "letter")
    assert made.subject not in made.text


@pytest.mark.parametrize(("channel", "field"), [("mail", "mail"), ("letter", "address")])
def test_a_channel_that_does_not_reach_somebody_is_skipped(channel: str, field: str) -> None:
    """The ladder goes on with another one; a webhook goes by the line."""
    contact = replace(TARO, **{field: ""})  # type: ignore[arg-type]
    assert composed(channel, contact) == Skipped(SkipReason.NO_ADDRESS)
    assert isinstance(composed("webhook", replace(TARO, mail="")), Message)


class Silent:
    def find(self, line_id: str) -> Contact | Skipped:
        raise Unavailable(f"contacts: no answer about {len(line_id)} characters")


class Known:
    def __init__(self, contact: Contact | Skipped) -> None:
        self.contact = contact

    def find(self, line_id: str) -> Contact | Skipped:
        assert line_id == LINE_ID
        return self.contact


def test_what_keeps_a_message_from_being_written_is_an_outcome() -> None:
    """Nobody known, contacts not now, a gap in the text, a case that is none: the sender goes on with the next."""
    draft = Draft(about=NoticeKind.FIRST_NOTICE, number="n1.a", code=CODE, channel="mail", since_ms=None, now_ms=NOW_MS)
    case, complete = case_of("scan"), Config(operator=OPERATOR)
    missing = Skipped(SkipReason.NO_CONTACT)
    assert isinstance(Composer(complete, Known(TARO)).message(case, draft), Message)
    assert Composer(complete, Known(missing)).message(case, draft) == missing
    assert Composer(complete, Silent()).message(case, draft) == Deferred(why="contacts: no answer about 7 characters")
    assert isinstance(Composer(Config(), Known(TARO)).message(case, draft), delivery.Refused)
    withdrawn = replace(case, state=State.WITHDRAWN)
    assert isinstance(Composer(complete, Known(TARO)).message(withdrawn, draft), delivery.Refused)


@pytest.mark.parametrize("about", [about for about in NoticeKind if about is not NoticeKind.FIRST_NOTICE])
def test_what_speaks_of_a_message_before_needs_one(about: NoticeKind) -> None:
    """No day is made up on which nobody was written to."""
    draft = Draft(about=about, number="n1.a", code=CODE, channel="mail", since_ms=None, now_ms=NOW_MS)
    with pytest.raises(Refused, match="expected a message before"):
        compose(case_of("scan"), TARO, draft, OPERATOR, Letter())
    later = compose(case_of("scan"), TARO, replace(draft, since_ms=NOW_MS), OPERATOR, Letter())
    assert isinstance(later, Message)


def test_a_text_with_a_gap_goes_to_nobody() -> None:
    """The sentence names the keys."""
    with pytest.raises(Refused, match=r"operator\.telephone"):
        composed("mail", operator=OPERATOR.model_copy(update={"telephone": None}))
