"""``analyze --engine spark``: a store that is too much for one machine, narrowed down on a cluster and judged here.

Executors attribute the flows and make the window tables; every detector's own screen and suspects choose the lines at
which it may find something. Their flows alone come to this process, where the ordinary run judges them tick by tick, so
that a verdict is the same as if everything had been read here. What needs every flow, the load of links and coverage,
is not part of it, and that is said.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sekisho.collect.exporters import Exporters
from sekisho.core.config import load_config
from sekisho.core.errors import InputError
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import iso
from sekisho.pipeline.analysis import Analysis, document_of
from sekisho.pipeline.attributed import ATTRIBUTED, Attribution, attribute_part, batches_of
from sekisho.pipeline.batch import compose, is_ours, load_attributor, realms_of
from sekisho.pipeline.detecting import detectors_of, inputs_of
from sekisho.pipeline.narrowing import (
    CONTEXT_SQL,
    FLOW_MS_SQL,
    LATE_SQL,
    PRIMARY_SQL,
    SLICED_SQL,
    SLICES_SQL,
    TARGETS_SQL,
    TOTALS_SQL,
    UNATTRIBUTED_SQL,
    WEAK_SQL,
    WINDOWS_SQL,
    screened_sql,
    suspects_sql,
)
from sekisho.pipeline.remarks import Remark, remarks_of
from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.spark import SparkEngine, answer_of, translate
from sekisho.schema.flow import FLOW
from sekisho.schema.line_window import WINDOW_MS
from sekisho.store.read import is_store, snapshot
from sekisho.windows.sql import LINE_TARGET_SQL, LINE_WINDOW_SQL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sekisho.core.config import Config
    from sekisho.detect.detector import Detector
    from sekisho.pipeline.batch import Advance
    from sekisho.pipeline.detecting import Inputs
    from sekisho.store.read import Snapshot

LINES_ASKED = 200_000
"""Lines whose flows come to this process; more mean that the thresholds let half a network through."""


def analyze(
    inputs: Sequence[str],
    *,
    lines: Sequence[Path],
    map_e: Path | None,
    master: str,
    config_file: Path | None,
    on_progress: Advance,
    indicators: Sequence[Path] = (),
    radius: Sequence[Path] = (),
    kea: Sequence[Path] = (),
    cgnat: Sequence[Path] = (),
) -> Analysis:
    """Analyse flow stores on Spark.

    Args:
        inputs: folders of flow stores, which every executor sees under the same path.
        lines: as of ``batch.analyze``.
        map_e: likewise.
        master: Spark's master.
        config_file: as of ``batch.analyze``.
        on_progress: likewise.
        indicators: likewise.
        radius: likewise.
        kea: likewise.
        cgnat: likewise.

    Raises:
        InputError: an input that is no store, one that is empty, or any file that cannot be used.
        ConfigError: a wrong configuration.
    """
    config = load_config(config_file, os.environ)
    for name in inputs:
        if not is_store(Path(name)):
            raise InputError(name, "expected the folder of a flow store: --engine spark reads nothing else")
    attributor = load_attributor(config, lines, map_e, on_progress, radius=radius, kea=kea, cgnat=cgnat)
    further = inputs_of(config.detect, indicators=indicators, is_ours=partial(is_ours, attributor))
    narrow = config.model_copy(update={"link": (), "impact": type(config.impact)()})
    exporters = Exporters(config.exporter, accept_unconfigured=not config.exporter)
    run = compose(
        narrow, exporters, attributor=attributor, engine=DuckDBEngine(), inputs=further, config_file=config_file
    )
    run.start()
    detectors = detectors_of(config.detect, engine=DuckDBEngine(), config_file=config_file)
    with ExitStack() as opened:
        stores = [opened.enter_context(snapshot(Path(name))) for name in inputs]
        engine = SparkEngine(master=master)
        opened.callback(engine.close)
        job = Job(engine.session(), config, exporters)
        job.read(stores)
        job.attribute(attributor)
        on_progress("spark", 0, None)
        chosen = job.lines(detectors, further)
        totals = job.totals()
        for flows in batches_of(job.flows_of(chosen), exporters=exporters.texts, realms=realms_of(config)):
            run.receive_flows(flows)
            on_progress("flows of the lines in question", run.replayed, None)
    run.finish()
    document = document_of(run, {})
    document["input"] |= totals
    left_out = [Remark(key="spark_left_out", values={})] if config.link or config.impact.counters else []
    return Analysis(
        document=document, series=None, remarks=(*left_out, *remarks_of(run, damage=(), indicators=further.reports))
    )


class Job:
    """One question's tables on Spark.

    Args:
        session: of a ``SparkEngine``.
        config: the configuration.
        exporters: whose flows are accepted.
    """

    def __init__(self, session: Any, config: Config, exporters: Exporters) -> None:
        self._session, self._config, self._exporters = session, config, exporters

    def read(self, stores: Sequence[Snapshot]) -> None:
        """The rows of the stores: compacted files by the executors, what is minutes old by way of this process.

        Raises:
            InputError: there is no flow of an exporter of this run.
        """
        paths = [path for store in stores for path in store.paths()]
        recent = [batch for store in stores for segment in store.segments for batch in segment if len(batch)]
        if not paths and not recent:
            raise InputError(", ".join(str(store.root) for store in stores), "expected flows, found none")
        self.take(paths, recent)

    def take(self, paths: Sequence[Path], recent: Sequence[pa.RecordBatch]) -> None:
        """Some of the rows: files that the executors read, and rows that this process sends them; one at least."""
        flows_of_files(self._session, paths, recent).createOrReplaceTempView("stored")

    def attribute(self, attributor: Any) -> None:
        """The view ``attributed``: every flow of an accepted exporter with its lines."""
        from pyspark import TaskContext
        from pyspark.sql.functions import arrow_udf, col  # type: ignore[attr-defined]

        every = self._session.table("stored")
        seen = self._session.sql(
            "select exporter, min(unix_millis(received_at)) as first_ms from stored group by exporter order by 2, 1"
        ).toArrow()
        self._exporters.start()
        ours = [name for name in seen["exporter"].to_pylist() if self._exporters.code(name) >= 0]
        if not ours:
            raise InputError("store", "expected flows of a configured exporter, found none")
        attribution = Attribution(
            config=self._config,
            attributor=attributor,
            exporters=tuple(self._exporters.texts),
            since_ms=min(seen["first_ms"].to_pylist()),
        )
        sent = self._session.sparkContext.broadcast(attribution.packed())

        def attributed(*columns: pa.Array) -> pa.Array:
            task = TaskContext.get()
            batch = pa.RecordBatch.from_arrays(list(columns), names=list(FLOW.names))
            return attribute_part(sent.value, batch, task.partitionId() if task is not None else 0)

        # One column of many fields: mapInArrow would do without, but asks for pandas, which nothing else here needs.
        attributed.__annotations__ = {"columns": pa.Array, "return": pa.Array}
        row = arrow_udf(attributed, returnType=ATTRIBUTED.spark_ddl())
        ours_only = every.where(every.exporter.isin(ours))
        flows = ours_only.select(row(*(col(name) for name in FLOW.names)).alias("row")).select("row.*")
        self._view("attributed", flows, keep=True)
        count = len(self._exporters.texts)
        caps, lateness = self._exporters.active_cap_ms[:count], self._exporters.lateness_ms[:count]
        self.give("exporter_cap", {"exporter": np.arange(count), "active_cap_ms": caps, "lateness_ms": lateness})
        longest = min(int(caps.max()), self._longest_ms()) // WINDOW_MS + 2
        self.give("step", {"i": np.arange(longest)})

    def lines(self, detectors: Sequence[Detector], inputs: Inputs) -> list[int]:
        """Keys of the lines at which a detector may find something, and of those that tell what exporters show.

        Raises:
            InputError: they are too many.
        """
        on = [detector for detector in detectors if {*detector.inputs} <= {*inputs.tables}]
        self._make("flow_ms", FLOW_MS_SQL)
        self._make("every_window", LINE_WINDOW_SQL, keep=True)
        self._make("every_target", LINE_TARGET_SQL)
        self._make("primary_boundary", PRIMARY_SQL, keep=True)
        self._make("windows", WINDOWS_SQL)
        self._make("targets", TARGETS_SQL, keep=True)
        self._make("slices", SLICES_SQL, keep=True)
        self._make("screened", screened_sql(on), keep=True)
        numbered = self._session.sql(translate(SLICED_SQL)).drop("line").withColumnRenamed("number", "line")
        self._view("line_target", numbered, keep=True)
        if "indicators" in inputs.tables:
            given = _plain(inputs.tables["indicators"]([], 0))
            self._session.createDataFrame(given).createOrReplaceTempView("indicators")
        found: set[int] = set()
        for sql in (*map(suspects_sql, on), WEAK_SQL, CONTEXT_SQL):
            found.update(self.ask(sql)["line"].to_pylist())
        if len(found) > LINES_ASKED:
            raise InputError("store", f"expected at most {LINES_ASKED:,} lines in question, found {len(found):,}")
        return sorted(found)

    def flows_of(self, lines: Sequence[int]) -> pa.Table:
        """Every flow of these lines, and of what ``Subjects`` names.

        That are addresses of ours without a line, and interfaces towards subscribers by which foreign sources came.
        """
        self.give("chosen", {"line": np.array(lines, dtype=np.int64)})
        not_ours = int(UnattributedReason.NOT_OURS)
        return self.ask(
            f"""select a.* from attributed a
  left join chosen s on s.line = a.src_line left join chosen d on d.line = a.dst_line
  where s.line is not null or d.line is not null
    or (a.src_line = 0 and (a.src_unattributed <> {not_ours} or (a.dst_line = 0 and a.from_subscribers = 1)))
    or (a.dst_line = 0 and a.dst_unattributed <> {not_ours})"""  # noqa: S608 - a constant of this project
        )

    def totals(self) -> dict[str, Any]:
        """The part of ``input`` that counts every record."""
        (row,) = self.ask(TOTALS_SQL).to_pylist()
        reasons = {
            UnattributedReason(row["reason"]).label: row["records"] for row in self.ask(UNATTRIBUTED_SQL).to_pylist()
        }
        ordered = [reason.label for reason in UnattributedReason if reason.label in reasons]
        return {
            "records": row["records"],
            "late": self.ask(LATE_SQL)["records"][0].as_py(),
            "unattributed": {label: reasons[label] for label in ordered},
            "first": iso(row["first_ms"]),
            "last": iso(row["last_ms"]),
        }

    def close(self) -> None:
        """Let the executors forget what they kept of this question."""
        self._session.catalog.clearCache()

    def _longest_ms(self) -> int:
        spans = self._session.sql(
            "select max(least(flow_end, received_at) - flow_start) as ms from attributed"
        ).toArrow()
        return max(0, spans["ms"][0].as_py() or 0)

    def ask(self, sql: str) -> pa.Table:
        """The answer of a portable statement over the views made so far."""
        return answer_of(self._session, translate(sql))

    def _make(self, name: str, sql: str, *, keep: bool = False) -> None:
        self._view(name, self._session.sql(translate(sql)), keep=keep)

    def _view(self, name: str, rows: Any, *, keep: bool = False) -> None:
        (rows.persist() if keep else rows).createOrReplaceTempView(name)

    def give(self, name: str, columns: Mapping[str, Any] | pa.Table) -> None:
        """Let statements see a small table of this process."""
        table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
        self._session.createDataFrame(table).createOrReplaceTempView(name)


def flows_of_files(session: Any, paths: Sequence[Path], recent: Sequence[pa.RecordBatch]) -> Any:
    """Rows of a store as Spark's: files that the executors read, and rows that this process sends; one at least."""
    schema = ", ".join(f"{column.name} {column.type.spark}" for column in FLOW.columns)
    parts = [session.read.schema(schema).parquet(*map(str, paths))] if paths else []
    if recent:
        parts.append(session.createDataFrame(_plain(pa.Table.from_batches(recent)), schema))
    every = parts[0]
    for part in parts[1:]:
        every = every.unionByName(part)
    return every


def _plain(table: pa.Table) -> pa.Table:
    """Dictionaries as the texts that they stand for."""
    fields = [
        pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))
