"""DuckDB in this process: in memory, over Arrow tables in place, with no way out to files or the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEALED: dict[str, Any] = {
    # Operators bring their own detectors as SQL: a statement must not read files, fetch or load code,
    # nor see this process's Python variables, and must not be able to switch that back on.
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "lock_configuration": True,
}


class DuckDBEngine:
    """The default engine.

    Args:
        threads: of DuckDB's own; a tick's tables are small, and the cores belong to the collector.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self.threads = threads
        self._connection: Any = None

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """See ``Engine.run``; the tables are read where they are, without a copy."""
        connection = self._start()
        for name, table in tables.items():
            connection.register(name, table)
        try:
            answer: pa.Table = connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise ValueError(f"the statement does not run: {error}") from error
        finally:
            for name in tables:
                connection.unregister(name)
        return _without_decimals(answer)

    def close(self) -> None:
        """See ``Engine.close``."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start(self) -> Any:
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config={"threads": self.threads, **_SEALED})
        return self._connection


def _without_decimals(answer: pa.Table) -> pa.Table:
    for field in answer.schema:
        if pa.types.is_decimal(field.type):
            raise ValueError(f"column {field.name!r} is a decimal: cast its sum to double or bigint")
    return answer
