"""How long flows are kept: all of them for hours, those of lines at watch and above for days."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sekisho.store.columns import Rows, numpy_of
from sekisho.store.commits import commit, live_files, read_commits
from sekisho.store.layout import HOUR_MS, new_name
from sekisho.store.parquet import read_flows, write_flows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.store.layout import Layout
    from sekisho.store.parquet import FlowFile

LinesToKeep = Callable[[], Collection[int]]
"""Keys of the lines whose flows are kept longer."""


def no_lines() -> Collection[int]:
    """Nobody's flows are kept longer."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Both clocks, counted from the end of the hour of reception.

    Attributes:
        raw_ms: every flow.
        kept_ms: flows of lines at watch and above.
    """

    raw_ms: int
    kept_ms: int


DEFAULT_RETENTION = Retention(raw_ms=24 * HOUR_MS, kept_ms=14 * 24 * HOUR_MS)
"""A day answers what was noticed yesterday; two weeks cover the time until a subscriber answers a letter."""


class Expiry:
    """Removes what is too old; what is kept longer is written anew, with its own lines' flows alone."""

    def __init__(self, layout: Layout, *, retention: Retention, lines_to_keep: LinesToKeep) -> None:
        self._layout, self._retention, self._lines_to_keep = layout, retention, lines_to_keep

    def run(self, now_ms: int) -> tuple[int, int]:
        """Let old files go; how many, and how many rows of them are kept on.

        Raises:
            OSError: the disk refuses.
        """
        files = live_files(read_commits(self._layout))
        due = [file for file in files if file.hour_ms + HOUR_MS + self._age_ms(file) <= now_ms]
        if not due:
            return 0, 0
        keys = np.array(sorted(self._lines_to_keep()), np.int64)
        name = new_name(now_ms)
        kept: list[FlowFile] = []
        for number, file in enumerate(due):
            if len(keys) and not _is_kept(file):
                kept += self._kept_rows(file, keys, f"{name}-{number}")
        commit(self._layout, name, [file.path for file in due], kept)
        return len(due), sum(file.rows for file in kept)

    def _age_ms(self, file: FlowFile) -> int:
        return self._retention.kept_ms if _is_kept(file) else self._retention.raw_ms

    def _kept_rows(self, file: FlowFile, keys: NDArray[np.int64], name: str) -> list[FlowFile]:
        path = file.place(self._layout.root)
        if not path.exists():
            return []
        rows = Rows(batch.filter(_of_lines(batch, keys)) for batch in read_flows(path))
        return list(write_flows(rows, self._layout.root, folder="kept", name=name)) if len(rows) else []


def _of_lines(batch: pa.RecordBatch, keys: NDArray[np.int64]) -> pa.Array:
    """Which rows one of the lines sent or received."""
    src, dst = (numpy_of(batch.column(name)) for name in ("src_line", "dst_line"))
    return pa.array(np.isin(src, keys) | np.isin(dst, keys))


def _is_kept(file: FlowFile) -> bool:
    return file.path.startswith("kept/")
