"""What is written about a case: what was seen and when, which devices are likely, what to do, how to verify it.

Five texts, one for each place in a case's life. None names an address, a person or a destination, asks for anything
secret, or needs a link or an attachment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.cases.code import SPECIMEN
from sekisho.measures.model import Language, MeasureId, Reader
from sekisho.measures.order import AMPLIFIERS, order_for_case
from sekisho.notices import wording
from sekisho.notices.advice import advice, devices, is_mail_first
from sekisho.notices.kinds import OTHER, wording_of
from sekisho.notices.notice import Form, Notice, fill
from sekisho.notices.operator import sender
from sekisho.notices.wording import say

if TYPE_CHECKING:
    from sekisho.cases.model import Case, Evidence
    from sekisho.cases.states import NoticeKind
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


def case_notice(
    about: NoticeKind,
    case: Case,
    operator: Operator,
    language: Language,
    *,
    now_ms: int,
    since_ms: int | None = None,
    reader: Reader = Reader.ANYONE,
    form: Form = Form.MAIL,
    qr: bool = False,
    code: str | None = None,
) -> Notice:
    """One message about a case: the digest of everything that was seen on its line since the message before.

    Args:
        about: which message.
        case: with its evidence.
        operator: who writes.
        language: of the text.
        now_ms: its date.
        since_ms: when the message before left; what ended before it was told there already. None tells everything.
        reader: at which level the advice is written.
        form: mail or letter.
        qr: whether a QR code of the operator's site stands beside the text.
        code: the code that was issued for the case; without one it is a preview and shows a specimen.
    """
    values = values_of(
        case, operator, language, now_ms=now_ms, since_ms=since_ms, reader=reader, code=code or SPECIMEN, qr=qr
    )
    subject, blocks = fill(about, form, language, values)
    return Notice(
        language=language,
        subject=subject,
        blocks=blocks,
        banner="" if code is not None else say("preview_code", language),
        missing=values["operator"].missing,
    )


def values_of(
    case: Case,
    operator: Operator,
    language: Language,
    *,
    now_ms: int,
    since_ms: int | None = None,
    reader: Reader = Reader.ANYONE,
    code: str = SPECIMEN,
    qr: bool = False,
) -> dict[str, Any]:
    """What the texts about a case are filled with; the arguments are those of ``case_notice``."""
    evidence, writes = _since(case, since_ms), sender(operator, language)
    worst, kinds = evidence[0].kind, tuple(dict.fromkeys(episode.kind for episode in evidence))
    order = order_for_case((episode.kind, episode.ports) for episode in evidence)
    services = [name for episode in evidence if (name := _service(episode)) is not None]
    steps, maker = advice(order, language, reader, service=services[0] if services else None)
    return {
        "operator": writes,
        "date": wording.date(now_ms, language),
        "what": wording_of(worst).what.render(language, reader),
        "seen": [_seen([e for e in evidence if e.kind == kind], language, reader) for kind in kinds],
        "last_seen": wording.moment(max(episode.last_seen_ms for episode in evidence), language),
        "told": wording.date(case.opened_at_ms if since_ms is None else since_ms, language),
        "continues": since_ms is None or any(episode.last_seen_ms > since_ms for episode in evidence),
        "proof": case.closing or "",
        "effects": list(dict.fromkeys(wording_of(kind).effect.render(language, reader) for kind in kinds)),
        "devices": devices(worst, language),
        "other_devices": devices(OTHER, language),
        "mail_first": is_mail_first(worst),
        "order": [measure for measure in order if measure is not MeasureId.MAKER],
        "steps": steps,
        "maker": maker,
        "code": code,
        "qr": qr,
    }


def _since(case: Case, since_ms: int | None) -> tuple[Evidence, ...]:
    """What is new, the worst first; all of it where nothing is."""
    new = tuple(episode for episode in case.evidence if since_ms is None or episode.last_seen_ms > since_ms)
    return new or case.evidence


def _seen(episodes: list[Evidence], language: Language, reader: Reader) -> Seen:
    period = wording.period(
        min(evidence.first_seen_ms for evidence in episodes),
        max(evidence.last_seen_ms for evidence in episodes),
        language,
    )
    if len(episodes) > 1:
        period = say("several_times", language, period=period, count=len(episodes))
    service = _service(episodes[0])
    return Seen(
        sentence=wording_of(episodes[0].kind).seen.render(language, reader),
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
