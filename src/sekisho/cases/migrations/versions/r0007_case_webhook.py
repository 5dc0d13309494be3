"""Up to which row of the history programs of the operator's own were told of cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sekisho.cases.tables import UtcTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "case_webhook",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("history_id", sa.Integer, nullable=False),
        sa.Column("event_id", sa.String(32)),
        sa.Column("event_history_id", sa.Integer),
        sa.Column("body", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcTime, nullable=False),
        sa.Column("lease_until", UtcTime),
        sa.Column("lease_owner", sa.String(60)),
        sa.Column("why", sa.Text),
        sa.Column("given_up", sa.Integer, nullable=False),
        sa.Column("given_up_at", UtcTime),
    )


def downgrade() -> None:
    """Remove it; a later program tells from then on."""
    op.drop_table("case_webhook")
