"""Notices, brake, signals, answers, quiet minutes, legal hold, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)
_APPEND_ONLY = {"audit": ("UPDATE", "DELETE"), "case_history": ("UPDATE",)}
_START = "0" * 64


def upgrade() -> None:
    """Make the tables; the audit trail begins."""
    op.add_column("subscriber_case", sa.Column("exporter", sa.Text))
    _notices()
    _brake()
    _beside_cases()
    _line_days()
    _audit()
    _protect()


def downgrade() -> None:
    """Remove them with all that they hold."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER case_history_is_append_only ON case_history")
    for table in ("audit_head", "audit", "legal_hold", "line_day", "case_answer", "case_signal", "brake", "notice"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_column("subscriber_case", "exporter")


def _notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("message_id", sa.String(60), nullable=False),
        sa.Column("code", sa.String(19)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("approved_at", _TIME),
        sa.Column("approved_by", sa.String(100)),
        sa.Column("purpose", sa.String(60)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("lease_owner", sa.String(60)),
        sa.Column("sent_at", _TIME),
        sa.Column("bounced_at", _TIME),
        sa.Column("receipt", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_notice_case_id"),
        sa.UniqueConstraint("message_id", name="uq_notice_message_id"),
    )
    op.create_index("ix_notice_state", "notice", ["state", "due_at"])
    not_refused = sa.text("state <> 'refused'")
    op.create_index(
        "one_notice_of_a_kind",
        "notice",
        ["case_id", "kind", "round", "step"],
        unique=True,
        sqlite_where=not_refused,
        postgresql_where=not_refused,
    )


def _brake() -> None:
    op.create_table(
        "brake",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("exporter", sa.Text),
        sa.Column("until", _TIME),
        sa.Column("released_at", _TIME),
        sa.Column("released_by", sa.String(100)),
        sa.PrimaryKeyConstraint("id", name="pk_brake"),
    )


def _beside_cases() -> None:
    op.create_table(
        "case_signal",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("share", sa.Float),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_signal"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_signal_case_id"),
    )
    op.create_index("ix_case_signal_case_id", "case_signal", ["case_id"])
    op.create_table(
        "case_answer",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_case_answer"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_answer_case_id"),
    )
    op.create_index("ix_case_answer_case_id", "case_answer", ["case_id"])
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("released_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_legal_hold"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_legal_hold_case_id"),
    )


def _line_days() -> None:
    op.create_table(
        "line_day",
        sa.Column("line_id", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("bits", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("line_id", "day", name="pk_line_day"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("purpose", sa.String(60), nullable=False),
        sa.Column("case_id", sa.Integer),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("last_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.execute(f"INSERT INTO audit_head (id, last_id, digest) VALUES (1, 0, '{_START}')")  # noqa: S608 (a constant)


def _protect() -> None:
    if op.get_context().dialect.name == "sqlite":
        for change in _APPEND_ONLY["audit"]:
            op.execute(
                f"CREATE TRIGGER audit_takes_no_{change.lower()} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'rows of the audit trail are never changed'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$"
    )
    for table, changes in _APPEND_ONLY.items():
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE {' OR '.join(changes)} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
