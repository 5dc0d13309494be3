"""A file of any length, read through a window of a few megabytes."""

from __future__ import annotations

from io import BufferedIOBase, RawIOBase
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_OCTETS = 4 << 20
"""Octets held at once: many times the longest record, some thousand datagrams."""

File = RawIOBase | BufferedIOBase


class Window:
    """The octets of a file that are at hand.

    Attributes:
        octets: (n,) uint8, at most ``BLOCK_OCTETS``; never overwritten later.
        start, end: where they stand in the file.
        is_last: nothing follows them.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self.octets: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self.end = 0
        self.is_last = False
        self.advance(0)

    @property
    def start(self) -> int:
        """Where the octets stand in the file."""
        return self.end - len(self.octets)

    def advance(self, at: int) -> None:
        """Leave ``at`` octets behind, which may be more than are at hand, and read on."""
        kept = self.octets[at:]
        self._skip(at - len(self.octets))
        octets = np.empty(BLOCK_OCTETS, dtype=np.uint8)
        octets[: len(kept)] = kept
        room = octets.data[len(kept) :]
        count = _fill(self._file, room)
        self.end += count
        self.is_last = count < len(room)
        self.octets = octets[: len(kept) + count]

    def _skip(self, count: int) -> None:
        while count > 0 and (octets := self._file.read(min(count, BLOCK_OCTETS))):
            count -= len(octets)
            self.end += len(octets)


def _fill(file: File, room: memoryview) -> int:
    """Read until the room is full or the file ends; a pipe gives less at a time."""
    count = 0
    while count < len(room) and (got := file.readinto(room[count:])):
        count += got
    return count
