"""The message of a notice that the outbox lets leave: between the case database and the sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases import outbox
from sekisho.cases.database import reading
from sekisho.notices.compose import Composer, Draft

if TYPE_CHECKING:
    from sekisho.cases.outbox import Claimed
    from sekisho.core.config import Config
    from sekisho.notices.contacts.contact import ContactSource
    from sekisho.notices.delivery import Message, Outcome


class Outgoing:
    """Writes the message of a claimed notice; what the sender is given as ``compose``.

    Args:
        url: of the case database, to know when the line was written to before.
        config: who writes, and how a letter is laid out.
        source: where contacts come from.
    """

    def __init__(self, url: str, config: Config, source: ContactSource) -> None:
        self._url, self._composer = url, Composer(config, source)

    def __call__(self, claimed: Claimed) -> Message | Outcome:
        """The message, or what becomes of the notice without one."""
        notice = claimed.notice
        assert notice.approved_at_ms is not None, "nothing is claimed that nobody approved"
        draft = Draft(
            about=notice.kind,
            number=notice.message_id,
            code=claimed.code,
            channel=notice.channel,
            since_ms=self._written_before(claimed.case.number),
            # Of the approval and not of this attempt: the same message every time.
            now_ms=notice.approved_at_ms,
        )
        return self._composer.message(claimed.case, draft)

    def _written_before(self, case: int) -> int | None:
        with reading(self._url) as connection:
            sent = outbox.of_cases(connection, case_id=case, states=[outbox.NoticeState.SENT])
        return max((notice.sent_at_ms for notice in sent if notice.sent_at_ms is not None), default=None)
