"""Who is signed in: an opaque secret in a cookie, its hash here, an end after some idle time and an absolute one."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, update

from sekisho.cases import audit
from sekisho.cases.account_tables import ACCOUNT, SESSION
from sekisho.cases.accounts.people import of_row

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.accounts.people import Account
    from sekisho.cases.lifecycle import Act

IDLE_MS = 60 * 60_000
"""Somebody who has not asked for a page for an hour has gone (NIST SP 800-63B-4, 2.2.3)."""

LONGEST_MS = 12 * 3_600_000
"""A shift and its handover; then the password is asked for again."""

TOUCH_MS = 60_000
"""``seen_at`` is written once a minute: reading pages must not wait for a writer at every click."""

MOST_A_PERSON = 10
"""Browsers of one person; with an eleventh the oldest is signed out."""

SECRET_OCTETS = 32


def digest_of(secret: str) -> str:
    """What the database keeps of a secret of 256 random bits; no salt is needed against guessing those."""
    return sha256(secret.encode()).hexdigest()


def begin(connection: Connection, account: Account, act: Act) -> str:
    """Sign a person in.

    Returns:
        the secret for the cookie; it is kept nowhere.
    """
    secret = secrets.token_urlsafe(SECRET_OCTETS)
    over = or_(SESSION.c.seen_at <= act.at_ms - IDLE_MS, SESSION.c.created_at <= act.at_ms - LONGEST_MS)
    connection.execute(delete(SESSION).where(over))
    mine = select(SESSION.c.digest).where(SESSION.c.account_id == account.number)
    newest_first = mine.order_by(SESSION.c.created_at.desc(), SESSION.c.digest)
    crowded = connection.execute(newest_first.offset(MOST_A_PERSON - 1)).scalars().all()
    connection.execute(delete(SESSION).where(SESSION.c.digest.in_(crowded)))
    row = {"digest": digest_of(secret), "account_id": account.number, "created_at": act.at_ms, "seen_at": act.at_ms}
    connection.execute(insert(SESSION).values(**row))
    audit.append(connection, "sign_in", act)
    return secret


def find(connection: Connection, secret: str, now_ms: int) -> tuple[Account, int] | None:
    """The person of a session that is not over, and when it was last noted that they are there."""
    query = (
        select(ACCOUNT, SESSION.c.seen_at)
        .join(SESSION, SESSION.c.account_id == ACCOUNT.c.id)
        .where(
            SESSION.c.digest == digest_of(secret),
            SESSION.c.seen_at > now_ms - IDLE_MS,
            SESSION.c.created_at > now_ms - LONGEST_MS,
            ACCOUNT.c.disabled_at.is_(None),
        )
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else (of_row(row), row["seen_at"])


def touch(connection: Connection, secret: str, now_ms: int) -> None:
    """Note that the person is still there."""
    connection.execute(update(SESSION).where(SESSION.c.digest == digest_of(secret)).values(seen_at=now_ms))


def end(connection: Connection, secret: str, act: Act) -> None:
    """Sign a person out."""
    connection.execute(delete(SESSION).where(SESSION.c.digest == digest_of(secret)))
    audit.append(connection, "sign_out", act)
