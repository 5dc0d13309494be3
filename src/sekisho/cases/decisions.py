"""What a person decides about a case beside notices: each with its row in the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases import audit
from sekisho.cases.lifecycle import move, set_measure
from sekisho.cases.read import get_case
from sekisho.cases.states import State

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.measures.model import MeasureId, MeasureState


def escalate(connection: Connection, case_id: int, act: Act, reason: str) -> None:
    """Ask for more than notices.

    Raises:
        NotFound: there is no such case.
        Refused: it is closed, or escalated already.
    """
    _move(connection, case_id, State.ESCALATED, act, reason)
    audit.append(connection, "escalate", act, case_id=case_id)


def end_line(connection: Connection, case_id: int, act: Act, reason: str) -> None:
    """The contract of the line ended, and its case with it.

    Raises:
        NotFound: there is no such case.
        Refused: it is closed already.
    """
    _move(connection, case_id, State.LINE_ENDED, act, reason)
    audit.append(connection, "line_ended", act, case_id=case_id, details={"reason": reason})


def note_measure(connection: Connection, case_id: int, measure: MeasureId, state: MeasureState, act: Act) -> None:
    """Record how far one measure is.

    Raises:
        NotFound: there is no such case.
    """
    set_measure(connection, get_case(connection, case_id).number, measure, state, act)
    audit.append(connection, "measure", act, case_id=case_id, details={"measure": measure, "state": state})


def _move(connection: Connection, case_id: int, to: State, act: Act, reason: str) -> None:
    move(connection, get_case(connection, case_id).number, to, act, reason=reason)
