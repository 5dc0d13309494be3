"""Reading a store: what is in it at one instant, each record once, whatever collector and compactor do meanwhile."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sekisho.core.errors import InputError
from sekisho.store.columns import Rows, flow_batch, numpy_of
from sekisho.store.commits import consumed, live_files, read_commits
from sekisho.store.layout import FILES_LOCK, Layout, segments_of
from sekisho.store.locks import reading
from sekisho.store.parquet import read_flows
from sekisho.store.segment_file import SegmentReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.schema.batch import FlowBatch
    from sekisho.store.layout import Segment
    from sekisho.store.parquet import FlowFile

REPLAY_ROWS = 65_536
"""Rows of a replayed batch."""

_TRIES = 16
"""A segment is closed once a minute; to be too late for it this often means that something else is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is in a store at one instant.

    Attributes:
        files: compacted flows; segments: what is not compacted yet, open ones included.
        missing: files that a commit names and nobody finds; somebody else removed them.
    """

    root: Path
    files: tuple[FlowFile, ...]
    segments: tuple[SegmentReader, ...]
    missing: int

    def paths(self) -> list[Path]:
        """Where the compacted flows stand."""
        return [file.place(self.root) for file in self.files]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every row, in no order: columns and types of ``FLOW``."""
        for path in self.paths():
            yield from read_flows(path)
        for segment in self.segments:
            yield from segment

    @property
    def torn(self) -> int:
        """Closed segments that end inside a batch, of those read so far; an open one may do so at any time."""
        return sum(segment.is_torn and not segment.is_open for segment in self.segments)


def is_store(path: Path) -> bool:
    """Whether a folder is a flow store."""
    return (path / FILES_LOCK).is_file()


@contextmanager
def snapshot(root: Path) -> Iterator[Snapshot]:
    """What is in the store now; nothing of it is moved or removed until the end of the block.

    Raises:
        InputError: there is no store, or a commit is none.
    """
    if not is_store(root):
        raise InputError(root, "expected the folder of a flow store")
    layout = Layout(root)
    with reading(root), ExitStack() as opened:
        # Segments first: one that is compacted in between is then named by a commit as well, and counts once.
        segments = _opened(layout, opened)
        commits = read_commits(layout)
        gone, live = consumed(commits), live_files(commits)
        there = [file for file in live if file.place(root).exists()]
        yield Snapshot(
            root=root,
            files=tuple(there),
            segments=tuple(reader for segment, reader in segments if segment.stem not in gone),
            missing=len(live) - len(there),
        )


def replay(
    root: Path,
    *,
    exporters: list[str],
    realms: list[str],
    step_ms: int,
    from_ms: int | None = None,
    until_ms: int | None = None,
) -> Iterator[FlowBatch]:
    """The flows in the order in which they were received, to be analysed again.

    No batch holds rows of two steps of time; a step ends with the millisecond that is a multiple of its length.

    Within a millisecond the order of arrival is not kept. Files that overlap in time are in memory together: some
    million records of each exporter.

    Args:
        root: folder of the store.
        exporters: texts that the batches' codes stand for; what the list lacks is added.
        realms: likewise.
        step_ms: length of a step, the pipeline's tick.
        from_ms: earliest time of reception; None = from the first flow on.
        until_ms: end of the time of reception, exclusive; None = to the last flow.

    Raises:
        InputError: there is no store, or a commit is none.
    """
    with snapshot(root) as found:
        rows = Rows(())
        for next_ms, more in _by_time(found, from_ms, until_ms):
            rows = Rows((*_rest(rows), *more))
            ready, rows = _split(rows, next_ms)
            yield from _in_order(ready, exporters, realms, step_ms)
        yield from _in_order(rows, exporters, realms, step_ms)


def _opened(layout: Layout, opened: ExitStack) -> list[tuple[Segment, SegmentReader]]:
    """Every segment, opened: from then on it does not matter what becomes of its name."""
    for _ in range(_TRIES):
        with ExitStack() as attempt:
            try:
                found = [(s, attempt.enter_context(SegmentReader(s.path))) for s in segments_of(layout)]
            except FileNotFoundError:
                # Its collector closed it in this moment, and it has another name.
                continue
            opened.push(attempt.pop_all())
            return found
    raise InputError(layout.segments, "expected segments that can be opened, found that they change all the time")


def _by_time(
    found: Snapshot, from_ms: int | None, until_ms: int | None
) -> Iterator[tuple[int | None, list[pa.RecordBatch]]]:
    """The rows of each file, by its earliest reception, with the earliest reception of the files that follow."""
    first, end = from_ms if from_ms is not None else -(1 << 62), until_ms if until_ms is not None else 1 << 62
    files = sorted(
        (file for file in found.files if file.first_ms < end and file.last_ms >= first), key=lambda file: file.first_ms
    )
    recent = [batch for segment in found.segments for batch in segment if len(batch)]
    oldest = min((int(numpy_of(batch.column("received_at")).min()) for batch in recent), default=None)
    starts = [*(file.first_ms for file in files), None][1:]
    for file, start in zip(files, starts, strict=True):
        next_ms = min((ms for ms in (start, oldest) if ms is not None), default=None)
        yield next_ms, [received_between(batch, first, end) for batch in read_flows(file.place(found.root))]
    if recent:
        yield None, [received_between(batch, first, end) for batch in recent]


def received_between(batch: pa.RecordBatch, first_ms: int, end_ms: int) -> pa.RecordBatch:
    """The rows received from one time (inclusive) to another (exclusive), milliseconds UTC."""
    received = numpy_of(batch.column("received_at"))
    return batch.filter(pa.array((received >= first_ms) & (received < end_ms)))


def _rest(rows: Rows) -> list[pa.RecordBatch]:
    return rows.table(np.arange(len(rows))).to_batches() if len(rows) else []


def _split(rows: Rows, next_ms: int | None) -> tuple[Rows, Rows]:
    """What was received before a time, and the rest; all of it where there is no such time."""
    if next_ms is None:
        return rows, Rows(())
    is_before = rows.columns["received_at"] < next_ms
    before, after = (rows.table(np.flatnonzero(chosen)) for chosen in (is_before, ~is_before))
    return Rows(before.to_batches()), Rows(after.to_batches())


def _in_order(rows: Rows, exporters: list[str], realms: list[str], step_ms: int) -> Iterator[FlowBatch]:
    received = rows.columns["received_at"]
    order = np.argsort(received, kind="stable")
    steps = -(-received[order] // step_ms)
    begins = {0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), *range(0, len(order), REPLAY_ROWS)}
    for first, last in pairwise((*sorted(begins), len(order))):
        if first < last:
            yield flow_batch(rows, order[first:last], exporters, realms)
