"""What came back from subscribers, and how a person ends a case; the effect report counts both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from sekisho.cases import audit
from sekisho.cases.lifecycle import move
from sekisho.cases.read import get_case
from sekisho.cases.states import AnswerKind, Disposition, State
from sekisho.cases.work_tables import ANSWER

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act


def answer(connection: Connection, case_id: int, kind: AnswerKind, act: Act, *, note: str | None = None) -> None:
    """Note an answer; the first after a notice acknowledges the case."""
    case = get_case(connection, case_id)
    connection.execute(insert(ANSWER).values(case_id=case_id, at=act.at_ms, actor=act.actor, kind=kind, note=note))
    if case.state is State.NOTIFIED and kind in {AnswerKind.ANSWERED, AnswerKind.PORTAL}:
        move(connection, case_id, State.ACKNOWLEDGED, act)
    audit.append(connection, "answer", act, case_id=case_id, details={"kind": kind})


def dismiss(connection: Connection, case_id: int, why: Disposition, act: Act) -> None:
    """A person found that it is no case.

    Raises:
        Refused: it is closed already.
    """
    move(connection, case_id, State.DISMISSED, act, reason=why)
    audit.append(connection, "dismiss", act, case_id=case_id, details={"why": why})
