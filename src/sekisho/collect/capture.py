"""Capture files to blocks of export datagrams, a few megabytes at a time."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from sekisho.collect import frames, pcap, pcapng
from sekisho.collect.agents import FOREIGN, Agents
from sekisho.collect.exporters import REFUSED
from sekisho.collect.fragments import Reassembly
from sekisho.collect.sniff import HEAD_OCTETS, walker_of
from sekisho.collect.walk import CORRUPT, MORE
from sekisho.collect.window import Window
from sekisho.core.errors import InputError
from sekisho.core.kernels import warm
from sekisho.core.reasons import FrameReason
from sekisho.wire.datagrams import Datagrams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from sekisho.collect.exporters import Exporters
    from sekisho.collect.fragments import Reassembled
    from sekisho.collect.window import File

KERNELS = (*frames.KERNELS, *pcap.KERNELS, *pcapng.KERNELS)

Progress = Callable[[int, int | None], None]
"""Told after each block: octets read so far, octets of the file (None where nobody knows)."""

_STDIN = "-"


def read_capture(path: Path | str, *, exporters: Exporters, on_progress: Progress | None = None) -> Capture:
    """The export datagrams of a pcap or pcapng file, in the order of the file.

    Args:
        path: the file; "-" is standard input.
        exporters: numbers the source addresses.
        on_progress: called after each block.

    Raises:
        InputError: there is no such file, or it is no capture; for standard input only when it is read.
    """
    capture = Capture(path, exporters=exporters, on_progress=on_progress)
    capture.check()
    return capture


class Capture:
    """One capture; iterating over it reads it and yields blocks that stay valid.

    Each frame is part of a datagram or counted under a reason; ``truncated_file`` counts files, ``unknown_exporter``
    and ``foreign_agent`` datagrams.

    Attributes:
        frames, datagrams: frames read and datagrams yielded so far.
        drops: what was not used so far, by reason.
        damage: one sentence about a file that ends inside a record, or holds nonsense from some place on.
    """

    def __init__(self, path: Path | str, *, exporters: Exporters, on_progress: Progress | None = None) -> None:
        self.name = str(path)
        self.frames = self.datagrams = 0
        self.damage: str | None = None
        self._exporters, self._agents, self._on_progress = exporters, Agents(exporters), on_progress
        self._reassembly = Reassembly()
        self._frames, self._rows = frames.empty_frames(), frames.empty_rows()
        self._other_drops: Counter[FrameReason] = Counter()

    @property
    def drops(self) -> Counter[FrameReason]:
        """What was not used so far, by reason; reasons that did not occur are not there."""
        counted = dict(zip(frames.REASONS, self._rows.drops.tolist(), strict=True))
        return +(Counter(counted) + self._reassembly.drops + self._other_drops)

    def check(self) -> None:
        """Look at the first octets of the file; standard input can be looked at once only.

        Raises:
            InputError: there is no such file, or it is no capture.
        """
        if self.name != _STDIN:
            with self._open() as file:
                walker_of(self.name, file.read(HEAD_OCTETS))

    def __iter__(self) -> Iterator[Datagrams]:
        """Read the capture from its start.

        Raises:
            InputError: as ``check``.
        """
        warm([KERNELS])
        self._exporters.start()
        self._agents.start()
        with self._open() as file:
            yield from self._blocks(file)
        self._reassembly.finish()

    def _open(self) -> AbstractContextManager[File]:
        if self.name == _STDIN:
            return nullcontext(cast("File", sys.stdin.buffer))
        try:
            return Path(self.name).open("rb", buffering=0)
        except IsADirectoryError as error:
            raise InputError(self.name, "expected a pcap or pcapng capture, found a directory") from error
        except OSError as error:
            raise InputError(self.name, f"expected a readable capture, found: {error.strerror}") from error

    def _blocks(self, file: File) -> Iterator[Datagrams]:
        size = Path(self.name).stat().st_size if self.name != _STDIN else None
        window = Window(file)
        walker = walker_of(self.name, bytes(window.octets[:HEAD_OCTETS]))
        at = walker.file_header_octets
        while True:
            status, at, count = walker.walk(window.octets, at, self._frames)
            if len(datagrams := self._datagrams(window.octets, count)):
                yield datagrams
            if status == MORE:
                self._tell(window.end, size)
                if window.is_last:
                    break
                target = window.start + at
                window.advance(at)
                # 0, unless the file ends inside what was to be skipped.
                at = target - window.start
            elif status == CORRUPT:
                break
        if at != len(window.octets):
            what = "ends inside a record, at" if status == MORE else "holds no valid record at"
            self._note_damage(what, window.end if status == MORE else window.start + at)

    def _datagrams(self, octets: NDArray[np.uint8], count: int) -> Datagrams:
        row_count, fragment_count = frames.read_frames(octets, self._frames, count, self._rows)
        rows = self._rows.datagrams[:row_count]
        if fragment_count:
            whole = self._reassembly.take(octets, self._rows.fragments[:fragment_count])
            octets, rows = _insert(whole, octets, rows)
        source, (offset, length, received_at, source_port) = np.ascontiguousarray(rows[:, :2]), _columns(rows)
        exporter = self._agents.codes(octets, offset, length, source)
        is_known = exporter >= 0
        self._other_drops[FrameReason.UNKNOWN_EXPORTER] += int(np.count_nonzero(exporter == REFUSED))
        self._other_drops[FrameReason.FOREIGN_AGENT] += int(np.count_nonzero(exporter <= FOREIGN))
        offset, length, received_at, source_port = _columns(rows[is_known])
        self.frames += count
        self.datagrams += len(offset)
        return Datagrams(
            payload=octets,
            offset=offset,
            length=length,
            received_at=received_at,
            exporter=exporter[is_known],
            source_port=source_port,
        )

    def _tell(self, octets_read: int, size: int | None) -> None:
        if self._on_progress is not None:
            self._on_progress(octets_read, size)

    def _note_damage(self, what: str, octet: int) -> None:
        self._other_drops[FrameReason.TRUNCATED_FILE] += 1
        self.damage = f"{self.name} {what} octet {octet}; the {self.frames} frames before that were used"


def _columns(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The columns of ``DATAGRAM`` behind the address, one after the other."""
    return np.ascontiguousarray(rows[:, 2:].T)


def _insert(
    whole: list[Reassembled], octets: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Put reassembled datagrams where the frame stood that completed them, their octets behind those of the block."""
    if not whole:
        return octets, rows
    payload = np.frombuffer(b"".join(datagram.payload for datagram in whole), dtype=np.uint8)
    length = np.array([len(datagram.payload) for datagram in whole], dtype=np.int64)
    offset = len(octets) + np.cumsum(length) - length
    added = [
        (d.source_hi, d.source_lo, at, len(d.payload), d.received_at, d.source_port)
        for d, at in zip(whole, offset.tolist(), strict=True)
    ]
    return np.concatenate([octets, payload]), np.insert(rows, [d.row for d in whole], added, axis=0)
