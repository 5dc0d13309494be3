"""One segment on the disk: written under a lock, closed by a rename, read up to its last whole batch."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from sekisho.store.columns import SCHEMA
from sekisho.store.layout import CLOSED, OPEN, Layout, new_stem, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

WRITE_OCTETS = 1 << 20
"""A batch is some hundred small buffers; they go to the system together."""

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
"""Threads only hand work to and fro for columns of this size: 7.9 instead of 6.6 M records per CPU-second."""


class SegmentWriter:
    """A segment that is being written.

    It is locked from before anybody can see it until it is closed: whoever gets the lock of an open segment knows that
    its writer is gone.

    Attributes:
        opened_ms: when it was begun.
        rows: given to it so far.
        rows_at_risk: those of them that may not have reached the system yet.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, layout: Layout, *, opened_ms: int, collector: str) -> None:
        self.opened_ms, self.rows, self.rows_at_risk = opened_ms, 0, 0
        self._folder, self._stem = layout.segments, new_stem(opened_ms, collector)
        self._path = self._folder / f"{self._stem}{OPEN}"
        unseen = self._folder / f".{self._stem}"
        self._lock = os.open(unseen, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._sink = pa.output_stream(pa.OSFile(str(unseen), "wb"), buffer_size=WRITE_OCTETS)
            self._stream = pa.ipc.new_stream(self._sink, SCHEMA, options=_OPTIONS)
            unseen.rename(self._path)
        except OSError:
            unseen.unlink(missing_ok=True)
            os.close(self._lock)
            raise

    def write(self, rows: pa.RecordBatch) -> None:
        """Add rows.

        Raises:
            OSError: the system refuses.
        """
        self.rows += len(rows)
        self.rows_at_risk += len(rows)
        self._stream.write_batch(rows)

    def flush(self) -> None:
        """Hand everything to the system: from then on the end of this process loses nothing of it.

        Raises:
            OSError: the system refuses.
        """
        self._sink.flush()
        self.rows_at_risk = 0

    def close(self) -> None:
        """End the segment, wait until it is on the disk, and give it the name under which it is complete.

        Raises:
            OSError: the system refuses; what has reached the disk is found by the compactor.
        """
        try:
            self._stream.close()
            self._sink.close()
            os.fsync(self._lock)
            self._path.rename(self._folder / f"{self._stem}.{self.rows}{CLOSED}")
            sync_folder(self._folder)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of it as it is; a second call changes nothing."""
        for stream in (self._stream, self._sink):
            # What failed once fails again; the failure has been told already.
            with suppress(OSError, pa.ArrowInvalid):
                stream.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class SegmentReader:
    """The whole batches of a segment, open or closed, torn or not.

    Attributes:
        is_open: its writer may be at work.
        is_torn: after reading: the segment ended inside a batch, or something in it was damaged; what stood before
            that was read.

    Raises:
        FileNotFoundError: it has another name by now.
    """

    def __init__(self, path: Path) -> None:
        self.is_open, self.is_torn = path.suffix == OPEN, False
        # Opened at once: a segment that is closed or compacted from now on is still read.
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read from the start."""
        self._file.seek(0)
        try:
            stream = pa.ipc.open_stream(self._file)
            if not stream.schema.equals(SCHEMA):
                self.is_torn = True
                return
            while True:
                batch = stream.read_next_batch()
                batch.validate()
                yield batch
        except StopIteration:
            return
        except (pa.ArrowInvalid, pa.ArrowSerializationError, OSError):
            # An end inside a batch shows as one or the other, as it falls.
            self.is_torn = True


def close_abandoned(layout: Layout, path: Path, stem: str) -> bool:
    """Give an open segment whose writer is gone the name of a closed one; whether its writer was gone.

    Raises:
        OSError: the disk refuses.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with SegmentReader(path) as reader:
            rows = sum(len(batch) for batch in reader)
        os.fsync(descriptor)
        path.rename(layout.segments / f"{stem}.{rows}{CLOSED}")
        sync_folder(layout.segments)
    except (BlockingIOError, FileNotFoundError):
        # It is being written, or its writer closed it a moment ago.
        return False
    finally:
        os.close(descriptor)
    return True
