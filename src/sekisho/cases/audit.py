"""The audit trail: who did or looked at what, and what for, as a chain in which nothing can be changed unseen.

Each row holds the SHA-256 of itself and of the row before. The end of the chain stands apart: a trail that lost its
last rows no longer fits it. Who wants proof against an administrator keeps the digest that ``verify`` prints elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from sekisho.cases.work_tables import AUDIT, AUDIT_HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act

START = "0" * 64
_CHAINED = ("id", "at", "who", "action", "purpose", "case_id", "details", "previous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intact:
    """Every row fits the one before."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Something was changed, removed or put in: at this row, or after the last where it is None."""

    row: int | None
    why: str


def append(
    connection: Connection,
    action: str,
    act: Act,
    *,
    case_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one row, in the transaction of what it is about: neither is ever there without the other."""
    # The update takes the lock under which the end is read.
    connection.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(last_id=AUDIT_HEAD.c.last_id + 1))
    number, previous = connection.execute(select(AUDIT_HEAD.c.last_id, AUDIT_HEAD.c.digest)).one()
    row = {
        "id": number,
        "at": act.at_ms,
        "who": act.actor,
        "action": action,
        "purpose": act.purpose,
        "case_id": case_id,
        "details": json.dumps(details or {}, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        "previous": previous,
    }
    digest = _digest(row)
    connection.execute(insert(AUDIT).values(**row, digest=digest))
    connection.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(digest=digest))


def verify(connection: Connection) -> Intact | Broken:
    """Walk the whole chain; stops at the first row that does not fit."""
    previous, number = START, 0
    for row in connection.execute(select(AUDIT).order_by(AUDIT.c.id)).mappings():
        number += 1
        if row["id"] != number:
            return Broken(row=number, why=f"expected row {number}, found row {row['id']}")
        if row["previous"] != previous:
            return Broken(row=number, why="it does not name the row before")
        if row["digest"] != _digest(dict(row)):
            return Broken(row=number, why="its content is not what was written")
        previous = row["digest"]
    last, digest = connection.execute(select(AUDIT_HEAD.c.last_id, AUDIT_HEAD.c.digest)).one()
    if (last, digest) != (number, previous):
        return Broken(row=None, why=f"expected {last} rows, found {number}")
    return Intact(rows=number, digest=previous)


def holds(connection: Connection, digest: str) -> bool:
    """Whether a row has this digest: what was the end once must still be there."""
    return connection.execute(select(AUDIT.c.id).where(AUDIT.c.digest == digest)).first() is not None


def _digest(row: Mapping[str, Any]) -> str:
    return sha256(json.dumps([row[name] for name in _CHAINED], ensure_ascii=False).encode()).hexdigest()
