"""What one line sent, over time: packets and octets of its kept flows, spread over the time of each flow.

Volumes alone: where it went is no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sekisho.core.errors import InputError
from sekisho.store.columns import numpy_of
from sekisho.store.read import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sekisho.store.hunt import Period
    from sekisho.store.read import Snapshot

_COLUMNS = ("flow_start", "flow_end", "packets", "octets", "sampling_interval", "direction")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTraffic:
    """What one line sent, estimated from samples.

    Attributes:
        begin_ms: of the first step, milliseconds UTC.
        step_ms: how long a step is.
        packets, octets: (n,) of each step.
        records: that it rests on.
        exporter: that reported most of it; others would count the same packets again. "" where there is none.
    """

    begin_ms: int
    step_ms: int
    packets: NDArray[np.float64]
    octets: NDArray[np.float64]
    records: int
    exporter: str


def traffic_of(root: Path, line: int, period: Period, *, step_ms: int) -> LineTraffic:
    """What a line sent in a period.

    Args:
        root: folder of the store.
        line: its key.
        period: from the beginning of a step.
        step_ms: of the answer.

    Raises:
        InputError: there is no store, or a file of it cannot be read.
    """
    found: dict[tuple[str, int], list[dict[str, NDArray[Any]]]] = {}
    with snapshot(root) as store:
        for exporter, rows in _rows(store, line, period):
            for direction in np.unique(rows["direction"]).tolist():
                mine = rows["direction"] == direction
                found.setdefault((exporter, direction), []).append({name: row[mine] for name, row in rows.items()})
    steps = -(-(period.until_ms - period.from_ms) // step_ms)
    sums = {seen_by: _folded(rows, period.from_ms, step_ms, steps) for seen_by, rows in found.items()}
    best = max(sums, key=lambda seen_by: float(sums[seen_by][0].sum()), default=None)
    nothing = np.zeros(steps), np.zeros(steps)
    packets, octets = nothing if best is None else sums[best]
    return LineTraffic(
        begin_ms=period.from_ms,
        step_ms=step_ms,
        packets=packets,
        octets=octets,
        records=0 if best is None else sum(len(rows["packets"]) for rows in found[best]),
        exporter="" if best is None else best[0],
    )


def _rows(store: Snapshot, line: int, period: Period) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Exporter and columns of the line's rows."""
    for file in store.files:
        if not period.touches(file.start_ms, file.end_ms):
            continue
        place = file.place(store.root)
        try:
            table = pq.read_table(
                place, columns=list(_COLUMNS), filters=[("src_line", "=", line)], partitioning=None, use_threads=False
            )
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(place, f"expected flows of the store, found: {error}") from error
        if len(table):
            yield file.exporter, _within(table.combine_chunks().to_batches()[0], period)
    for segment in store.segments:
        for batch in segment:
            mine = batch.filter(pa.array(numpy_of(batch.column("src_line")) == line))
            names = mine.column("exporter")
            for name in names.unique().to_pylist():
                yield name, _within(mine.filter(pc.equal(names, name)), period)


def _within(batch: pa.RecordBatch, period: Period) -> dict[str, NDArray[Any]]:
    columns = {name: numpy_of(batch.column(name)) for name in _COLUMNS}
    chosen = np.flatnonzero(period.touches(columns["flow_start"], columns["flow_end"]))
    return {name: values[chosen] for name, values in columns.items()}


def _folded(
    parts: list[dict[str, NDArray[Any]]], begin_ms: int, step_ms: int, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Packets and octets of each step: what was sent by its end, less what was sent by its beginning."""
    rows = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
    edges = begin_ms + step_ms * np.arange(steps + 1, dtype=np.int64)
    scale = np.maximum(rows["sampling_interval"], 1.0)
    start, lasted = rows["flow_start"], np.maximum(rows["flow_end"] - rows["flow_start"], 1)
    by_edge = np.zeros((2, steps + 1))
    for number, edge in enumerate(edges.tolist()):
        sent = np.clip((edge - start) / lasted, 0.0, 1.0) * scale
        by_edge[:, number] = (sent * rows["packets"]).sum(), (sent * rows["octets"]).sum()
    packets, octets = np.diff(by_edge, axis=1)
    return packets, octets
