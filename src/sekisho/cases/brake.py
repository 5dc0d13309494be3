"""The brake: too many lines at once, or too many of one exporter, and nothing leaves until a person has looked.

A mistake of ours (a wrong sampling rate, a shifted assignment file) looks exactly like a mass event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, or_, select, union_all, update

from sekisho.cases import audit
from sekisho.cases.states import State
from sekisho.cases.tables import CASE, HISTORY
from sekisho.cases.work_tables import BRAKE, NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.policy import Policy

WINDOW_MS = 10 * 60_000
"""New lines are counted over ten minutes; an exporter whose sampling or template changed is held as long."""

FEW_LINES = 4
"""New lines of one exporter that are no pattern yet, however small its share of the network is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why sending is held.

    Attributes:
        exporter: whose lines it is about; None holds everything.
    """

    number: int
    at_ms: int
    reason: str
    exporter: str | None


def holds(connection: Connection, now_ms: int) -> list[Held]:
    """What holds sending now."""
    still = [BRAKE.c.released_at.is_(None), or_(BRAKE.c.until.is_(None), BRAKE.c.until > now_ms)]
    rows = connection.execute(select(BRAKE).where(*still).order_by(BRAKE.c.id)).mappings()
    return [Held(number=row["id"], at_ms=row["at"], reason=row["reason"], exporter=row["exporter"]) for row in rows]


def watch(connection: Connection, policy: Policy, act: Act, *, lines_of: Mapping[str, int]) -> Held | None:
    """Count what is new, and brake where it is too much.

    Args:
        connection: within a transaction that writes.
        policy: with its limits.
        act: the program that looks; its time is now.
        lines_of: exporter -> how many lines it reports.

    Returns:
        the brake where it was engaged by this call: one alarm; None where it holds already or nothing is unusual.
    """
    if any(held.exporter is None for held in holds(connection, act.at_ms)):
        return None
    new = _new_lines(connection, act.at_ms - WINDOW_MS)
    total = sum(new.values())
    if total > policy.brake.new_lines:
        return engage(
            connection, act, f"{total} new lines at act within ten minutes, more than {policy.brake.new_lines}"
        )
    for exporter, count in new.items():
        lines = lines_of.get(exporter or "", 0)
        if lines and count > max(FEW_LINES, policy.brake.exporter_share * lines):
            share = policy.brake.exporter_share
            return engage(connection, act, f"{count} of {lines} lines of {exporter} at act, more than {share:.1%}")
    return None


def engage(connection: Connection, act: Act, reason: str) -> Held:
    """Hold all sending: what was approved waits as held."""
    number: int = connection.execute(
        insert(BRAKE).values(at=act.at_ms, reason=reason).returning(BRAKE.c.id)
    ).scalar_one()
    connection.execute(update(NOTICE).where(NOTICE.c.state == "approved").values(state="held", reason=reason))
    audit.append(connection, "brake", act, details={"reason": reason})
    return Held(number=number, at_ms=act.at_ms, reason=reason, exporter=None)


def hold_exporter(connection: Connection, exporter: str, act: Act, *, reason: str) -> None:
    """Hold what concerns the lines of an exporter for ten minutes: its sampling rate or a template has changed."""
    row = {"at": act.at_ms, "reason": reason, "exporter": exporter, "until": act.at_ms + WINDOW_MS}
    connection.execute(insert(BRAKE).values(**row))


def release(connection: Connection, act: Act) -> int:
    """A person has looked: what was held may leave again.

    Returns:
        how many notices were held.
    """
    connection.execute(
        update(BRAKE).where(BRAKE.c.released_at.is_(None)).values(released_at=act.at_ms, released_by=act.actor)
    )
    held = update(NOTICE).where(NOTICE.c.state == "held").values(state="approved", reason=None)
    count = connection.execute(held).rowcount
    audit.append(connection, "release", act, details={"notices": count})
    return count


def _new_lines(connection: Connection, since_ms: int) -> dict[str | None, int]:
    """Exporter -> lines whose case opened or came back since then."""
    came_back = select(HISTORY.c.case_id).where(HISTORY.c.at > since_ms, HISTORY.c.to_state == State.RELAPSED)
    ids = union_all(select(CASE.c.id).where(CASE.c.opened_at > since_ms), came_back).subquery()
    query = select(CASE.c.exporter, func.count(CASE.c.id.distinct())).join(ids, ids.c.id == CASE.c.id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(CASE.c.exporter))}
