"""Opening a case and moving it: every step is in the table, has an actor and a purpose, and stays in the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from sekisho.cases.states import CLOSED, JA, TRANSITIONS, State
from sekisho.cases.tables import CASE, HISTORY, MEASURE
from sekisho.cases.work_tables import NOTICE
from sekisho.core.errors import Refused
from sekisho.measures.model import MeasureId, MeasureState

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something to a case, when, and for which purpose.

    Attributes:
        actor: a person's sign-in, or the name of the program that acted by itself.
        purpose: code of the policy.
        at_ms: when, milliseconds UTC.
    """

    actor: str
    purpose: str
    at_ms: int


def begin(
    connection: Connection, line_id: str, act: Act, *, predecessor_id: int | None = None, exporter: str | None = None
) -> int:
    """Open a case for a line that has none; every measure begins as open.

    Returns:
        the number of the case.
    """
    row = {
        "line_id": line_id, "state": State.OPEN, "opened_at": act.at_ms, "predecessor_id": predecessor_id,
        "exporter": exporter,
    }  # fmt: skip
    case_id: int = connection.execute(insert(CASE).values(row).returning(CASE.c.id)).scalar_one()
    connection.execute(
        insert(MEASURE),
        [
            {"case_id": case_id, "measure": measure, "state": MeasureState.OPEN, "changed_at": act.at_ms}
            for measure in MeasureId
        ],
    )
    _remember(connection, case_id, act, None, State.OPEN, None)
    return case_id


def move(connection: Connection, case_id: int, to: State, act: Act, *, reason: str | None = None) -> None:
    """Bring a case to another state.

    Args:
        connection: within a transaction that writes.
        case_id: number of the case.
        to: where to.
        act: who, when, what for.
        reason: why; for ``resolved`` the label that says how strong the evidence is. A closing needs one.

    Raises:
        Refused: the table has no such step, or a closing has no reason.
    """
    now = State(connection.execute(select(CASE.c.state).where(CASE.c.id == case_id)).scalar_one())
    if (now, to) not in TRANSITIONS:
        raise Refused(
            f"case {case_id} is {now}: it cannot become {to}",
            f"ケース {case_id} は「{JA[now]}」です。この状態から「{JA[to]}」に移すことはできません",
        )
    if to in CLOSED and not reason:
        raise Refused(
            f"case {case_id} cannot become {to} without a reason",
            f"ケース {case_id} を「{JA[to]}」にするには理由が必要です",
        )
    closed_at, closing = (act.at_ms, reason) if to in CLOSED else (None, None)
    connection.execute(update(CASE).where(CASE.c.id == case_id).values(state=to, closed_at=closed_at, closing=closing))
    if to in CLOSED:
        pending = (NOTICE.c.case_id == case_id, NOTICE.c.state.in_(("draft", "approved", "held")))
        connection.execute(
            update(NOTICE).where(*pending).values(state="refused", reason=f"the case is {to}", code=None)
        )
    _remember(connection, case_id, act, now, to, reason)


def set_measure(connection: Connection, case_id: int, measure: MeasureId, state: MeasureState, act: Act) -> None:
    """Note how far one measure is; each is followed by itself."""
    connection.execute(
        update(MEASURE)
        .where(MEASURE.c.case_id == case_id, MEASURE.c.measure == measure)
        .values(state=state, changed_at=act.at_ms)
    )


def _remember(
    connection: Connection, case_id: int, act: Act, before: State | None, after: State, reason: str | None
) -> None:
    connection.execute(
        insert(HISTORY).values(
            case_id=case_id,
            at=act.at_ms,
            actor=act.actor,
            purpose=act.purpose,
            from_state=before,
            to_state=after,
            reason=reason,
        )
    )
