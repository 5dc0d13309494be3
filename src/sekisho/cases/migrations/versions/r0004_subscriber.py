"""What a subscriber does by himself: codes told anew, sessions of the portal, devices, check-up reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; a code is looked for among the notices, too."""
    op.create_index("ix_notice_code", "notice", ["code"])
    _codes()
    _sessions()
    _devices()
    _reports()


def downgrade() -> None:
    """Remove them with all that they hold: everybody is signed out, codes told anew are void."""
    for table in ("case_report", "case_device", "portal_session", "case_code"):
        op.drop_table(table)
    op.drop_index("ix_notice_code", "notice")


def _codes() -> None:
    op.create_table(
        "case_code",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("code", sa.String(19), nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("issued_by", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_code"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_code_case_id"),
        sa.UniqueConstraint("code", name="uq_case_code_code"),
    )
    op.create_index("ix_case_code_case_id", "case_code", ["case_id"])


def _sessions() -> None:
    op.create_table(
        "portal_session",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_session"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_portal_session_case_id"),
    )
    op.create_index("ix_portal_session_case_id", "portal_session", ["case_id"])


def _devices() -> None:
    op.create_table(
        "case_device",
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("device", sa.String(20), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "device", name="pk_case_device"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_device_case_id"),
    )


def _reports() -> None:
    op.create_table(
        "case_report",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("generated_at", _TIME, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verdicts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_report"),
        sa.ForeignKeyConstraint(["case_id"], ["subscriber_case.id"], name="fk_case_report_case_id"),
    )
    op.create_index("ix_case_report_case_id", "case_report", ["case_id"])
