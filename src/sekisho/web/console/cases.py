"""One case: what was seen and why, how sure that is, what was done, what may be done; plain for support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sekisho.cases import audit, outbox, signals
from sekisho.cases.quiet import quiet_minutes
from sekisho.cases.read import get_case
from sekisho.cases.recovery import CONTINUOUS
from sekisho.cases.roles import Action
from sekisho.cases.settling import settled
from sekisho.cases.states import AnswerKind, Disposition, NoticeKind
from sekisho.cases.subscriber import codes
from sekisho.cases.work_tables import ANSWER, LEGAL_HOLD
from sekisho.detect import sentences
from sekisho.measures.model import Language, MeasureState, measures
from sekisho.measures.order import device_names, likely_devices, order_for_case
from sekisho.notices import letter, plain, wording
from sekisho.notices import page as notice_page
from sekisho.notices.case_notice import case_notice
from sekisho.notices.contacts.join import MAY_BE_WRITTEN_TO
from sekisho.notices.notice import Form
from sekisho.notices.operator import sender
from sekisho.web.console.asking import one_of
from sekisho.web.console.timeline import Marks, timeline
from sekisho.web.console.traffic import traffic_of_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.model import Case, Evidence
    from sekisho.cases.outbox import Notice
    from sekisho.cases.policy import Recovery
    from sekisho.web.console.asking import Ask
    from sekisho.web.console.traffic import Traffic

PAPER = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
"""A notice carries its own style, since a mail program loads none; nothing else in it is let do anything."""


def page(ask: Ask) -> Response:
    """The case as this person may see it."""
    return _page(ask, None)


def traffic(ask: Ask) -> Response:
    """The same with what its line sent, minute by minute; that it was looked up is on record."""
    ask.require_purpose()
    with ask.reading() as connection:
        case = get_case(connection, ask.number())
    # The flows of a day take their time: nobody waits for them with the database locked.
    found = traffic_of_case(ask, case)
    with ask.writing() as connection:
        audit.append(connection, "traffic", ask.act(), case_id=case.number)
    return _page(ask, found)


def _page(ask: Ask, traffic: Traffic | None) -> Response:
    number = ask.number()
    with ask.reading() as connection:
        case = get_case(connection, number)
        values: dict[str, Any] = {
            "case": case,
            "notices": list(reversed(outbox.of_cases(connection, case_id=number))),
            "answers": _rows(connection, number),
            "signals": signals.of_case(connection, number),
            "on_hold": _on_hold(connection, number),
            "code": codes.current(connection, number, ask.now_ms),
            "quiet": quiet_minutes(connection, {case.line_id: case.last_seen_ms})[case.line_id],
        }
    template = "case_plain.html" if ask.is_support else "case.html"
    response: Response = ask.page(
        template, traffic=traffic, **values, **_view(ask, case, values["notices"], values["answers"])
    )
    return response


def preview(ask: Ask) -> Response:
    """A message about the case as its subscriber would read it, with a specimen of a code: text, page or letter."""
    config = ask.console.config
    about = NoticeKind(one_of("kind", ask.query("kind"), list(NoticeKind)))
    language = Language(one_of("in", ask.query("in"), list(Language), ja="言語"))
    form = one_of("as", ask.query("as"), ("text", "html", "pdf"), ja="形式")
    with ask.reading() as connection:
        case = get_case(connection, ask.number())
    notice = case_notice(
        about, case, config.operator, language, now_ms=ask.now_ms, form=Form.MAIL,
        qr=form == "pdf" and config.letter.qr,
    )  # fmt: skip
    headers = {"Content-Security-Policy": PAPER, "X-Frame-Options": "SAMEORIGIN"}
    if form == "html":
        return HTMLResponse(notice_page.render(notice), headers=headers)
    if form == "text":
        return PlainTextResponse(plain.render(notice), headers=headers)
    head = letter.Head(
        address=[wording.say("address_here", language)],
        date=wording.date(ask.now_ms, language),
        writes=sender(config.operator, language),
    )
    return Response(letter.render(notice, head, config.letter), media_type="application/pdf")


def _view(ask: Ask, case: Case, notices: Sequence[Notice], answers: Sequence[RowMapping]) -> dict[str, Any]:
    language = ask.language
    states = {progress.measure: progress.state for progress in case.measures}
    order = order_for_case((e.kind, e.ports) for e in case.evidence)
    told = [n.sent_at_ms for n in notices if n.sent_at_ms is not None]
    marks = Marks(told_ms=told, answered_ms=[row["at"] for row in answers], now_ms=ask.now_ms)
    return {
        "evidence": [_said(evidence, language) for evidence in case.evidence],
        "order": [(m, measures()[m].title.render(language), states[m]) for m in order],
        "devices": [device_names()[device].render(language) for device in likely_devices(case.kinds[0])],
        "timeline": timeline(case, marks, label=ask.console.pages.say(language, "timeline_label")),
        "settle": _settle(ask, case) if ask.query("line") == "ask" and ask.may(Action.WATCH) else None,
        "needed_hours": f"{_needed_hours(case, ask.console.policy.recovery):g}",
        "dispositions": tuple(Disposition),
        "answer_kinds": (AnswerKind.ANSWERED, AnswerKind.COMPLAINT, AnswerKind.WRONG_LINE),
        "measure_states": tuple(MeasureState),
        "notice_kinds": tuple(NoticeKind),
        "mode": ask.console.policy.mode,
        "may_be_told": case.state in MAY_BE_WRITTEN_TO,
    }


def _said(evidence: Evidence, language: Language) -> dict[str, Any]:
    return {
        "seen": evidence,
        "why": sentences.explanation(evidence.kind, evidence.numbers, language.value),
        "quiet": sentences.quiet(evidence.kind, evidence.numbers, language.value),
    }


def _settle(ask: Ask, case: Case) -> tuple[str, str]:
    """What the sources say now: the name of a text, and why."""
    answer = settled(case.line_id, case.evidence, ask.console.resolve())
    return type(answer).__name__, getattr(answer, "why", "")


def _needed_hours(case: Case, recovery: Recovery) -> float:
    """Hours of silence after which it can be over at the earliest."""
    return recovery.continuous_hours if set(case.kinds) <= CONTINUOUS else recovery.flood_hours


def _rows(connection: Connection, number: int) -> Sequence[RowMapping]:
    query = select(ANSWER).where(ANSWER.c.case_id == number).order_by(ANSWER.c.id.desc())
    return connection.execute(query).mappings().all()


def _on_hold(connection: Connection, number: int) -> bool:
    mine = (LEGAL_HOLD.c.case_id == number, LEGAL_HOLD.c.released_at.is_(None))
    return connection.execute(select(LEGAL_HOLD.c.id).where(*mine).limit(1)).first() is not None
