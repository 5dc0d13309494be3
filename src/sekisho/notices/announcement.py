"""The announcement to all customers: of an event or a period, without a word that points at one of them.

It needs no case of the reader's, so it also reaches those whose lines cannot be told from the traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.measures.model import Language, Reader
from sekisho.measures.order import SUBSCRIBER_ORDER
from sekisho.notices import wording
from sekisho.notices.advice import advice, devices, is_mail_first
from sekisho.notices.kinds import OTHER, wording_of
from sekisho.notices.notice import Form, Notice, fill
from sekisho.notices.operator import sender
from sekisho.notices.wording import say

if TYPE_CHECKING:
    from sekisho.cases.model import Extent
    from sekisho.core.config import Operator


def announcement(
    extent: Extent,
    operator: Operator,
    language: Language,
    *,
    now_ms: int,
    reader: Reader = Reader.ANYONE,
    form: Form = Form.MAIL,
    approved: bool = False,
) -> Notice:
    """The announcement about what happened to many lines.

    Args:
        extent: of the event or period.
        operator: who writes.
        language: of the text.
        now_ms: its date.
        reader: at which level the advice is written.
        form: mail or letter.
        approved: whether a person has released it; until then it is a preview.
    """
    kinds, writes = extent.kinds or (OTHER,), sender(operator, language)
    steps, maker = advice(SUBSCRIBER_ORDER, language, reader, service=None)
    values = {
        "operator": writes,
        "date": wording.date(now_ms, language),
        "what": wording_of(kinds[0]).what.render(language, reader),
        "period": wording.period(extent.first_seen_ms, extent.last_seen_ms, language),
        "lines": wording.lines(extent.lines, language),
        "links": wording.listed(list(extent.links), language),
        "seen": list(dict.fromkeys(wording_of(kind).seen.render(language, reader) for kind in kinds)),
        "effects": list(dict.fromkeys(wording_of(kind).effect.render(language, reader) for kind in kinds)),
        "devices": devices(kinds[0], language),
        "other_devices": devices(OTHER, language),
        "mail_first": is_mail_first(kinds[0]),
        "steps": steps,
        "maker": maker,
    }
    subject, blocks = fill("announcement", form, language, values)
    return Notice(
        language=language,
        subject=subject,
        blocks=blocks,
        banner="" if approved else say("preview", language),
        missing=writes.missing,
    )
