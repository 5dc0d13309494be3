"""Segments into Parquet by hour and exporter, small files into larger ones, old files away."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sekisho.core.errors import Unavailable
from sekisho.store.columns import Rows
from sekisho.store.commits import commit, consumed, live_files, read_commits, remove_commit
from sekisho.store.layout import HOUR_MS, PART, Layout, new_name, segments_of
from sekisho.store.locks import compacting, moving
from sekisho.store.parquet import read_flows, write_flows
from sekisho.store.retention import DEFAULT_RETENTION, Expiry, Retention, no_lines
from sekisho.store.segment_file import SegmentReader, close_abandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sekisho.store.layout import Segment
    from sekisho.store.parquet import FlowFile
    from sekisho.store.retention import LinesToKeep

BATCH_ROWS = 1_000_000
"""Rows in memory at once, a process of 650 MB while they are sorted; files hold at most as many."""

SMALL_ROWS = BATCH_ROWS // 4
"""A file of fewer rows becomes part of a larger one when its hour is over: each record is written at most twice."""

WAIT_MS = 300_000
"""Segments wait this long for others, so that an hour has a dozen files and not sixty."""

MERGE_AFTER_MS = 600_000
"""An hour is over for good when the segments of its last minutes have been compacted."""


@dataclass(slots=True, kw_only=True)
class Compacted:
    """What one run did.

    Attributes:
        segments, rows: compacted.
        torn: segments that ended inside a batch; what stood before was used.
        merged: small files that became part of larger ones.
        expired: files that were removed for their age; kept_rows: rows of them that are kept longer.
        recovered: segments whose collector was gone.
        postponed: files that could not be moved or removed because somebody reads.
    """

    segments: int = 0
    rows: int = 0
    torn: int = 0
    merged: int = 0
    expired: int = 0
    kept_rows: int = 0
    recovered: int = 0
    postponed: bool = False


class Compactor:
    """Looks after one store; runs in a process of its own.

    Args:
        root: folder of the store.
        clock: milliseconds UTC.
        retention: how long what is kept.
        lines_to_keep: keys of the lines at watch and above: asked once a run.
        wait_ms: how long segments wait for others.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], int],
        retention: Retention = DEFAULT_RETENTION,
        lines_to_keep: LinesToKeep = no_lines,
        wait_ms: int = WAIT_MS,
    ) -> None:
        self._layout, self._clock, self._wait_ms = Layout(root), clock, wait_ms
        self._expiry = Expiry(self._layout, retention=retention, lines_to_keep=lines_to_keep)

    def run(self, *, everything: bool = False) -> Compacted:
        """Do what is due; may be ended at any instant and run again.

        Args:
            everything: also compact segments that could still wait for others.

        Raises:
            Unavailable: another compactor is at work, or the disk refuses; the store is as it was or further on.
            InputError: a commit that is none.
        """
        done = Compacted()
        try:
            self._layout.make()
            with compacting(self._layout.root):
                self._finish(done)
                # Room first: on a full disk compaction may need what retention gives back.
                done.expired, done.kept_rows = self._expiry.run(self._clock())
                self._finish(done)
                self._compact(done, everything=everything)
                self._merge(done)
                self._finish(done)
        except OSError as error:
            raise Unavailable(f"{self._layout.root}: the store cannot be compacted: {error.strerror}") from error
        return done

    def _finish(self, done: Compacted) -> None:
        """Give committed files their names, remove what they replace, close what nobody writes any more."""
        with moving(self._layout.root) as may_move:
            done.postponed = not may_move
            if not may_move:
                return
            for part in self._layout.commits.glob(f"*{PART}"):
                part.unlink()
            commits = read_commits(self._layout)
            outputs = {file.path for one in commits for file in one.outputs}
            for path in self._layout.parts():
                name = path.relative_to(self._layout.root).as_posix().removesuffix(PART)
                if name in outputs:
                    path.rename(self._layout.root / name)
                else:
                    path.unlink()
            gone = consumed(commits)
            for segment in segments_of(self._layout):
                if segment.stem in gone:
                    segment.path.unlink(missing_ok=True)
                elif segment.rows is None:
                    done.recovered += close_abandoned(self._layout, segment.path, segment.stem)
            for name in gone:
                (self._layout.root / name).unlink(missing_ok=True)
            self._forget()

    def _forget(self) -> None:
        """Remove commits that say nothing any more, and folders that hold nothing any more."""
        stems = {segment.stem for segment in segments_of(self._layout)}
        for one in read_commits(self._layout):
            named = (*one.inputs, *(file.path for file in one.outputs))
            if not any(name in stems or (self._layout.root / name).exists() for name in named):
                remove_commit(self._layout, one.name)
        for folder in (self._layout.flows, self._layout.kept):
            for inner in (*folder.glob("*/*"), *folder.glob("*")):
                if inner.is_dir() and not any(inner.iterdir()):
                    inner.rmdir()

    def _compact(self, done: Compacted, *, everything: bool) -> None:
        gone = consumed(read_commits(self._layout))
        closed = [s for s in segments_of(self._layout) if s.rows is not None and s.stem not in gone]
        for batch in _batches(closed):
            is_full = sum(segment.rows or 0 for segment in batch) >= BATCH_ROWS or batch[-1] is not closed[-1]
            if everything or is_full or not 0 <= self._clock() - batch[0].opened_ms < self._wait_ms:
                self._compact_batch(batch, done)

    def _compact_batch(self, batch: Sequence[Segment], done: Compacted) -> None:
        parts = []
        for segment in batch:
            with SegmentReader(segment.path) as reader:
                parts += list(reader)
            done.torn += reader.is_torn
        rows = Rows(parts)
        del parts
        name = new_name(self._clock())
        files = list(write_flows(rows, self._layout.root, folder="flows", name=name)) if len(rows) else []
        commit(self._layout, name, [segment.stem for segment in batch], files)
        done.segments += len(batch)
        done.rows += len(rows)

    def _merge(self, done: Compacted) -> None:
        before_ms = self._clock() - HOUR_MS - MERGE_AFTER_MS
        files = [file for file in live_files(read_commits(self._layout)) if file.hour_ms <= before_ms]
        for group in _mergeable(files, self._layout):
            rows = Rows(batch for file in group for batch in read_flows(file.place(self._layout.root)))
            folder, name = group[0].path.split("/", 1)[0], new_name(self._clock())
            merged = list(write_flows(rows, self._layout.root, folder=folder, name=name))
            commit(self._layout, name, [file.path for file in group], merged)
            done.merged += len(group)


def _batches(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Segments in the order of their names, as many as fit into memory together."""
    batch: list[Segment] = []
    for segment in segments:
        if batch and sum(s.rows or 0 for s in batch) + (segment.rows or 0) > BATCH_ROWS:
            yield batch
            batch = []
        batch.append(segment)
    if batch:
        yield batch


def _mergeable(files: Sequence[FlowFile], layout: Layout) -> Iterator[list[FlowFile]]:
    """Small files of one hour, exporter and folder that make one file together."""

    def place(file: FlowFile) -> str:
        return file.path.rsplit("/", 1)[0]

    for _, same in groupby(sorted(files, key=lambda file: (place(file), file.first_ms)), key=place):
        group: list[FlowFile] = []
        for file in same:
            if file.rows >= SMALL_ROWS or not file.place(layout.root).exists():
                continue
            if sum(f.rows for f in group) + file.rows > BATCH_ROWS:
                if len(group) > 1:
                    yield group
                group = []
            group.append(file)
        if len(group) > 1:
            yield group
