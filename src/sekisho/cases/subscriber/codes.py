"""Which case a code opens, for how long, and a new one where the old is lost."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from sekisho.cases import audit
from sekisho.cases.code import grouped, is_valid, issue, normalised
from sekisho.cases.read import get_case
from sekisho.cases.states import JA
from sekisho.cases.subscriber_tables import CODE, SESSION
from sekisho.cases.work_tables import NOTICE
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act

VALID_DAYS = 60
VALID_MS = VALID_DAYS * 24 * 3_600_000
"""Counted from the last time that the code was told: a letter may lie for weeks, but not for ever."""

_SENT = "sent"
_PENDING = ("approved", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """A code that was told to somebody.

    Attributes:
        case_id: the case that it is for.
        is_expired: its time is over.
    """

    case_id: int
    is_expired: bool


def find(connection: Connection, typed: str, now_ms: int) -> Opens | None:
    """What a code opens, however it was typed; None where it was never told, or another stands for it now."""
    if not is_valid(typed):
        return None
    code = grouped(normalised(typed))
    told = _told(connection, code)
    if told is None:
        return None
    case_id, told_ms = told
    newest = _reissued(connection, case_id)
    if newest is not None and newest != code:
        return None
    return Opens(case_id=case_id, is_expired=now_ms - told_ms > VALID_MS)


def current(connection: Connection, case_id: int, now_ms: int) -> str | None:
    """The code that the subscriber holds and that opens the case; None where there is none any more."""
    code = _reissued(connection, case_id)
    if code is None:
        sent = (NOTICE.c.case_id == case_id, NOTICE.c.state == _SENT, NOTICE.c.code.is_not(None))
        code = connection.execute(select(NOTICE.c.code).where(*sent).order_by(NOTICE.c.id.desc()).limit(1)).scalar()
    if code is None:
        return None
    told = _told(connection, code)
    return code if told is not None and now_ms - told[1] <= VALID_MS else None


def reissue(connection: Connection, case_id: int, act: Act) -> str:
    """A new code for somebody who lost the old one; the old one opens nothing any more, and who is in has to leave.

    Raises:
        Refused: the case is closed.
    """
    case = get_case(connection, case_id)
    if not case.is_open:
        raise Refused(
            f"case {case_id} is {case.state}: no code is issued for it",
            f"ケース {case_id} は「{JA[case.state]}」です。コードは発行できません",
        )
    code = issue(secrets.choice)
    connection.execute(insert(CODE).values(case_id=case_id, code=code, issued_at=act.at_ms, issued_by=act.actor))
    # A notice on its way has to carry what opens the case.
    on_its_way = (NOTICE.c.case_id == case_id, NOTICE.c.state.in_(_PENDING), NOTICE.c.code.is_not(None))
    connection.execute(update(NOTICE).where(*on_its_way).values(code=code))
    connection.execute(SESSION.delete().where(SESSION.c.case_id == case_id))
    audit.append(connection, "reissue", act, case_id=case_id)
    return code


def _told(connection: Connection, code: str) -> tuple[int, int] | None:
    """Case and the last time that a code was told: by a notice that left, or by a person."""
    by_notice = select(NOTICE.c.case_id, NOTICE.c.sent_at).where(NOTICE.c.code == code, NOTICE.c.state == _SENT)
    by_person = select(CODE.c.case_id, CODE.c.issued_at).where(CODE.c.code == code)
    times = [(row[0], row[1]) for query in (by_notice, by_person) for row in connection.execute(query)]
    return max(times, key=lambda pair: pair[1], default=None)


def _reissued(connection: Connection, case_id: int) -> str | None:
    newest = select(func.max(CODE.c.id)).where(CODE.c.case_id == case_id).scalar_subquery()
    return connection.execute(select(CODE.c.code).where(CODE.c.id == newest)).scalar()
