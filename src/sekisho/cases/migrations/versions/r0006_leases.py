"""Which of several collectors keeps and reports what an exporter sends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sekisho.cases.tables import UtcTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "exporter_lease",
        sa.Column("exporter", sa.String(64), primary_key=True),
        sa.Column("collector", sa.String(32), nullable=False),
        sa.Column("until", UtcTime, nullable=False),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("exporter_lease")
