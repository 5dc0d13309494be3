"""What was answered to a program under its ``Idempotency-Key``: asked again it gets the same, and nothing happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from sekisho.cases.account_tables import REPLY
from sekisho.cases.policy import DAY_MS

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEPT_MS = DAY_MS
"""A program that has not heard asks again within minutes; after a day the same key is another request."""

MAX_KEY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes:
        request: SHA-256 of method, path and body, by which a key that is used for something else is found out.
    """

    request: str
    status: int
    body: str


def find(connection: Connection, token: int, key: str, now_ms: int) -> Reply | None:
    """The answer that this token got under this key within the last day."""
    wanted = (REPLY.c.token_id == token, REPLY.c.key == key, REPLY.c.at > now_ms - KEPT_MS)
    row = connection.execute(select(REPLY).where(*wanted)).one_or_none()
    return None if row is None else Reply(request=row.request, status=row.status, body=row.body)


def keep(connection: Connection, token: int, key: str, reply: Reply, now_ms: int) -> None:
    """Remember an answer, in the transaction of what it tells; those of yesterday go."""
    connection.execute(delete(REPLY).where(REPLY.c.at <= now_ms - KEPT_MS))
    row = {"token_id": token, "key": key, "request": reply.request, "at": now_ms}
    connection.execute(insert(REPLY).values(**row, status=reply.status, body=reply.body))
