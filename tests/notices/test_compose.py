"""A message out of a case and its contact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cases.documents import NOW_MS
from notices.contacts.test_contacts import TARO
from notices.samples import LINE_ID, OPERATOR, case_of
from sekisho.core.config import Operator
from sekisho.core.config_delivery import Letter
from sekisho.core.errors import Refused
from sekisho.measures.model import Language
from sekisho.notices.case_notice import About
from sekisho.notices.compose import Draft, compose
from sekisho.notices.contacts.contact import Contact
from sekisho.notices.delivery import Message, Skipped, SkipReason

CODE = "AAAA-AAAA-AAAA-AAAA"


def composed(channel: str, contact: Contact = TARO, operator: Operator = OPERATOR) -> Message | Skipped:
    draft = Draft(about=About.FIRST_NOTICE, number="n1.a", code=CODE, channel=channel, since_ms=None, now_ms=NOW_MS)
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


def test_a_text_with_a_gap_goes_to_nobody() -> None:
    """The sentence names the keys."""
    with pytest.raises(Refused, match=r"operator\.telephone"):
        composed("mail", operator=OPERATOR.model_copy(update={"telephone": None}))
