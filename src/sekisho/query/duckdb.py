"""DuckDB in this process: in memory, over Arrow tables in place, with no way out to files or the network.

A tick asks the same few statements about ever new tables of a few hundred rows, and planning one of them takes several
times as long as running it. So a statement is prepared once, over names behind which the tables of each run are put.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from sekisho.query.engine import without_decimals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

STATEMENTS_KEPT = 64
"""Prepared statements held at most, the longest unused leave first: four a detector leave room for operators' own."""

DATABASE_S = 180.0
"""After so long the database is begun anew. DuckDB keeps a note of every block of memory that a statement has used, 200
octets each, and sorts them out only when there are some hundred thousand: 60 MiB in the first hour. Preparing all
statements again takes a second."""

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
        self._began_s = 0.0
        self._statements: OrderedDict[Any, _Statement] = OrderedDict()

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """See ``Engine.run``; the tables are read where they are, without a copy."""
        if time.monotonic() - self._began_s > DATABASE_S:
            self.close()
        try:
            answer = self._statement(sql, tables).run(tables)
        except duckdb.Error as error:
            raise ValueError(f"the statement does not run: {error}") from error
        return without_decimals(answer)

    def close(self) -> None:
        """See ``Engine.close``."""
        while self._statements:
            self._statements.popitem()[1].close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start(self) -> Any:
        if self._connection is None:
            self._began_s = time.monotonic()
            self._connection = duckdb.connect(":memory:", config={"threads": self.threads, **_SEALED})
        return self._connection

    def _statement(self, sql: str, tables: Mapping[str, pa.Table]) -> _Statement:
        """The statement as prepared for tables of these names and columns."""
        key = (sql, *((name, table.schema) for name, table in tables.items()))
        if key not in self._statements:
            self._statements[key] = _Statement(self._start().cursor(), sql, tables)
            if len(self._statements) > STATEMENTS_KEPT:
                self._statements.popitem(last=False)[1].close()
        self._statements.move_to_end(key)
        return self._statements[key]


class _Statement:
    """A prepared statement on a cursor of its own: names of tables are the cursor's, and others do not see them.

    Raises:
        duckdb.Error: the statement cannot be prepared; the cursor is closed.
    """

    def __init__(self, cursor: Any, sql: str, tables: Mapping[str, pa.Table]) -> None:
        self._cursor = cursor
        self._places = {name: _Place(table.schema) for name, table in tables.items()}
        try:
            for name, place in self._places.items():
                cursor.register(name, place)
            cursor.execute(f"prepare question as {sql}")
        except duckdb.Error:
            cursor.close()
            raise

    def run(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Run it over tables of the names and columns that it was prepared for."""
        with self._given(tables):
            return self._cursor.sql("execute question").to_arrow_table()

    def close(self) -> None:
        """Forget it."""
        self._cursor.close()

    @contextmanager
    def _given(self, tables: Mapping[str, pa.Table]) -> Iterator[None]:
        for name, place in self._places.items():
            place.table = tables[name]
        try:
            yield
        finally:
            for place in self._places.values():
                place.table = place.empty


class _Place:
    """What stands under a table's name: DuckDB asks it for rows whenever a statement runs.

    Between two runs it is empty, so that nothing holds on to a tick's tables once it is over.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.table = self.empty = schema.empty_table()

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)
