"""One engine for all tests of a process: it keeps its prepared statements, and preparing costs more than asking."""

from __future__ import annotations

import atexit
from functools import cache

from sekisho.query.duckdb import DuckDBEngine


@cache
def engine() -> DuckDBEngine:
    """It holds no table between two questions, so that no test sees another."""
    made = DuckDBEngine()
    atexit.register(made.close)
    return made
