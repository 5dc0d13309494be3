"""A message out of a case and its contact: what the outbox keeps and a channel carries, the same at every attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.errors import Refused
from sekisho.notices import letter, page, plain, wording
from sekisho.notices.case_notice import About, case_notice
from sekisho.notices.delivery import Message, Skipped, SkipReason
from sekisho.notices.operator import sender

if TYPE_CHECKING:
    from sekisho.cases.model import Case
    from sekisho.core.config import Operator
    from sekisho.core.config_delivery import Letter
    from sekisho.notices.contacts.contact import Contact

LETTER = "letter"
"""The one channel that prints."""

BY_LINE = frozenset({"webhook", "drop"})
"""Channels that need no address of ours: whoever takes the message knows the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a message is made of, besides its case.

    Attributes:
        number: ``Message.id``.
        code: that was issued for the case.
        channel: name of the channel.
        since_ms: when the message before left; None where there is none.
        now_ms: its date.
    """

    about: About
    number: str
    code: str
    channel: str
    since_ms: int | None
    now_ms: int


def compose(case: Case, contact: Contact, draft: Draft, operator: Operator, layout: Letter) -> Message | Skipped:
    """The message, in the subscriber's language.

    Raises:
        Refused: the configuration does not say who writes: a text with a gap in it goes to nobody.
    """
    to = contact.reached_by(draft.channel)
    if not to and draft.channel not in BY_LINE:
        return Skipped(SkipReason.NO_ADDRESS)
    is_letter = draft.channel == LETTER
    notice = case_notice(
        draft.about,
        case,
        operator,
        contact.language,
        now_ms=draft.now_ms,
        since_ms=draft.since_ms,
        qr=is_letter and layout.qr,
        code=draft.code,
    )
    if notice.missing:
        raise Refused(f"expected {', '.join(notice.missing)} in the configuration, found none")
    return Message(
        id=draft.number,
        case_code=draft.code,
        line_id=case.line_id,
        kind=draft.about,
        language=contact.language,
        channel=draft.channel,
        to=to,
        subject=notice.subject,
        text=plain.body(notice),
        html=page.render(notice),
        pdf=letter.render(
            notice,
            letter.Head(
                address=letter.address_lines(to),
                date=wording.date(draft.now_ms, contact.language),
                writes=sender(operator, contact.language),
            ),
            layout,
        )
        if is_letter
        else None,
    )
