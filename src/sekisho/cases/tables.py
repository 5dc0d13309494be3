"""The tables of the case database, in SQL that SQLite and PostgreSQL both take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from sekisho.core.time import to_datetime

if TYPE_CHECKING:
    from sqlalchemy import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[int]):
    """Milliseconds UTC in the program, a timestamp in the database, so that other programs can read it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        del dialect
        return None if value is None else to_datetime(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> int | None:
        """From the database; SQLite forgets the zone."""
        del dialect
        if value is None:
            return None
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(milliseconds=1)


VERSION_TABLE = "sekisho_version"
"""Not Alembic's default name: a database of another program is then never taken for ours."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

CASE = Table(
    "subscriber_case",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("line_id", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("predecessor_id", Integer, ForeignKey("subscriber_case.id")),
    Column("closed_at", UtcTime),
    Column("closing", Text),
    Column("exporter", Text),
    Index("ix_subscriber_case_line_id", "line_id"),
)
"""``closing`` is a label where the case was resolved, else the reason; ``exporter`` is
the one that reported the line when the case opened, None where that is not known."""

ONE_OPEN_CASE = Index(
    "one_open_case_a_line",
    CASE.c.line_id,
    unique=True,
    sqlite_where=CASE.c.closed_at.is_(None),
    postgresql_where=CASE.c.closed_at.is_(None),
)
"""Two processes that see the same line at once cannot both open a case for it."""

EVENT = Table(
    "event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("target", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("protocol", Integer, nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
    Column("peak_pps", Float, nullable=False),
    Column("peak_bps", Float, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("exporters", JSON, nullable=False),
    Column("links", JSON, nullable=False),
    UniqueConstraint("target", "port", "protocol", "first_seen"),
)
"""Many lines, one target."""

DETECTION = Table(
    "case_detection",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("subscriber_case.id"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
    Column("detected_at", UtcTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("packets", BigInteger, nullable=False),
    Column("octets", BigInteger, nullable=False),
    Column("peak_pps", Float, nullable=False),
    Column("peak_pps_low", Float, nullable=False),
    Column("peak_pps_high", Float, nullable=False),
    Column("peak_bps", Float, nullable=False),
    Column("sampled_packets", BigInteger, nullable=False),
    Column("targets", BigInteger, nullable=False),
    Column("top_targets", JSON, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("loss", Float, nullable=False),
    Column("coverage", Float),
    Column("evidence", JSON, nullable=False),
    Column("held", JSON, nullable=False, server_default="[]"),
    Column("event_id", Integer, ForeignKey("event.id")),
    UniqueConstraint("case_id", "kind", "first_seen"),
)
"""One row for each episode of a kind: seen again it is renewed, never doubled.

``held`` is all that the line had seemed to hold, in whatever view of the episode: it only grows.
"""

MEASURE = Table(
    "case_measure",
    METADATA,
    Column("case_id", Integer, ForeignKey("subscriber_case.id"), primary_key=True),
    Column("measure", String(20), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
"""The measures one by one."""

HISTORY = Table(
    "case_history",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("subscriber_case.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("purpose", String(60), nullable=False),
    Column("from_state", String(20)),
    Column("to_state", String(20), nullable=False),
    Column("reason", Text),
    Index("ix_case_history_case_id", "case_id"),
)
"""Who moved a case from where to where, when, and for which purpose; rows are only ever added."""
