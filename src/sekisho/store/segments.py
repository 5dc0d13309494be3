"""The hot path: flow batches into segments. Nothing that the disk does keeps the caller from going on."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.core.log import logger
from sekisho.core.reasons import StoreReason
from sekisho.schema.batch import BATCH_ROWS
from sekisho.store.columns import RowBuffer
from sekisho.store.layout import Layout
from sekisho.store.segment_file import SegmentWriter
from sekisho.store.space import DEFAULT_FLOOR_OCTETS, SpaceFloor, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sekisho.schema.batch import FlowBatch

ROWS_AT_ONCE = 4 * BATCH_ROWS
"""What is done once for every column is then done once for several batches: a tenth of the time of appending. What
waits is handed over at every tick."""

SEGMENT_MS = 60_000
"""A segment is closed after a minute: the power may fail, and what is open is not yet flushed to the disk."""

SEGMENT_ROWS = 1_000_000
"""A segment is closed at some 40 MB, since compaction holds whole segments in memory."""

OVERFULL_ROWS = 4 * SEGMENT_ROWS
"""Where the disk takes longer to close a segment than to fill the next, that one grows to this and no further."""

FLUSH_MS = 5_000
"""What a collector that is killed may lose: the rows of a tick."""

RETRY_MS = 10_000
"""After a refusal the disk is asked again this often."""


@dataclass(slots=True)
class SegmentCounts:
    """What became of the rows that were to be kept.

    Attributes:
        rows: handed to the system.
        segments: closed.
        dropped: rows that were not kept, by reason. Some of a refused segment may have reached the disk all the same;
            they are counted here too.
    """

    rows: int = 0
    segments: int = 0
    dropped: Counter[StoreReason] = field(default_factory=Counter)


class Segments:
    """Writes the flows of one collector process; one thread calls it.

    Args:
        root: folder of the store.
        collector: name of the process, of a-z, 0-9 and _.
        clock: milliseconds UTC.
        floor_octets: no raw flow is written while less than this is free.
        space: looks at the free space; by default that of the store's disk.

    Attributes:
        counts: what became of the rows.
        stopped: why nothing is kept at present; None while all is well. A change is logged once.
    """

    def __init__(
        self,
        root: Path,
        *,
        collector: str,
        clock: Callable[[], int],
        floor_octets: int = DEFAULT_FLOOR_OCTETS,
        space: SpaceFloor | None = None,
    ) -> None:
        self.counts = SegmentCounts()
        self.stopped: StoreReason | None = None
        self._layout, self._collector, self._clock = Layout(root), collector, clock
        self._space = space or SpaceFloor(root, floor_octets)
        self._buffer = RowBuffer(ROWS_AT_ONCE)
        self._segment: SegmentWriter | None = None
        self._closer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="segment-closer")
        self._closing: Future[None] | None = None
        self._flushed_ms = self._retry_ms = 0

    def start(self) -> None:
        """Make the folders; a disk that refuses stops raw flows, not the collector."""
        try:
            self._layout.make()
            for unseen in self._layout.segments.glob(f".*-{self._collector}-*"):
                # Begun in the instant in which this collector was killed; nothing is in it.
                unseen.unlink()
        except OSError as error:
            self._stop(reason_of(error), self._clock())

    def append(self, batch: FlowBatch) -> None:
        """Keep the rows of a batch, or count them under the reason why not."""
        row = 0
        while row < len(batch):
            row += self._buffer.take(batch, row)
            if self._buffer.length == self._buffer.capacity or not self._buffer.speaks_as(batch):
                self._write()

    def tick(self) -> None:
        """Hand over what waits and close what is old; called every few seconds, also when nothing arrives."""
        now_ms = self._clock()
        if self._buffer.length:
            self._write()
        self._settle_closing()
        if self._segment is None:
            return
        if self._closing is None and self._is_due(self._segment, now_ms):
            self._close_segment(now_ms)
        elif not 0 <= now_ms - self._flushed_ms < FLUSH_MS:
            self._flush(self._segment, now_ms)

    def flush(self) -> None:
        """Hand over everything now: who is killed after this loses nothing of it."""
        self.tick()
        if self._segment is not None and self._segment.rows_at_risk:
            self._flush(self._segment, self._clock())

    def close(self) -> None:
        """Keep what waits, close the segment, and wait for the disk."""
        if self._buffer.length:
            self._write()
        if self._segment is not None:
            self._settle_closing(wait=True)
            self._close_segment(self._clock())
        self._settle_closing(wait=True)
        self._closer.shutdown()

    def _write(self) -> None:
        rows, now_ms = self._buffer.give(), self._clock()
        self._settle_closing()
        reason = self._refusal(now_ms)
        if reason is not None:
            self.counts.dropped[reason] += len(rows)
            self._stop(reason, now_ms)
            return
        try:
            segment = self._opened(now_ms)
            segment.write(rows)
        except OSError as error:
            self._fail(error, len(rows), now_ms)
            return
        self.counts.rows += len(rows)
        self._go_on()
        if self._is_due(segment, now_ms):
            self._close_segment(now_ms)

    def _refusal(self, now_ms: int) -> StoreReason | None:
        """Why these rows cannot be kept."""
        # A clock that was set back must not make the wait longer.
        if self.stopped is not None and 0 <= self._retry_ms - now_ms <= RETRY_MS:
            return self.stopped
        if (reason := self._space.look()) is not None:
            if self._segment is not None:
                self._close_segment(now_ms)
            return reason
        if self._segment is not None and self._segment.rows >= OVERFULL_ROWS:
            if self._closing is not None:
                return StoreReason.DISK_SLOW
            self._close_segment(now_ms)
        return None

    def _opened(self, now_ms: int) -> SegmentWriter:
        if self._segment is None:
            # The folder may have been on a disk that was not there when we started.
            self._layout.make()
            self._segment = SegmentWriter(self._layout, opened_ms=now_ms, collector=self._collector)
        return self._segment

    def _is_due(self, segment: SegmentWriter, now_ms: int) -> bool:
        return segment.rows >= SEGMENT_ROWS or not 0 <= now_ms - segment.opened_ms < SEGMENT_MS

    def _flush(self, segment: SegmentWriter, now_ms: int) -> None:
        self._flushed_ms = now_ms
        try:
            segment.flush()
        except OSError as error:
            self._fail(error, 0, now_ms)

    def _close_segment(self, now_ms: int) -> None:
        """In another thread, since the disk may take seconds; one at a time, or the present one goes on."""
        if self._segment is None or self._closing is not None:
            return
        # Only waiting for the disk is left to the other thread: if we are killed meanwhile, the rows are there.
        self._flush(self._segment, now_ms)
        if self._segment is not None:
            segment, self._segment = self._segment, None
            self._closing = self._closer.submit(segment.close)

    def _settle_closing(self, *, wait: bool = False) -> None:
        if self._closing is None or not (wait or self._closing.done()):
            return
        closing, self._closing = self._closing, None
        error = closing.exception()
        if error is None:
            self.counts.segments += 1
        elif isinstance(error, OSError):
            # Its rows have been handed over, and the compactor finds them under the name of an open segment.
            self._stop(reason_of(error), self._clock())
        else:
            raise error

    def _fail(self, error: OSError, rows: int, now_ms: int) -> None:
        """The disk refused ``rows``: what it has of the segment stays there for the compactor to find."""
        reason, at_risk = reason_of(error), 0
        if self._segment is not None:
            # The rows that were refused are among those at risk, and were never counted as kept.
            at_risk = max(self._segment.rows_at_risk - rows, 0)
            self._segment.abandon()
            self._segment = None
        self.counts.rows -= at_risk
        self.counts.dropped[reason] += rows + at_risk
        self._stop(reason, now_ms)

    def _stop(self, reason: StoreReason, now_ms: int) -> None:
        if self.stopped is None or not 0 <= self._retry_ms - now_ms <= RETRY_MS:
            self._retry_ms = now_ms + RETRY_MS
        if reason is not self.stopped:
            self.stopped = reason
            logger().warning("raw flows are not kept; detection goes on", reason=reason.value)

    def _go_on(self) -> None:
        if self.stopped is not None:
            logger().info("raw flows are kept again", not_kept=sum(self.counts.dropped.values()))
            self.stopped = None
