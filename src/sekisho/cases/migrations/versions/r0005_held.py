"""What a line had seemed to hold stands beside each of its detections: prefix, realm, port."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; of earlier detections nothing but the source is known."""
    op.add_column("case_detection", sa.Column("held", sa.JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("case_detection") as table:
        table.drop_column("held")
