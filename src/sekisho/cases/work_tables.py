"""The tables of what is done about cases: notices, brake, signals, answers, quiet minutes, legal hold, audit."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from sekisho.cases.tables import METADATA, UtcTime

_CASE = "subscriber_case.id"

NOTICE = Table(
    "notice",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("step", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("message_id", String(60), nullable=False, unique=True),
    Column("code", String(19)),
    Column("created_at", UtcTime, nullable=False),
    Column("approved_at", UtcTime),
    Column("approved_by", String(100)),
    Column("purpose", String(60)),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("lease_owner", String(60)),
    Column("sent_at", UtcTime),
    Column("bounced_at", UtcTime),
    Column("receipt", Text),
    Column("reason", Text),
    Index("ix_notice_state", "state", "due_at"),
    Index("ix_notice_code", "code"),
)
"""The outbox. ``step`` is the place on the ladder, ``round`` how often the case has relapsed."""

ONE_NOTICE_OF_A_KIND = Index(
    "one_notice_of_a_kind",
    NOTICE.c.case_id,
    NOTICE.c.kind,
    NOTICE.c.round,
    NOTICE.c.step,
    unique=True,
    sqlite_where=NOTICE.c.state != "refused",
    postgresql_where=NOTICE.c.state != "refused",
)
"""Whatever a program does wrong, nobody gets the same notice twice."""

BRAKE = Table(
    "brake",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exporter", Text),
    Column("until", UtcTime),
    Column("released_at", UtcTime),
    Column("released_by", String(100)),
)
"""What holds all sending, or that about one exporter's lines, until a time or until a person releases it."""

SIGNAL = Table(
    "case_signal",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("source", String(20), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("share", Float),
    Column("detail", Text, nullable=False),
    Index("ix_case_signal_case_id", "case_id"),
)
"""Another measurement of the same trouble; ``share`` is what it shows of the estimate, where it measures volume."""

ANSWER = Table(
    "case_answer",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("note", Text),
    Index("ix_case_answer_case_id", "case_id"),
)
"""What came back from the subscriber."""

LINE_DAY = Table(
    "line_day",
    METADATA,
    Column("line_id", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("minutes", Integer, nullable=False),
    Column("bits", LargeBinary, nullable=False),
)
"""The minutes of a UTC day (days since 1970) in which a line could have been seen: one bit each, and their number.

Noting a minute twice changes nothing.
"""

LEGAL_HOLD = Table(
    "legal_hold",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("released_at", UtcTime),
)
"""Cases that no erasure run touches."""

CASE_WEBHOOK = Table(
    "case_webhook",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("history_id", Integer, nullable=False),
    Column("event_id", String(32)),
    Column("event_history_id", Integer),
    Column("body", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("lease_owner", String(60)),
    Column("why", Text),
    Column("given_up", Integer, nullable=False),
    Column("given_up_at", UtcTime),
)
"""Up to which row of the history each program was told of cases, and the event that is under way with its body.

``why`` says why it could not be told the last time, None where it has answered; ``given_up`` counts what was never
taken.
"""

ANNOUNCEMENT = Table(
    "announcement",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("approved_by", String(100), nullable=False),
    Column("purpose", String(60), nullable=False),
    Column("event_id", Integer),
    Column("from_time", UtcTime, nullable=False),
    Column("until_time", UtcTime, nullable=False),
    Column("texts", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""What was released to all customers, word for word; ``event_id`` is only a number, since events are erased in time."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("who", String(100), nullable=False),
    Column("action", String(40), nullable=False),
    Column("purpose", String(60), nullable=False),
    Column("case_id", Integer),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)
"""Who did or looked at what, and what for; each row holds the digest of the one before. Rows are only ever added."""

AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last_id", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""One row: the end of the chain. Whoever appends locks it first."""

EXPORTER_LEASE = Table(
    "exporter_lease",
    METADATA,
    Column("exporter", String(64), primary_key=True),
    Column("collector", String(32), nullable=False),
    Column("until", UtcTime, nullable=False),
)
"""Which of several collectors keeps and reports what an exporter sends, by the clock of the database."""
