"""Announcements that an approver has released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sekisho.cases.tables import UtcTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("approved_by", sa.String(100), nullable=False),
        sa.Column("purpose", sa.String(60), nullable=False),
        sa.Column("event_id", sa.Integer),
        sa.Column("from_time", UtcTime, nullable=False),
        sa.Column("until_time", UtcTime, nullable=False),
        sa.Column("texts", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("announcement")
