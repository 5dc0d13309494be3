"""Which of several collectors keeps and reports what an exporter sends: one at a time, by the clock of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text, update

from sekisho.cases.work_tables import EXPORTER_LEASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

LEASE_MS = 15_000
"""A collector that has not been heard of for so long is gone; another takes over what it held."""

_CLOCKS = {
    "sqlite": "select cast((julianday('now') - 2440587.5) * 86400000 as integer)",
    "postgresql": "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
}


def renew(connection: Connection, collector: str, exporters: Iterable[str], *, may_take: bool) -> set[str]:
    """Hold on to what a collector holds, and take what nobody does.

    Args:
        connection: within a transaction that writes.
        collector: its name, of which there is one.
        exporters: addresses of those that send to it.
        may_take: also take what another collector has held and not renewed in time.

    Returns:
        the exporters that it holds now.
    """
    now_ms = int(connection.execute(text(_CLOCKS[connection.dialect.name])).scalar_one())
    until_ms = now_ms + LEASE_MS
    rows = {row.exporter: row for row in connection.execute(select(EXPORTER_LEASE))}
    held = set()
    for exporter in exporters:
        row = rows.get(exporter)
        if row is None:
            connection.execute(insert(EXPORTER_LEASE).values(exporter=exporter, collector=collector, until=until_ms))
        elif row.collector == collector or (may_take and row.until <= now_ms):
            mine = EXPORTER_LEASE.c.exporter == exporter
            connection.execute(update(EXPORTER_LEASE).where(mine).values(collector=collector, until=until_ms))
        else:
            continue
        held.add(exporter)
    return held


def release(connection: Connection, collector: str) -> None:
    """Let others take what this collector held, at once."""
    connection.execute(update(EXPORTER_LEASE).where(EXPORTER_LEASE.c.collector == collector).values(until=0))
