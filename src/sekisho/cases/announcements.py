"""Announcements that an approver has released: the words, kept as they were read, and who stands for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from sekisho.cases import audit
from sekisho.cases.work_tables import ANNOUNCEMENT
from sekisho.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.model import Extent

    Texts = Mapping[str, Mapping[str, str]]
    """Language -> ``subject``, ``text``, ``html``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One that was released.

    Attributes:
        at_ms: when it was approved.
        event: number of the event that it is about; None where it is about a period.
        texts: language -> ``subject``, ``text``, ``html``.
        digest: SHA-256 of the texts, as in the audit trail.
    """

    number: int
    at_ms: int
    approved_by: str
    purpose: str
    event: int | None
    from_ms: int
    until_ms: int
    texts: Texts
    digest: str


def digest_of(texts: Texts) -> str:
    """SHA-256 of the texts: what was read is what is released."""
    return sha256(json.dumps(texts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def release(connection: Connection, texts: Texts, extent: Extent, act: Act, *, event: int | None) -> int:
    """Keep what a person approved, with a row of the audit trail that holds its digest.

    Returns:
        the number of the announcement.
    """
    digest = digest_of(texts)
    number: int = connection.execute(
        insert(ANNOUNCEMENT)
        .values(
            at=act.at_ms, approved_by=act.actor, purpose=act.purpose, event_id=event, texts=texts, digest=digest,
            from_time=extent.first_seen_ms, until_time=extent.last_seen_ms,
        )
        .returning(ANNOUNCEMENT.c.id)
    ).scalar_one()  # fmt: skip
    about = {"announcement": number, "event": event, "sha256": digest}
    audit.append(connection, "announce", act, details=about)
    return number


def get(connection: Connection, number: int) -> Announcement:
    """One announcement.

    Raises:
        NotFound: there is none of that number.
    """
    row = connection.execute(select(ANNOUNCEMENT).where(ANNOUNCEMENT.c.id == number)).mappings().one_or_none()
    if row is None:
        raise NotFound("case database", f"expected the number of an announcement, found {number}: there is none")
    return _announcement(row)


def newest(connection: Connection, *, limit: int) -> list[Announcement]:
    """The last ones, the newest first."""
    query = select(ANNOUNCEMENT).order_by(ANNOUNCEMENT.c.id.desc()).limit(limit)
    return [_announcement(row) for row in connection.execute(query).mappings()]


def _announcement(row: RowMapping) -> Announcement:
    return Announcement(
        number=row["id"],
        at_ms=row["at"],
        approved_by=row["approved_by"],
        purpose=row["purpose"],
        event=row["event_id"],
        from_ms=row["from_time"],
        until_ms=row["until_time"],
        texts=row["texts"],
        digest=row["digest"],
    )
