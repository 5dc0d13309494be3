"""What a person does to a case or a notice: the functions that the command line calls, behind a form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from sekisho.cases import answers, audit, decisions, outbox, retention, subject_access
from sekisho.cases.outbox import NoticeState
from sekisho.cases.read import get_case
from sekisho.cases.reveal import reveal as revealed
from sekisho.cases.states import JA, AnswerKind, Disposition
from sekisho.cases.subscriber import codes
from sekisho.core.errors import Refused
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.notices.contacts.join import contact_of, source_of
from sekisho.notices.delivery import Skipped
from sekisho.web.console.asking import one_of

if TYPE_CHECKING:
    from enum import StrEnum
    from typing import TypeVar

    from sqlalchemy import Connection

    from sekisho.web.console.asking import Ask

    Code = TypeVar("Code", bound=StrEnum)

MAX_NOTE = 500


def reveal(ask: Ask) -> Response:
    """Where the traffic of an open case went, truncated; that it was shown is on record."""
    ask.require_purpose()
    with ask.writing() as connection:
        found = revealed(connection, ask.number(), ask.act())
        case = get_case(connection, ask.number())
    response: Response = ask.page("reveal.html", case=case, rows=found, purpose=ask.form["purpose"])
    return response


def contact(ask: Ask) -> Response:
    """Who the subscriber is; that it was shown is on record."""
    ask.require_purpose()
    source = source_of(ask.console.config)
    if source is None:
        raise Refused("contact: no [contacts] are configured", "連絡先: 設定に [contacts] がありません")
    act = ask.act()
    with ask.reading() as connection:
        case = get_case(connection, ask.number())
    # The source may be a server that takes its time: nobody waits for it with the database locked.
    found = contact_of(case, source)
    with ask.writing() as connection:
        audit.append(connection, "contact", act, case_id=case.number)
    shown = None if isinstance(found, Skipped) else found
    response: Response = ask.page("contact.html", case=case, contact=shown)
    return response


def dismiss(ask: Ask) -> Response:
    """Close a case that is none."""
    with ask.writing() as connection:
        answers.dismiss(connection, _case(ask, connection), _code(ask, "as", Disposition), ask.act())
    return _back(ask, "dismissed")


def escalate(ask: Ask) -> Response:
    """Ask for more than notices."""
    with ask.writing() as connection:
        decisions.escalate(connection, ask.number(), ask.act(), ask.reason())
    return _back(ask, "escalated")


def withdraw(ask: Ask) -> Response:
    """It was another line: nothing about the case leaves any more."""
    with ask.writing() as connection:
        case = get_case(connection, ask.number())
        if not case.is_open:
            raise Refused(
                f"case {case.number} is {case.state}: it cannot be withdrawn",
                f"ケース {case.number} は「{JA[case.state]}」です。取り下げることはできません",
            )
        outbox.withdraw(connection, case, ask.act(), ask.reason())
    return _back(ask, "withdrawn")


def line_ended(ask: Ask) -> Response:
    """The contract of the line ended."""
    with ask.writing() as connection:
        decisions.end_line(connection, ask.number(), ask.act(), ask.reason())
    return _back(ask, "line_ended")


def answer(ask: Ask) -> Response:
    """Record what a subscriber said."""
    note = ask.form.get("note", "").strip()
    if len(note) > MAX_NOTE:
        raise Refused(
            f"note: expected at most {MAX_NOTE} characters, found {len(note)}",
            f"メモは {MAX_NOTE} 文字以内で入力してください（入力: {len(note)} 文字）",
        )
    with ask.writing() as connection:
        answers.answer(connection, ask.number(), _code(ask, "kind", AnswerKind), ask.act(), note=note or None)
    return _back(ask, "answered")


def measure(ask: Ask) -> Response:
    """Record how far one measure is."""
    which, state = _code(ask, "measure", MeasureId), _code(ask, "state", MeasureState)
    with ask.writing() as connection:
        decisions.note_measure(connection, ask.number(), which, state, ask.act())
    return _back(ask, "measured")


def reissue(ask: Ask) -> Response:
    """A new code for somebody who lost theirs; it is shown once, to be read out."""
    with ask.writing() as connection:
        code = codes.reissue(connection, ask.number(), ask.act())
        case = get_case(connection, ask.number())
    response: Response = ask.page("code.html", case=case, code=code, days=codes.VALID_DAYS)
    return response


def hold(ask: Ask) -> Response:
    """Keep a case from the erasure run, or no longer."""
    with ask.writing() as connection:
        if ask.form.get("end"):
            retention.release_hold(connection, _case(ask, connection), ask.act())
            return _back(ask, "legal_hold_ended")
        retention.hold(connection, ask.number(), ask.act(), ask.reason())
    return _back(ask, "legal_hold")


def export(ask: Ask) -> Response:
    """Everything that is held about the line of a case, for the person whose line it is."""
    ask.require_purpose()
    with ask.writing() as connection:
        case = get_case(connection, ask.number())
        found = subject_access.export(connection, case.line_id, ask.act())
    headers = {"Content-Disposition": f'attachment; filename="case-{case.number}-export.json"'}
    content = json.dumps(found, ensure_ascii=False, indent=1)
    return Response(content, media_type="application/json", headers=headers)


def approve(ask: Ask) -> Response:
    """Let a notice leave, after whose line it was has been asked anew."""
    resolve = ask.console.resolve()
    with ask.writing() as connection:
        state = outbox.approve(connection, ask.number(), ask.act(), ask.console.policy, resolve)
        case = outbox.get(connection, ask.number()).case
    done = {NoticeState.APPROVED: "approved", NoticeState.HELD: "held"}.get(state, "withdrawn")
    return ask.back_to(f"/cases/{case}", done)


def refuse(ask: Ask) -> Response:
    """Decide that a notice does not leave."""
    with ask.writing() as connection:
        outbox.refuse(connection, ask.number(), ask.act(), ask.reason())
        case = outbox.get(connection, ask.number()).case
    return ask.back_to(f"/cases/{case}", "refused")


def _back(ask: Ask, done: str) -> Response:
    return ask.back_to(f"/cases/{ask.number()}", done)


def _code(ask: Ask, name: str, known: type[Code]) -> Code:
    return known(one_of(name, ask.form.get(name, ""), list(known)))


def _case(ask: Ask, connection: Connection) -> int:
    return get_case(connection, ask.number()).number
