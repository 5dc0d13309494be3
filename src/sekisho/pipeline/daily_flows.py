"""The flows of one day of a store, asked part by part in this process or all at once on Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sekisho.collect.exporters import Exporters
from sekisho.pipeline.attributed import Attribution
from sekisho.store.columns import numpy_of
from sekisho.store.hunt import COLUMNS, Found, Period, Reading, counted, hunt
from sekisho.store.layout import HOUR_MS
from sekisho.store.parquet import read_flows
from sekisho.store.read import received_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sekisho.attribution.attributor import Attributor
    from sekisho.core.config import Config
    from sekisho.query.duckdb import DuckDBEngine
    from sekisho.query.spark import SparkEngine
    from sekisho.store.parquet import FlowFile
    from sekisho.store.read import Snapshot
    from sekisho.store.targets import Targets

PART_ROWS = 1 << 22
"""Sums of parts that are kept side by side before they are added up, 300 MB; more where what has been added up is more,
so that no row is added up again and again. Stored flows are ordered by destination: a row group holds a few flows of
many lines each, and its sums are hardly fewer rows than its flows."""

_TIMES = ("flow_start", "flow_end")
_NEAR_SQL = f"""
select {", ".join(f"unix_millis(s.{name}) as {name}" if name in _TIMES else f"s.{name}" for name in COLUMNS)}
from stored s
  join network n on n.network = case when s.dst_hi = 0 then s.dst_lo & -256 else s.dst_hi & -65536 end
"""  # noqa: S608 - a constant of this project
"""Spark's own SQL: times of the store are no integers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFlows:
    """What is stored of a day, every line's flows; what is kept longer of some lines is no part of it.

    Attributes:
        root: folder of the store.
        files: compacted flows, each of one hour of reception, none of which lies in two days.
        recent: rows that no compaction has reached yet.
    """

    root: Path
    files: tuple[FlowFile, ...]
    recent: tuple[pa.RecordBatch, ...]

    @classmethod
    def of(cls, store: Snapshot, from_ms: int, until_ms: int) -> DayFlows:
        """The flows received between two times, which are whole hours."""
        files = tuple(file for file in raw_files(store) if from_ms <= file.hour_ms < until_ms)
        recent = tuple(
            part
            for segment in store.segments
            for batch in segment
            if len(part := received_between(batch, from_ms, until_ms))
        )
        return cls(root=store.root, files=files, recent=recent)

    @property
    def hours(self) -> list[int]:
        """Beginnings of the hours in which anything was received."""
        return sorted(hours_of(self.files, self.recent))

    @property
    def exporters(self) -> list[str]:
        """Addresses of the exporters, in the same order whichever engine asks."""
        names = {file.exporter for file in self.files}
        for batch in self.recent:
            names.update(batch.column("exporter").unique().to_pylist())
        return sorted(names)

    @property
    def first_ms(self) -> int:
        """Earliest reception; the day is not empty."""
        recent = (int(numpy_of(batch.column("received_at")).min()) for batch in self.recent)
        return min((*(file.first_ms for file in self.files), *recent))

    def batches(self, exporters: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of some exporters."""
        for file in self.files:
            if file.exporter in exporters:
                yield from read_flows(file.place(self.root))
        for batch in self.recent:
            if len(part := batch.filter(pc.is_in(batch.column("exporter"), pa.array(exporters, pa.string())))):
                yield part


class Asked(Protocol):
    """The attributed flows of a day, and the store's as they are."""

    def parts(self, sql: str, tables: Mapping[str, pa.Table], *, by: Sequence[str]) -> pa.Table:
        """Answers of a portable statement over ``attributed`` and small tables: sums of parts of the day.

        Args:
            sql: the statement.
            tables: by name.
            by: columns that it groups by; all others are sums.
        """
        ...

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The answer of a portable statement over small tables."""
        ...

    def close(self) -> None:
        """Let go of what was kept of the day."""
        ...


class HereAsked:
    """A day in this process, a row group at a time."""

    def __init__(self, day: DayFlows, engine: DuckDBEngine, config: Config, attributor: Attributor) -> None:
        self._day, self._engine = day, engine
        accepted = Exporters(config.exporter, accept_unconfigured=not config.exporter)
        accepted.start()
        self._ours = [name for name in day.exporters if accepted.code(name) >= 0]
        self._attribution = Attribution(
            config=config, attributor=attributor, exporters=tuple(accepted.texts), since_ms=day.first_ms
        )

    def parts(self, sql: str, tables: Mapping[str, pa.Table], *, by: Sequence[str]) -> pa.Table:
        """See ``Asked.parts``; the flows are read and attributed anew each time."""
        self._attribution.start()
        answers: list[pa.Table] = []
        rows, most = 0, PART_ROWS
        for number, batch in enumerate(self._day.batches(self._ours)):
            flows = pa.Table.from_batches([self._attribution.attribute(batch, number, 0)])
            answers.append(self._engine.run(sql, {"attributed": flows, **tables}))
            rows += len(answers[-1])
            if rows >= most:
                answers = [_folded(answers, by)]
                rows = len(answers[0])
                most = max(PART_ROWS, 2 * rows)
        return pa.concat_tables(answers) if answers else pa.table({})

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """See ``Asked.run``."""
        return self._engine.run(sql, tables)

    def close(self) -> None:
        """See ``Asked.close``."""


class SparkAsked:
    """A day on Spark: executors attribute and sum, the sums come here."""

    def __init__(self, day: DayFlows, engine: SparkEngine, config: Config, attributor: Attributor) -> None:
        from sekisho.pipeline.distributed import Job

        self._engine = engine
        exporters = Exporters(config.exporter, accept_unconfigured=not config.exporter)
        self._job = Job(engine.session(), config, exporters)
        self._job.take([file.place(day.root) for file in day.files], day.recent)
        self._job.attribute(attributor)

    def parts(self, sql: str, tables: Mapping[str, pa.Table], *, by: Sequence[str]) -> pa.Table:
        """See ``Asked.parts``."""
        del by  # Nothing to add up: Spark answers once about the whole day.
        for name, table in tables.items():
            self._job.give(name, table)
        return self._job.ask(sql)

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """See ``Asked.run``."""
        return self._engine.run(sql, tables)

    def close(self) -> None:
        """See ``Asked.close``."""
        self._job.close()


def hunted_here(store: Snapshot, targets: Targets) -> Found:
    """Whoever sent to the targets, ever since flows are kept."""
    return hunt(store.root, targets, Period())


def hunted_on_spark(store: Snapshot, targets: Targets, engine: SparkEngine) -> Found:
    """The same; executors look for rows near a target, and this process counts them."""
    from sekisho.pipeline.distributed import flows_of_files

    recent = [batch for segment in store.segments for batch in segment if len(batch)]
    paths = store.paths()
    reading = Reading(files=len(paths), segments=len(store.segments), missing=store.missing, torn=store.torn)
    if not paths and not recent:
        return counted((), targets, Period(), reading)
    session = engine.session()
    flows_of_files(session, paths, recent).createOrReplaceTempView("stored")
    session.createDataFrame(pa.table({"network": targets.networks})).createOrReplaceTempView("network")
    near = session.sql(_NEAR_SQL).toArrow()
    columns = {name: np.asarray(near[name].to_numpy()) for name in COLUMNS}
    return counted([columns], targets, Period(), reading)


def raw_files(store: Snapshot) -> list[FlowFile]:
    """Compacted flows of every line, without those of some lines that are kept longer."""
    return [file for file in store.files if file.path.startswith("flows/")]


def hours_of(files: Iterable[FlowFile], recent: Iterable[pa.RecordBatch]) -> set[int]:
    """Beginnings of the hours in which any of these was received."""
    hours = {file.hour_ms for file in files}
    for batch in recent:
        hours.update(np.unique(numpy_of(batch.column("received_at")) // HOUR_MS * HOUR_MS).tolist())
    return hours


def _folded(answers: Sequence[pa.Table], by: Sequence[str]) -> pa.Table:
    """Sums of sums: one row for each combination of the columns that they are grouped by."""
    every = pa.concat_tables(answers)
    sums = [name for name in every.column_names if name not in by]
    folded = every.group_by(list(by), use_threads=False).aggregate([(name, "sum") for name in sums])
    return folded.select([*by, *(f"{name}_sum" for name in sums)]).rename_columns([*by, *sums])
