"""What Alembic runs for a migration: on the connection that ``database.py`` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from sekisho.cases import account_tables, subscriber_tables, work_tables
from sekisho.cases.tables import METADATA, VERSION_TABLE

TABLES = (work_tables.NOTICE, account_tables.ACCOUNT, subscriber_tables.CODE)
assert all(table.metadata is METADATA for table in TABLES), "one set of tables"
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
