"""Who sent to an address: counts by hour, by line and by indicator; never a destination beyond those asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sekisho.core.errors import InputError
from sekisho.schema.flow import FLOW
from sekisho.store.columns import numpy_of
from sekisho.store.layout import HOUR_MS
from sekisho.store.read import snapshot
from sekisho.store.targets import Bounds, Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sekisho.store.read import Snapshot

_ADDRESS = ("dst_hi", "dst_lo")
_REST = ("flow_start", "flow_end", "dst_port", "protocol", "packets", "octets", "src_line")
"""Read only where a destination is near one that is asked for."""
COLUMNS = (*_ADDRESS, *_REST)
"""All that an answer is made of."""

_INDEX = {name: FLOW.index(name) for name in (*_ADDRESS, "flow_start", "flow_end")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Flows that were under way at some instant of it, milliseconds UTC; the end is exclusive."""

    from_ms: int = -(1 << 62)
    until_ms: int = 1 << 62

    def touches(self, start_ms: Any, end_ms: Any) -> Any:
        """Whether flows of these times were under way in it; of numbers or columns."""
        return (start_ms < self.until_ms) & (end_ms >= self.from_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much was sent; records, packets and octets as exported, never scaled.

    Attributes:
        lines: different ones.
        unattributed: records of which no line is known.
    """

    lines: int
    records: int
    packets: int
    octets: int
    unattributed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCount:
    """What one line sent to all that was asked for.

    Attributes:
        line: its key, which names nobody.
        first_ms, last_ms: earliest start and latest end of a flow.
    """

    line: int
    records: int
    packets: int
    octets: int
    first_ms: int
    last_ms: int


@dataclass(slots=True, kw_only=True)
class Reading:
    """What had to be read, and what did not.

    Attributes:
        files, files_by_time: Parquet files, and those that their times rule out.
        row_groups, groups_by_time, groups_by_address: of the other files, and those that are ruled out.
        rows: read of what was left; segments and segment_rows: not compacted yet, read whole.
        torn: segments that end inside a batch; missing: files that are not there any more.
    """

    files: int = 0
    files_by_time: int = 0
    row_groups: int = 0
    groups_by_time: int = 0
    groups_by_address: int = 0
    rows: int = 0
    segments: int = 0
    segment_rows: int = 0
    torn: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer.

    Attributes:
        total: of everything.
        hours: beginning of an hour (of a flow's start) -> count, in order.
        indicators: number of an indicator -> count; one without any is not there.
        lines: the ones with most records first.
    """

    total: Count
    hours: dict[int, Count]
    indicators: dict[int, Count]
    lines: tuple[LineCount, ...]
    reading: Reading


def hunt(root: Path, targets: Targets, period: Period) -> Found:
    """Look for flows to any of the targets.

    Raises:
        InputError: there is no store, or a file of it cannot be read.
    """
    reading = Reading()
    with snapshot(root) as found:
        answer = counted(_candidates(found, targets, period, reading), targets, period, reading)
        reading.torn, reading.missing = found.torn, found.missing
    return answer


def counted(near: Iterable[dict[str, NDArray[Any]]], targets: Targets, period: Period, reading: Reading) -> Found:
    """The answer from rows that somebody has looked for: the columns ``COLUMNS`` of those near a target.

    Args:
        near: columns of rows; others than those near a target may be among them.
        targets: what is asked for.
        period: when.
        reading: what had to be read; it becomes part of the answer.
    """
    hits = _Hits()
    for rows in near:
        hits.add(rows, targets, period)
    return hits.found(reading)


def _candidates(
    found: Snapshot, targets: Targets, period: Period, reading: Reading
) -> Iterator[dict[str, NDArray[Any]]]:
    """Columns of the rows that are near a target."""
    for file in found.files:
        reading.files += 1
        if not period.touches(file.start_ms, file.end_ms):
            reading.files_by_time += 1
            continue
        try:
            with pq.ParquetFile(file.place(found.root)) as parquet:
                yield from _of_file(parquet, targets, period, reading)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(found.root / file.path, f"expected flows of the store, found: {error}") from error
    for segment in found.segments:
        reading.segments += 1
        for batch in segment:
            reading.segment_rows += len(batch)
            columns = {name: numpy_of(batch.column(name)) for name in COLUMNS}
            near = targets.near(columns["dst_hi"], columns["dst_lo"])
            if len(near):
                yield {name: values[near] for name, values in columns.items()}


def _of_file(
    parquet: pq.ParquetFile, targets: Targets, period: Period, reading: Reading
) -> Iterator[dict[str, NDArray[Any]]]:
    for number in range(parquet.metadata.num_row_groups):
        group = parquet.metadata.row_group(number)
        reading.row_groups += 1
        if not period.touches(_least(group, "flow_start"), _greatest(group, "flow_end")):
            reading.groups_by_time += 1
        elif not targets.may_be_within(_bounds(group)):
            reading.groups_by_address += 1
        else:
            reading.rows += group.num_rows
            columns = _columns(parquet, number, _ADDRESS)
            near = targets.near(columns["dst_hi"], columns["dst_lo"])
            if len(near):
                columns |= _columns(parquet, number, _REST)
                yield {name: values[near] for name, values in columns.items()}


def _columns(parquet: pq.ParquetFile, group: int, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    table = parquet.read_row_group(group, columns=list(names), use_threads=False).combine_chunks()
    return {name: numpy_of(table[name].chunk(0)) for name in names}


def _bounds(group: Any) -> Bounds:
    return Bounds(
        hi_first=_least(group, "dst_hi"),
        hi_last=_greatest(group, "dst_hi"),
        lo_first=_least(group, "dst_lo"),
        lo_last=_greatest(group, "dst_lo"),
    )


def _least(group: Any, name: str) -> int:
    return _statistic(group, name, "min_raw")


def _greatest(group: Any, name: str) -> int:
    return _statistic(group, name, "max_raw")


def _statistic(group: Any, name: str, which: str) -> int:
    return int(getattr(group.column(_INDEX[name]).statistics, which))


@dataclass(slots=True)
class _Hits:
    """Rows that matched, each once, with what is counted of them."""

    rows: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    length: int = 0

    def add(self, near: dict[str, NDArray[Any]], targets: Targets, period: Period) -> None:
        chosen = np.flatnonzero(period.touches(near["flow_start"], near["flow_end"]))
        columns = {name: values[chosen] for name, values in near.items()}
        row, indicator = targets.match(columns)
        matched, inverse = np.unique(row, return_inverse=True)
        if len(matched):
            names = ("flow_start", "flow_end", "packets", "octets", "src_line")
            self.rows.append({name: columns[name][matched] for name in names})
            self.pairs.append((inverse + self.length, indicator))
            self.length += len(matched)

    def found(self, reading: Reading) -> Found:
        names = ("flow_start", "flow_end", "packets", "octets", "src_line")
        nothing = [np.zeros(0, np.int64)]
        columns = {name: np.concatenate([*nothing, *(rows[name] for rows in self.rows)]) for name in names}
        row, indicator = (np.concatenate([*nothing, *(pair[side] for pair in self.pairs)]) for side in (0, 1))
        everything = np.arange(self.length)
        hour = columns["flow_start"] // HOUR_MS * HOUR_MS
        return Found(
            total=_count(columns, everything),
            hours={key: _count(columns, rows) for key, rows in _grouped(hour, everything)},
            indicators={key: _count(columns, rows) for key, rows in _grouped(indicator, row)},
            lines=_lines(columns),
            reading=reading,
        )


def _grouped(key: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each key with its rows, in the order of the keys."""
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    # Without rows there is no key, and still one empty part.
    yield from zip(keys.tolist(), np.split(rows[order], starts[1:]), strict=False)


def _count(columns: dict[str, NDArray[Any]], rows: NDArray[np.int64]) -> Count:
    line = columns["src_line"][rows]
    return Count(
        lines=len(np.unique(line[line != 0])),
        records=len(rows),
        packets=int(columns["packets"][rows].sum()),
        octets=int(columns["octets"][rows].sum()),
        unattributed=int((line == 0).sum()),
    )


def _lines(columns: dict[str, NDArray[Any]]) -> tuple[LineCount, ...]:
    counts = [
        LineCount(
            line=line,
            records=len(rows),
            packets=int(columns["packets"][rows].sum()),
            octets=int(columns["octets"][rows].sum()),
            first_ms=int(columns["flow_start"][rows].min()),
            last_ms=int(columns["flow_end"][rows].max()),
        )
        for line, rows in _grouped(columns["src_line"], np.arange(len(columns["src_line"])))
        if line
    ]
    return tuple(sorted(counts, key=lambda count: (-count.records, count.line)))
