"""A text file that another program appends to, replaces or cuts: read where the last reading ended."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

READ_OCTETS = 4 << 20
"""Read at once: bounds what one poll may answer."""


@dataclass(slots=True)
class GrowingFile:
    """What came since the last reading.

    Attributes:
        inode, offset: which file was read, and up to where; 0 = from its beginning.
        cut: times that the file was cut short or replaced before its end was read.
    """

    path: Path
    inode: int = 0
    offset: int = 0
    cut: int = 0
    _rotated_from: int = -1

    @property
    def position(self) -> str:
        """For the next start."""
        return f"{self.inode}:{self.offset}"

    @position.setter
    def position(self, text: str) -> None:
        inode, _, offset = text.partition(":")
        self.inode, self.offset = int(inode or 0), int(offset or 0)

    def read(self) -> bytes:
        """The next octets, at most ``READ_OCTETS``; whoever takes only a part calls ``give_back``.

        A file that was renamed and begun anew is read on from the beginning of the new one: the rest of the old one is
        looked for beside it, as ``logrotate`` leaves it.

        Raises:
            InputError: the file cannot be read.
        """
        try:
            rest = self._rest_of_rotated()
            if rest:
                return rest
            with self.path.open("rb") as file:
                state = os.fstat(file.fileno())
                if self.inode != state.st_ino:
                    self.inode, self.offset = state.st_ino, 0
                elif state.st_size < self.offset:
                    self.cut += 1
                    self.offset = 0
                file.seek(self.offset)
                octets = file.read(READ_OCTETS)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise InputError(self.path, f"expected a file that can be read, found: {error.strerror}") from error
        self.offset += len(octets)
        return octets

    def give_back(self, octets: int) -> None:
        """The last so many octets are not complete yet: they come again."""
        self.offset -= octets

    def _rest_of_rotated(self) -> bytes:
        """What is left of the file that was read before, if it was renamed."""
        if not self.inode or (self.path.exists() and self.path.stat().st_ino == self.inode):
            return b""
        rotated = (path for path in self.path.parent.glob(f"{self.path.name}*") if path.stat().st_ino == self.inode)
        path = next(rotated, None)
        if path is None:
            self.cut += 1
            return b""
        with path.open("rb") as file:
            file.seek(self.offset)
            octets = file.read(READ_OCTETS)
        if octets and self._rotated_from == self.offset:
            # Nobody writes to it any more, and what is left is no whole record.
            self.cut += 1
            return b""
        self._rotated_from = self.offset
        self.offset += len(octets)
        return octets
