"""The first notice about a case: what was seen and when, which devices are likely, what to do, how to verify it.

It names no address, no person and no destination, asks for nothing secret, and needs neither a link nor an attachment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.cases.code import SPECIMEN
from sekisho.measures.model import Language, Reader
from sekisho.measures.order import AMPLIFIERS, order_for_case
from sekisho.notices import wording
from sekisho.notices.advice import advice, devices, is_mail_first
from sekisho.notices.kinds import OTHER, wording_of
from sekisho.notices.notice import Form, Notice, fill
from sekisho.notices.operator import sender
from sekisho.notices.wording import say

if TYPE_CHECKING:
    from sekisho.cases.model import Case, Evidence
    from sekisho.core.config import Operator

SERVICE_PORT = "service_port"
"""Name under which evidence of reflection holds the port of the abused service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One kind as the text tells it."""

    sentence: str
    service: str
    period: str
    peak: str


def first_notice(
    case: Case,
    operator: Operator,
    language: Language,
    *,
    now_ms: int,
    reader: Reader = Reader.ANYONE,
    form: Form = Form.MAIL,
    code: str | None = None,
) -> Notice:
    """The notice of a case.

    Args:
        case: with its evidence.
        operator: who writes.
        language: of the text.
        now_ms: its date.
        reader: at which level the advice is written.
        form: mail or letter.
        code: the code that was issued for it; without one it is a preview and shows a specimen.
    """
    worst, writes = case.evidence[0].kind, sender(operator, language)
    order = order_for_case((evidence.kind, evidence.ports) for evidence in case.evidence)
    services = [name for evidence in case.evidence if (name := _service(evidence)) is not None]
    steps, maker = advice(order, language, reader, service=services[0] if services else None)
    values = {
        "operator": writes,
        "date": wording.date(now_ms, language),
        "what": wording_of(worst).what.render(language, reader),
        "seen": [_seen(case, kind, language, reader) for kind in case.kinds],
        "effects": list(dict.fromkeys(wording_of(kind).effect.render(language, reader) for kind in case.kinds)),
        "devices": devices(worst, language),
        "other_devices": devices(OTHER, language),
        "mail_first": is_mail_first(worst),
        "steps": steps,
        "maker": maker,
        "code": code or SPECIMEN,
    }
    subject, blocks = fill("first_notice", form, language, values)
    return Notice(
        language=language,
        subject=subject,
        blocks=blocks,
        banner="" if code is not None else say("preview_code", language),
        missing=writes.missing,
    )


def _seen(case: Case, kind: str, language: Language, reader: Reader) -> Seen:
    episodes = [evidence for evidence in case.evidence if evidence.kind == kind]
    period = wording.period(
        min(evidence.first_seen_ms for evidence in episodes),
        max(evidence.last_seen_ms for evidence in episodes),
        language,
    )
    if len(episodes) > 1:
        period = say("several_times", language, period=period, count=len(episodes))
    service = _service(episodes[0])
    return Seen(
        sentence=wording_of(kind).seen.render(language, reader),
        service=say("service", language, service=service) if service is not None else "",
        period=period,
        peak=_peak(episodes[0], language, reader),
    )


def _peak(evidence: Evidence, language: Language, reader: Reader) -> str:
    low, high = evidence.peak_pps_interval_95
    return wording.phrases()[f"peak_{wording_of(evidence.kind).counted}"].render(
        language,
        reader,
        bits=wording.bits(evidence.peak_bps, language),
        packets=wording.count(evidence.peak_pps),
        low=wording.count(low),
        high=wording.count(high),
    )


def _service(evidence: Evidence) -> str | None:
    return AMPLIFIERS.get(int(evidence.numbers.get(SERVICE_PORT, 0)))
