"""In how many windows each line was seen to send and to receive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SENT, _RECEIVED, _TURN = range(3)


class Seen:
    """Counts by line, in arrays: a tick adds tens of thousands of lines at once.

    Args:
        limit: lines remembered; the longest silent leave first.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._turn = 0
        self._lines = np.empty(0, dtype=np.int64)
        self._counts = np.empty((0, 3), dtype=np.int64)

    def add(self, lines: NDArray[np.int64], sent: NDArray[np.int64], received: NDArray[np.int64]) -> None:
        """Add the windows of (n,) distinct lines in ascending order."""
        self._turn += 1
        self._make_room(lines)
        rows = np.searchsorted(self._lines, lines)
        self._counts[rows, _SENT] += sent
        self._counts[rows, _RECEIVED] += received
        self._counts[rows, _TURN] = self._turn
        self._forget()

    def of(self, line: int) -> tuple[int, int]:
        """Windows that a line sent and received in; none where it is not remembered."""
        row = int(np.searchsorted(self._lines, line))
        if row == len(self._lines) or self._lines[row] != line:
            return 0, 0
        return int(self._counts[row, _SENT]), int(self._counts[row, _RECEIVED])

    def steady(self, *, least: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Some of the lines that sent in so many windows at least, and whether each was seen to receive."""
        rows = np.flatnonzero(self._counts[:, _SENT] >= least)
        rows = rows[:: -(-len(rows) // most) or 1]
        return self._lines[rows], self._counts[rows, _RECEIVED] > 0

    def _make_room(self, lines: NDArray[np.int64]) -> None:
        new = np.setdiff1d(lines, self._lines, assume_unique=True)
        if len(new):
            before = np.searchsorted(self._lines, new)
            self._lines = np.insert(self._lines, before, new)
            self._counts = np.insert(self._counts, before, 0, axis=0)

    def _forget(self) -> None:
        if (excess := len(self._lines) - self._limit) > 0:
            silent = np.argsort(self._counts[:, _TURN], kind="stable")[:excess]
            self._lines = np.delete(self._lines, silent)
            self._counts = np.delete(self._counts, silent, axis=0)
