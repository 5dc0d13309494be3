"""What the engines answer differently, and the portable subset therefore leaves out.

Each gap is expected to be one: when an engine or the translator closes it, its test fails, and the construct may be
let into ``query/portable.py``.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
import sqlglot
from pyspark.errors import PySparkException

from query.engines import spark as on_spark
from sekisho.query.portable import DIALECT, check
from sekisho.query.spark import SparkEngine

ROWS = "(select 1 as line, 4 as x, 1.7e0 as y union all select 2, 7, 0.2e0) t"

GAPS = {
    "log": ("select log(x) as a from {t}", "base 10 in DuckDB, base e in Spark"),
    "decimal division": ("select 4.0 / 3 as a", "Spark divides decimals to six digits, DuckDB as doubles"),
    "sum without cast": ("select sum(x) as a from {t}", "128 bits in DuckDB, 64 in Spark"),
    "hash": ("select hash(x) as a from {t}", "every engine hashes differently"),
    "cast to bigint": ("select cast(y as bigint) as a from {t}", "DuckDB rounds, Spark cuts"),
    "division by zero": ("select x // (x - 4) as a from {t}", "null in DuckDB, an error in Spark"),
}
"""Statement, and what differs."""

NOT_REFUSED = {"cast to bigint", "division by zero"}
"""Rules that cannot be read from a statement: they stay with its author (``query/portable.py``)."""

DIFFERENCES = (AssertionError, PySparkException)
"""Another answer, or none."""

pytestmark = [*on_spark, pytest.mark.prove]


def by_duckdb(sql: str) -> Any:
    with duckdb.connect(":memory:") as connection:
        answer = connection.sql(sql).to_arrow_table()
    return sorted((str(field.type), repr(value)) for field in answer.schema for value in answer[field.name].to_pylist())


def by_spark(spark: SparkEngine, sql: str) -> Any:
    answer = spark.session().sql(sqlglot.transpile(sql, read=DIALECT, write="spark")[0]).toArrow()
    return sorted((str(field.type), repr(value)) for field in answer.schema for value in answer[field.name].to_pylist())


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(sql.format(t=ROWS), id=name, marks=pytest.mark.xfail(strict=True, reason=why, raises=DIFFERENCES))
        for name, (sql, why) in GAPS.items()
    ],
)
def test_a_gap_is_still_one(spark: SparkEngine, sql: str):
    """Both engines, asked without the check of the subset, would have to agree in value and type."""
    assert by_spark(spark, sql) == by_duckdb(sql)


def test_what_has_no_gap_agrees(spark: SparkEngine):
    """The same way of asking finds no difference where there is none."""
    for sql in ("select ln(x) as a from {t}", "select 4e0 / 3 as a", "select cast(floor(y) as bigint) as a from {t}"):
        assert by_spark(spark, sql.format(t=ROWS)) == by_duckdb(sql.format(t=ROWS))


@pytest.mark.parametrize("name", sorted(set(GAPS) - NOT_REFUSED))
def test_the_subset_leaves_gaps_out(name: str):
    """No statement that ships can fall into one of them."""
    assert check(GAPS[name][0].format(t="t"))
