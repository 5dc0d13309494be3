"""Who is in the portal: an opaque secret in a cookie, its digest here, one case for each session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, update

from sekisho.cases import answers
from sekisho.cases.states import AnswerKind
from sekisho.cases.subscriber_tables import SESSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act

IDLE_MS = 60 * 60_000
"""Whoever has not looked for an hour has gone; on a shared tablet somebody else sits there now."""

LONGEST_MS = 12 * 3_600_000
"""A day's work on a household's devices."""

TOUCH_MS = 60_000
"""``seen_at`` is written once a minute: reading a page waits for no writer."""

MOST_A_CASE = 10
"""Browsers of one household; with an eleventh the oldest is signed out."""


def begin(connection: Connection, case_id: int, digest: str, act: Act) -> None:
    """Let somebody in: the case is acknowledged, and that its portal was entered is on record.

    Args:
        connection: within a transaction that writes.
        case_id: the one case of this session.
        digest: SHA-256 of the cookie's secret.
        act: who and when.
    """
    over = or_(SESSION.c.seen_at <= act.at_ms - IDLE_MS, SESSION.c.created_at <= act.at_ms - LONGEST_MS)
    connection.execute(delete(SESSION).where(over))
    mine = select(SESSION.c.digest).where(SESSION.c.case_id == case_id)
    newest_first = mine.order_by(SESSION.c.created_at.desc(), SESSION.c.digest)
    crowded = connection.execute(newest_first.offset(MOST_A_CASE - 1)).scalars().all()
    connection.execute(delete(SESSION).where(SESSION.c.digest.in_(crowded)))
    row = {"digest": digest, "case_id": case_id, "created_at": act.at_ms, "seen_at": act.at_ms}
    connection.execute(insert(SESSION).values(**row))
    answers.answer(connection, case_id, AnswerKind.PORTAL, act)


def find(connection: Connection, digest: str, now_ms: int) -> tuple[int, int] | None:
    """The case of a session that is not over, and when it was last noted that somebody is there."""
    query = select(SESSION.c.case_id, SESSION.c.seen_at).where(
        SESSION.c.digest == digest,
        SESSION.c.seen_at > now_ms - IDLE_MS,
        SESSION.c.created_at > now_ms - LONGEST_MS,
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.case_id, row.seen_at)


def touch(connection: Connection, digest: str, now_ms: int) -> None:
    """Note that somebody is still there."""
    connection.execute(update(SESSION).where(SESSION.c.digest == digest).values(seen_at=now_ms))


def end(connection: Connection, digest: str) -> None:
    """Let them out."""
    connection.execute(delete(SESSION).where(SESSION.c.digest == digest))
