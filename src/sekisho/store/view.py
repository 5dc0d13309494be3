"""The store for DuckDB: the compacted flows as views with the columns and types of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.schema.flow import FLOW
from sekisho.schema.table import Type

if TYPE_CHECKING:
    from sekisho.store.read import Snapshot


def create_views(connection: Any, found: Snapshot) -> None:
    """``flow``, and ``flow_ms`` with its times as integer milliseconds; both hold for as long as the snapshot.

    Args:
        connection: of DuckDB, allowed to read the store's files.
        found: what the views show; segments that are not compacted yet are not in them.
    """
    connection.execute(f"create or replace view flow as {flow_sql(found)}")
    connection.execute(f"create or replace view flow_ms as select {', '.join(_milliseconds())} from flow")  # noqa: S608


def flow_sql(found: Snapshot) -> str:
    """The flow table as a statement."""
    columns = ", ".join(f"cast({c.name} as {c.type.duckdb}) as {c.name}" for c in FLOW.columns)
    paths = [str(path) for path in found.paths()]
    if not paths:
        nothing = ", ".join(f"cast(null as {c.type.duckdb}) as {c.name}" for c in FLOW.columns)
        return f"select {nothing} where false"
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"select {columns} from read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608 (our own paths)


def _milliseconds() -> list[str]:
    """Every column; ``received_at``, ``flow_start``, ``flow_end`` as ``received_ms``, ``start_ms``, ``end_ms``."""
    return [
        f"epoch_ms({c.name}) as {c.name.removeprefix('flow_').removesuffix('_at')}_ms"
        if c.type is Type.TIMESTAMP_MS
        else c.name
        for c in FLOW.columns
    ]
