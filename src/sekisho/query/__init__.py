"""Engines that answer SQL over Arrow tables, one file each, and the SQL that all of them understand alike."""

ENGINES: dict[str, str] = {
    "duckdb": "sekisho.query.duckdb:DuckDBEngine",
    "spark": "sekisho.query.spark:SparkEngine",
}
"""Name on the command line -> module and class; imported when it is used, since an engine is heavy."""
