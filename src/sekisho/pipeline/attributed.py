"""Stored flows attributed in many processes at once: what Spark's executors run over their part of a store.

Every process holds the same boundaries and assignments, and numbers derived boundaries alike; what becomes of a record
does not depend on the part in which it lies.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sekisho.collect.boundary import Boundaries
from sekisho.collect.exporters import Exporters
from sekisho.pipeline.batch import realms_of
from sekisho.pipeline.clock import TICK_MS
from sekisho.schema.batch import NAMES, FlowBatch
from sekisho.schema.flow import FLOW
from sekisho.schema.table import Column, Table, Type
from sekisho.store.columns import Rows, flow_batch
from sekisho.store.read import REPLAY_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.attribution.attributor import Attributor
    from sekisho.core.config import Config

ATTRIBUTED = Table(
    name="attributed",
    meaning="Cells of flow batches, and the order of arrival.",
    columns=(
        Column(name="arrival", type=Type.INT64, meaning="unique, in order of reception"),
        *(
            Column(name=name, type=Type.FLOAT64 if name == "sampling_interval" else Type.INT64, meaning=f"batch.{name}")
            for name in NAMES
        ),
    ),
)
"""What an executor answers for a row of the store; times in milliseconds, exporters and realms by their codes."""

_PLACE_BITS, _ROW_BITS = 10, 20
"""Of an arrival: 1,024 parts and a million rows of a part within a millisecond before two would be the same."""

_DIRECTIONS = (-1, 0, 1)


@dataclass(slots=True, kw_only=True)
class Attribution:
    """What a process needs to attribute flows; made where the run begins, and taken apart nowhere.

    Attributes:
        exporters: addresses of all exporters of the input, in the same order everywhere.
        since_ms: earliest reception of the input; arrivals count from it and last for three months.
        part, rows: where a process is in its part of the input.
    """

    config: Config
    attributor: Attributor
    exporters: tuple[str, ...]
    since_ms: int
    part: int = -1
    rows: int = 0
    _started: tuple[Exporters, Boundaries] | None = field(default=None)

    def packed(self) -> bytes:
        """To be sent to other processes."""
        return pickle.dumps(self)

    def start(self) -> None:
        """Compile the kernels, number exporters and boundaries."""
        if self._started is not None:
            return
        exporters = Exporters(self.config.exporter, accept_unconfigured=not self.config.exporter)
        exporters.start()
        for text in self.exporters:
            exporters.code(text)
        boundaries = Boundaries(
            exporters,
            realms=realms_of(self.config),
            interface_names={},
            default_realm=self.config.attribution.default_realm,
        )
        boundaries.start()
        self.attributor.start()
        boundaries.annotate(_each_direction(exporters.texts))
        self._started = exporters, boundaries

    def attribute(self, batch: pa.RecordBatch, part: int, first_row: int) -> pa.RecordBatch:
        """The rows of ``ATTRIBUTED`` of some flows, all of them of known exporters.

        Args:
            batch: rows of ``FLOW``, strings as they are.
            part: number of the part of the input.
            first_row: rows of that part before these.
        """
        assert self._started is not None, "start() was called"
        exporters, boundaries = self._started
        rows = Rows([_typed(batch)])
        flows = flow_batch(rows, np.arange(len(rows)), list(exporters.texts), boundaries.realms)
        boundaries.annotate(flows)
        self.attributor.attribute(flows)
        return _answer(flows, part, first_row, self.since_ms)


def attribute_part(packed: bytes, batch: pa.RecordBatch, part: int) -> pa.StructArray:
    """Attribute some rows of one part of the input; a process keeps what it was sent until it is sent another."""
    attribution = _unpacked(packed)
    if part != attribution.part:
        attribution.part, attribution.rows = part, 0
    answer = attribution.attribute(batch, part, attribution.rows)
    attribution.rows += len(batch)
    return answer.to_struct_array()


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> Attribution:
    attribution: Attribution = pickle.loads(packed)  # noqa: S301 (sent by the run that this process works for)
    attribution.start()
    return attribution


def _each_direction(exporters: list[str]) -> FlowBatch:
    """A row of every exporter and direction: boundaries that are derived get their numbers in this order."""
    pairs = np.array([(code, way) for code in range(len(exporters)) for way in _DIRECTIONS], np.int64).reshape(-1, 2)
    batch = FlowBatch(exporters=exporters, capacity=max(len(pairs), 1))
    batch.length = len(pairs)
    batch.column("exporter")[:], batch.column("direction")[:] = pairs.T
    return batch


def _typed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times in milliseconds, as the store has them; Spark counts microseconds."""
    schema = pa.schema([pa.field(f.name, _plain(f.type)) for f in FLOW.arrow_schema()])
    return pa.Table.from_batches([batch]).select(list(FLOW.names)).cast(schema).combine_chunks().to_batches()[0]


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _answer(flows: FlowBatch, part: int, first_row: int, begin_ms: int) -> pa.RecordBatch:
    rows = np.arange(first_row, first_row + len(flows), dtype=np.int64)
    place = (part % (1 << _PLACE_BITS) << _ROW_BITS) | rows % (1 << _ROW_BITS)
    arrival = (flows.column("received_at") - begin_ms << _PLACE_BITS + _ROW_BITS) | place
    # Arrow keeps a view of what it is given, and rows beyond the last are none.
    columns = [arrival, *(flows.column(name).copy() for name in NAMES)]
    return pa.RecordBatch.from_arrays([pa.array(values) for values in columns], names=list(ATTRIBUTED.names))


def batches_of(rows: pa.Table, *, exporters: list[str], realms: list[str]) -> Iterator[FlowBatch]:
    """Rows of ``ATTRIBUTED`` as a run takes them: in order of arrival, none of two ticks.

    Args:
        rows: in any order.
        exporters: the texts that codes of exporters stand for.
        realms: likewise.
    """
    order = np.argsort(rows["arrival"].to_numpy(), kind="stable")
    columns = {name: rows[name].to_numpy()[order] for name in FLOW.names}
    ticks = -(-columns["received_at"] // TICK_MS)
    edges = {0, *(np.flatnonzero(np.diff(ticks)) + 1).tolist(), *range(0, len(order), REPLAY_ROWS)}
    for first, last in pairwise((*sorted(edges), len(order))):
        if first < last:
            batch = FlowBatch(exporters=exporters, realms=realms, capacity=last - first)
            batch.length = last - first
            for name, values in columns.items():
                batch.column(name)[:] = values[first:last]
            yield batch
