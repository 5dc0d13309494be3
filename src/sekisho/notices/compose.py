"""A message out of a case and its contact: what the outbox keeps and a channel carries, the same at every attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.cases.states import NoticeKind, State
from sekisho.core import errors
from sekisho.notices import letter, page, plain, wording
from sekisho.notices.case_notice import case_notice
from sekisho.notices.contacts.join import contact_of
from sekisho.notices.delivery import Deferred, Message, Refused, Skipped, SkipReason
from sekisho.notices.operator import sender

if TYPE_CHECKING:
    from sekisho.cases.model import Case
    from sekisho.core.config import Config, Operator
    from sekisho.core.config_delivery import Letter
    from sekisho.notices.contacts.contact import Contact, ContactSource

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
        since_ms: when the message before left; None only for the first, since the others name the day.
        now_ms: its date.
    """

    about: NoticeKind
    number: str
    code: str
    channel: str
    since_ms: int | None
    now_ms: int


class Composer:
    """Joins a case with its contact and writes the message; what the outside does becomes an outcome.

    Args:
        config: who writes, and how a letter is laid out.
        source: where contacts come from.
    """

    def __init__(self, config: Config, source: ContactSource) -> None:
        self._config, self._source = config, source

    def message(self, case: Case, draft: Draft) -> Message | Skipped | Deferred | Refused:
        """The message, or why there is none: nobody to reach, contacts not now, a text with a gap."""
        if case.state is State.WITHDRAWN and draft.about is not NoticeKind.CORRECTION:
            return Refused(why=f"case {case.number} is withdrawn: nothing about it leaves but its correction")
        try:
            contact = contact_of(case, self._source)
            if isinstance(contact, Skipped):
                return contact
            return compose(case, contact, draft, self._config.operator, self._config.letter)
        except errors.Unavailable as error:
            return Deferred(why=str(error))
        except errors.Refused as error:
            return Refused(why=str(error))


def compose(case: Case, contact: Contact, draft: Draft, operator: Operator, layout: Letter) -> Message | Skipped:
    """The message, in the subscriber's language.

    Raises:
        sekisho.core.errors.Refused: the configuration does not say who writes (a text with a gap in it goes to nobody),
            or the text speaks of a message before and there is none.
    """
    if draft.since_ms is None and draft.about is not NoticeKind.FIRST_NOTICE:
        raise errors.Refused(
            f"expected a message before a {draft.about}, found none",
            f"{draft.about} は、先に送った通知がなければ送れません",
        )
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
        missing = ", ".join(notice.missing)
        raise errors.Refused(f"expected {missing} in the configuration, found none", f"設定に {missing} がありません")
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
