"""Apache Spark: the same statements over more rows than one machine holds, on this machine or on a cluster.

A statement is checked against the portable subset and translated, so that Spark is asked nothing that DuckDB would
answer otherwise.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlglot

from sekisho.query.engine import without_decimals
from sekisho.query.portable import DIALECT, check

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = "local[*]"
"""Spark inside this process, on all cores: for trying a statement, and for a machine without a cluster."""

STATEMENTS_KEPT = 512
"""Translations remembered; a detector has four."""

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # Names of tables are those given, never paths: `select * from parquet.`/etc/…`` must not be one.
    "spark.sql.runSQLOnFiles": "false",
    # An overflow or a division by zero is an error, as in DuckDB, and never a wrong number.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # The store's files stand in folders of hours and exporters, which are no columns.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
_LOCAL_SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # 200 parts, Spark's default, are for a cluster.
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
}


class SparkEngine:
    """The distributed engine; needs the extra ``spark`` and Java 17 or newer.

    A Spark session that runs in this process already is used and left running at the end.

    Args:
        master: Spark's master: ``local[N]``, ``spark://HOST:PORT``, ``yarn``, ``k8s://…``.
        settings: Spark's own, over those of this module.
    """

    def __init__(self, *, master: str = LOCAL, settings: Mapping[str, str] | None = None) -> None:
        self.master = master
        self._settings = dict(settings or {})
        self._session: Any = None
        self._owns = False

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """See ``Engine.run``."""
        translated = translate(sql)
        session = self.session()
        try:
            for name, table in tables.items():
                session.createDataFrame(_plain(table)).createOrReplaceTempView(name)
            answer = answer_of(session, translated)
        finally:
            for name in tables:
                session.catalog.dropTempView(name)
        return answer

    def session(self) -> Any:
        """A session of its own, whose tables no other sees; Spark is started where it does not run yet.

        Raises:
            ValueError: Spark cannot be started.
        """
        if self._session is None:
            from pyspark.sql import SparkSession

            running = SparkSession.getActiveSession()
            self._owns = running is None
            self._session = (running if running is not None else self._start(SparkSession)).newSession()
        return self._session

    def close(self) -> None:
        """See ``Engine.close``."""
        session, self._session = self._session, None
        if session is not None and self._owns:
            session.stop()

    def _start(self, session: Any) -> Any:
        # What a statement's failure says reaches the caller as an error; Spark would write pages of it, twice.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        local = _LOCAL_SETTINGS if self.master.startswith("local") else {}
        # Executors run this project's code: with the Python that runs it here, unless the environment names another.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = session.builder.master(self.master).appName("sekisho")
        for name, value in {**_SETTINGS, **local, **driver_memory(), **self._settings}.items():
            builder = builder.config(name, value)
        try:
            started = builder.getOrCreate()
        except Exception as error:  # pyspark raises whatever its launcher and py4j do
            raise ValueError(f"Spark does not start with master {self.master!r}: {error}") from error
        started.sparkContext.setLogLevel("OFF")
        return started


def driver_memory() -> dict[str, str]:
    """A quarter of this machine's memory for what comes back to it, where nobody says otherwise.

    Spark's own default of 1 GB is lost as soon as the flows of some thousand lines do.
    """
    home = Path(os.environ.get("SPARK_HOME", "")) / "conf"
    defaults = Path(os.environ.get("SPARK_CONF_DIR", home)) / "spark-defaults.conf"
    is_said = defaults.is_file() and "spark.driver.memory" in defaults.read_text(encoding="utf-8")
    if is_said or "SPARK_DRIVER_MEMORY" in os.environ:
        return {}
    octets = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"spark.driver.memory": f"{max(octets // 4 >> 20, 1024)}m"}


def answer_of(session: Any, translated: str) -> pa.Table:
    """The answer to a translated statement.

    Raises:
        ValueError: as ``Engine.run``.
    """
    from pyspark.errors import PySparkException

    try:
        answer = session.sql(translated).toArrow()
    except PySparkException as error:
        raise ValueError(f"the statement does not run: {str(error).splitlines()[0]}") from error
    return without_decimals(answer)


@lru_cache(maxsize=STATEMENTS_KEPT)
def translate(sql: str) -> str:
    """A statement of the portable subset in Spark's dialect.

    Raises:
        ValueError: it is not in the subset.
    """
    if problems := check(sql):
        raise ValueError(f"the statement does not run: {'; '.join(problems)}")
    return sqlglot.transpile(sql, read=DIALECT, write="spark")[0]


def _plain(table: pa.Table) -> pa.Table:
    """Dictionaries as the texts that they stand for: Spark knows none."""
    fields = [
        pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))
