"""Cases with their detections, measures and history, and the events that they belong to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _cases()
    _events()
    _detections()
    _measures()
    _history()


def downgrade() -> None:
    """Remove them with all that they hold."""
    for table in ("case_history", "case_measure", "case_detection", "event", "subscriber_case"):
        op.drop_table(table)


def _cases() -> None:
    op.create_table(
        "subscriber_case",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("line_id", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("predecessor_id", sa.Integer),
        sa.Column("closed_at", _TIME),
        sa.Column("closing", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_subscriber_case"),
        sa.ForeignKeyConstraint(["predecessor_id"], ["subscriber_case.id"], name="fk_subscriber_case_predecessor_id"),
    )
    op.create_index("ix_subscriber_case_line_id", "subscriber_case", ["line_id"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "one_open_case_a_line",
        "subscriber_case",
        ["line_id"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("protocol", sa.Integer, nullable=False),
        sa.Column("first_seen", _TIME, nullable=False),
        sa.Column("last_seen", _TIME, nullable=False),
        sa.Column("peak_pps", sa.Float, nullable=False),
        sa.Column("peak_bps", sa.Float, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("exporters", sa.JSON, nullable=False),
        sa.Column("links", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sa.UniqueConstraint("target", "port", "protocol", "first_seen", name="uq_event_target"),
    )


def _detections() -> None:
    op.create_table(
        "case_detection",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("first_seen", _TIME, nullable=False),
        sa.Column("last_seen", _TIME, nullable=False),
        sa.Column("detected_at", _TIME, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("packets", sa.BigInteger, nullable=False),
        sa.Column("octets", sa.BigInteger, nullable=False),
        sa.Column("peak_pps", sa.Float, nullable=False),
        sa.Column("peak_pps_low", sa.Float, nullable=False),
        sa.Column("peak_pps_high", sa.Float, nullable=False),
        sa.Column("peak_bps", sa.Float, nullable=False),
        sa.Column("sampled_packets", sa.BigInteger, nullable=False),
        sa.Column("targets", sa.BigInteger, nullable=False),
        sa.Column("top_targets", sa.JSON, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("loss", sa.Float, nullable=False),
        sa.Column("coverage", sa.Float),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("event_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_case_detection"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_detection_case_id"),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name="fk_case_detection_event_id"),
        sa.UniqueConstraint("case_id", "kind", "first_seen", name="uq_case_detection_case_id"),
    )


def _measures() -> None:
    op.create_table(
        "case_measure",
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("measure", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "measure", name="pk_case_measure"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_measure_case_id"),
    )


def _history() -> None:
    op.create_table(
        "case_history",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("purpose", sa.String(60), nullable=False),
        sa.Column("from_state", sa.String(20)),
        sa.Column("to_state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_case_history"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_history_case_id"),
    )
    op.create_index("ix_case_history_case_id", "case_history", ["case_id"])
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER case_history_is_append_only BEFORE UPDATE ON case_history "
            "BEGIN SELECT RAISE(ABORT, 'rows of the history are never changed'); END"
        )
