"""What Alembic runs for a migration: on the connection that ``database.py`` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from sekisho.cases import account_tables, work_tables
from sekisho.cases.tables import METADATA, VERSION_TABLE

assert work_tables.NOTICE.metadata is account_tables.ACCOUNT.metadata is METADATA, "one set of tables"
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
