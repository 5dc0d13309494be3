"""What every engine does: one statement over named Arrow tables, answered as one Arrow table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from sekisho.query import ENGINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


class Engine(Protocol):
    """One way to run SQL; ``tests/query/test_conformance.py`` holds every row of ``ENGINES`` to it."""

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Run one statement of the portable subset (``query/portable.py``, written for DuckDB's dialect).

        Args:
            sql: one SELECT; it sees the given tables and nothing else: no file, no network, no earlier statement.
            tables: name -> table, as many rows as memory holds.

        Returns:
            Columns of 8- to 64-bit integers, float64, string and bool.

        Raises:
            ValueError: the statement does not run, or a column comes back as a decimal: its sum lacks a cast.
        """
        ...

    def close(self) -> None:
        """Let go of threads and memory; the engine may be used again and starts anew."""
        ...


def without_decimals(answer: pa.Table) -> pa.Table:
    """The answer itself, for engines that would hand out their own wide type.

    Raises:
        ValueError: a column is a decimal.
    """
    import pyarrow as pa

    for field in answer.schema:
        if pa.types.is_decimal(field.type):
            raise ValueError(f"column {field.name!r} is a decimal: cast its sum to double or bigint")
    return answer


def load(name: str) -> Engine:
    """The engine of that name, not yet started.

    Raises:
        ValueError: no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"no engine {name!r}; there are: {', '.join(sorted(ENGINES))}")
    module, attribute = ENGINES[name].split(":")
    engine: Engine = getattr(import_module(module), attribute)()
    return engine
