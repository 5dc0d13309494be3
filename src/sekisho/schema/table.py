"""A table and its columns as data, and what every engine makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class Type(Enum):
    """Column types: Arrow factory, its arguments, name in DuckDB, name in Spark."""

    TIMESTAMP_MS = ("timestamp", ("ms", "UTC"), "TIMESTAMP WITH TIME ZONE", "TIMESTAMP")
    STRING = ("string", (), "VARCHAR", "STRING")
    INT64 = ("int64", (), "BIGINT", "BIGINT")
    INT32 = ("int32", (), "INTEGER", "INT")
    INT16 = ("int16", (), "SMALLINT", "SMALLINT")
    INT8 = ("int8", (), "TINYINT", "TINYINT")
    FLOAT64 = ("float64", (), "DOUBLE", "DOUBLE")
    BOOL = ("bool_", (), "BOOLEAN", "BOOLEAN")

    def __init__(self, factory: str, arguments: tuple[str, ...], duckdb: str, spark: str) -> None:
        self.factory, self.arguments, self.duckdb, self.spark = factory, arguments, duckdb, spark

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type; strings are dictionaries, since a table has few different ones."""
        import pyarrow as pa

        if self is Type.STRING:
            return pa.dictionary(pa.int32(), pa.string())
        return getattr(pa, self.factory)(*self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        unit: unit of the number, "" where it has none.
        unknown: the value that stands for "not known" (tables hold no nulls); None if it is always known.
        source: where the value comes from: information elements, or columns of another table.
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    unknown: Any = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A named list of columns."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in order."""
        return tuple(column.name for column in self.columns)

    def index(self, name: str) -> int:
        """Position of a column; kernels take it as a constant.

        Raises:
            ValueError: no such column.
        """
        return self.names.index(name)

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, every field not null."""
        import pyarrow as pa

        return pa.schema([pa.field(c.name, c.type.arrow, nullable=False) for c in self.columns])

    def duckdb_ddl(self) -> str:
        """``CREATE TABLE`` for DuckDB."""
        body = ",\n  ".join(f"{c.name} {c.type.duckdb} NOT NULL" for c in self.columns)
        return f"CREATE TABLE {self.name} (\n  {body}\n)"

    def spark_ddl(self) -> str:
        """The schema string that Spark's readers and ``createDataFrame`` take."""
        return ", ".join(f"{c.name} {c.type.spark} NOT NULL" for c in self.columns)
