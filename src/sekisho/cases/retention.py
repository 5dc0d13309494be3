"""The erasure run: what has served its time goes, with a report; a legal hold is the exception, and it is on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from sekisho.cases import audit, case_events, quiet
from sekisho.cases.policy import DAY_MS
from sekisho.cases.read import get_case
from sekisho.cases.subscriber_tables import CODE, DEVICE, REPORT, SESSION
from sekisho.cases.tables import CASE, DETECTION, EVENT, HISTORY, MEASURE
from sekisho.cases.work_tables import ANSWER, LEGAL_HOLD, NOTICE, SIGNAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.policy import Policy

_OF_A_CASE = (
    NOTICE, SIGNAL, ANSWER, MEASURE, HISTORY, DETECTION, LEGAL_HOLD, CODE, SESSION, DEVICE, REPORT,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What a run removed.

    Attributes:
        rows: table -> how many.
        held: closed cases past their time that a legal hold keeps.
    """

    rows: Mapping[str, int]
    held: int


def erase(connection: Connection, policy: Policy, act: Act) -> Erased:
    """Remove what is past its time; the report is a row of the audit trail too."""
    until_ms = act.at_ms - policy.retention.case_days * DAY_MS
    on_hold = select(LEGAL_HOLD.c.case_id).where(LEGAL_HOLD.c.released_at.is_(None))
    past = CASE.c.closed_at < until_ms
    kept = connection.execute(select(CASE.c.id).where(past, CASE.c.id.in_(on_hold))).all()
    going = select(CASE.c.id).where(past, CASE.c.id.not_in(on_hold))
    rows = {
        table.name: connection.execute(delete(table).where(table.c.case_id.in_(going))).rowcount for table in _OF_A_CASE
    }
    connection.execute(update(CASE).where(CASE.c.predecessor_id.in_(going)).values(predecessor_id=None))
    rows[CASE.name] = connection.execute(delete(CASE).where(past, CASE.c.id.not_in(on_hold))).rowcount
    case_events.after_erasure(connection)
    in_use = select(DETECTION.c.event_id).where(DETECTION.c.event_id.is_not(None))
    old_events = delete(EVENT).where(EVENT.c.last_seen < until_ms, EVENT.c.id.not_in(in_use))
    rows[EVENT.name] = connection.execute(old_events).rowcount
    first_day = quiet.day_of(act.at_ms - policy.retention.minutes_days * DAY_MS)
    rows["line_day"] = quiet.forget(connection, first_day)
    audit.append(connection, "erase", act, details={"rows": rows, "held": len(kept)})
    return Erased(rows=rows, held=len(kept))


def hold(connection: Connection, case_id: int, act: Act, reason: str) -> None:
    """Keep a case whatever its time, because somebody with the right to it asked."""
    case = get_case(connection, case_id)
    row: dict[str, Any] = {"case_id": case.number, "at": act.at_ms, "actor": act.actor, "reason": reason}
    connection.execute(insert(LEGAL_HOLD).values(row))
    audit.append(connection, "legal_hold", act, case_id=case_id, details={"reason": reason})


def release_hold(connection: Connection, case_id: int, act: Act) -> None:
    """The case goes with the next run after its time."""
    mine = (LEGAL_HOLD.c.case_id == case_id, LEGAL_HOLD.c.released_at.is_(None))
    connection.execute(update(LEGAL_HOLD).where(*mine).values(released_at=act.at_ms))
    audit.append(connection, "legal_hold_released", act, case_id=case_id)
