"""What every line usually sends, by hour of the week: learnt from the stream, in bounded memory.

Hours are counted in UTC. Japan has no daylight saving time, so an hour of the week in UTC is one in JST as well, and no
week is an hour longer or shorter than another.

An octet count is kept as its logarithm in one octet, nine per cent a step, since what is unusual is a factor and not a
difference: five weeks of a line are 840 octets.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sekisho.core.errors import InputError
from sekisho.schema.baseline import BASELINE
from sekisho.schema.line_target import BLOCK_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

HOUR_MS = 3_600_000
DAY, WEEK = 24, 168
"""Hours."""

WEEKS_KEPT = 5
"""The hour that runs and four of the same hour of the week before it."""

KEPT = WEEKS_KEPT * WEEK

LINES_LEARNT = 200_000
"""Lines learnt at most, 168 MB; others are counted and not learnt until some of these were silent for five weeks."""

SETTLE_MS = 300_000
"""How long after its end ten minutes are summed. Records of flow caches that report later than that are missed, so a
line behind an exporter with a long active timeout is learnt a little low, each week alike."""

OUTAGE_SHARE = 0.5
"""Lines seen in an hour over lines seen in the hour before, below which the hour is an outage and teaches nothing."""

_LEAST = 10
"""Octets below 2 ** 10 an hour are as good as none."""
_STEPS = 8
"""Steps an octave."""
_UNKNOWN = 0
_NONE = 1

_FORMAT = 1


class WindowRows(Protocol):
    """What is learnt from."""

    def line_window(self, *, lines: NDArray[np.int64] | None, since_ms: int, columns: Collection[str]) -> pa.Table:
        """Rows of LINE_WINDOW."""


class Baseline:
    """Hourly sums of what lines send.

    Args:
        lines_limit: lines learnt at most.

    Attributes:
        lines_refused: lines not learnt because ``lines_limit`` were, counted once an hour each.
        hours_missed: hours that were not learnt: the stream jumped over a part of them, or they were an outage.
    """

    def __init__(self, *, lines_limit: int = LINES_LEARNT) -> None:
        self._limit = lines_limit
        self._lines = np.empty(0, dtype=np.int64)
        self._places = np.empty(0, dtype=np.int64)
        # One row an hour: learning touches a row, and memory is taken as lines appear.
        self._codes = np.zeros((KEPT, lines_limit), dtype=np.uint8)
        self._newest: int | None = None
        self._next_block: int | None = None
        self._sums: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        self._seen_before = 0
        self.lines_refused = 0
        self.hours_missed = 0

    def __len__(self) -> int:
        return len(self._lines)

    def learn(self, at_ms: int, windows: WindowRows) -> None:
        """Sum the ten minutes that are settled at a tick, and at the end of an hour remember it."""
        settled = (at_ms - SETTLE_MS) // BLOCK_MS
        if self._next_block is None:
            # The hour that runs at the start is seen in part only.
            self._next_block = -(-at_ms // HOUR_MS) * HOUR_MS // BLOCK_MS
        if settled - self._next_block > 1:
            self._jump(settled)
        elif settled > self._next_block:
            self._sum(self._next_block, windows)
            self._next_block += 1
            if self._next_block * BLOCK_MS % HOUR_MS == 0:
                self._remember(self._next_block * BLOCK_MS // HOUR_MS - 1)

    def for_lines(self, lines: Sequence[int], at_ms: int) -> pa.Table:
        """Rows of ``BASELINE`` for the hour of a time and the hour before it."""
        wanted = np.unique(np.asarray(lines, dtype=np.int64))
        known = wanted[np.isin(wanted, self._lines, assume_unique=True)]
        places = self._places[np.searchsorted(self._lines, known)]
        hour = at_ms // HOUR_MS
        parts = [self._usual(known, places, each) for each in (hour - 1, hour)]
        return pa.concat_tables(parts)

    def remember(self, hour: int, lines: NDArray[np.int64], octets: NDArray[np.float64]) -> None:
        """Learn a whole hour at once; one that is not newer than what was learnt changes nothing.

        Args:
            hour: hours since 1970, UTC.
            lines: each that sent, once, in ascending order.
            octets: what it sent.
        """
        is_outage = len(lines) < OUTAGE_SHARE * self._seen_before
        # An outage of many hours is one as well; what stays away for a day is the new number of lines.
        self._seen_before = max(len(lines), int(self._seen_before * OUTAGE_SHARE)) if is_outage else len(lines)
        if self._newest is not None and hour <= self._newest:
            return
        self._forget(hour)
        if is_outage:
            self.hours_missed += 1
            return
        codes = self._codes[hour % KEPT]
        codes[self._places] = _NONE
        places = self._places_of(lines)
        codes[places[places >= 0]] = _codes_of(octets[places >= 0])

    def save(self, path: Path) -> None:
        """Write everything to a Parquet file, which is there whole or as it was before."""
        columns = {
            "line": pa.array(self._lines, pa.int64()),
            "codes": pa.FixedSizeListArray.from_arrays(pa.array(self._codes[:, self._places].T.ravel()), KEPT),
        }
        about = {"format": _FORMAT, "newest_hour": self._newest, "seen_before": self._seen_before}
        table = pa.table(columns).replace_schema_metadata({"sekisho.baseline": json.dumps(about)})
        beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            with beside.open("wb") as file:
                pq.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, *, lines_limit: int = LINES_LEARNT) -> Self:
        """Read what ``save`` wrote; lines beyond the limit are left out.

        Raises:
            InputError: there is no such file, or it is another.
        """
        baseline = cls(lines_limit=lines_limit)
        try:
            with path.open("rb") as file:
                about, lines, codes = _unpacked(pq.read_table(file))
        except OSError as error:
            raise InputError(path, f"expected a baseline, found: {error.strerror or error}") from error
        except (pa.ArrowException, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(path, f"expected a baseline as Sekisho saves it, found: {error}") from error
        baseline._newest, baseline._seen_before = about["newest_hour"], about["seen_before"]
        baseline._lines = lines[:lines_limit]
        baseline._places = np.arange(len(baseline._lines))
        baseline._codes[:, : len(baseline._lines)] = codes[:lines_limit].T
        return baseline

    def _jump(self, settled: int) -> None:
        """The stream went on by more than a block at once: the hours that it jumped over are not learnt."""
        assert self._next_block is not None
        resumed = -(-settled * BLOCK_MS // HOUR_MS) * HOUR_MS // BLOCK_MS
        self.hours_missed += (resumed - self._next_block) * BLOCK_MS // HOUR_MS + bool(self._sums)
        self._next_block, self._sums = resumed, []

    def _sum(self, block: int, windows: WindowRows) -> None:
        columns = ("line", "side", "window_start_ms", "octets")
        rows = windows.line_window(lines=None, since_ms=block * BLOCK_MS, columns=columns)
        line, side, start, octets = (rows.column(name).to_numpy() for name in columns)
        inside = (side == 0) & (line > 0) & (start // BLOCK_MS == block)
        self._sums.append(_added(line[inside], octets[inside]))

    def _remember(self, hour: int) -> None:
        lines, octets = _added(*(np.concatenate(parts) for parts in zip(*self._sums, strict=True)))
        self._sums = []
        self.remember(hour, lines, octets)

    def _forget(self, hour: int) -> None:
        """Make room for an hour: what stands there is five weeks old, and so are the hours that were missed."""
        first = hour if self._newest is None else max(self._newest + 1, hour - KEPT + 1)
        for missed in range(first, hour + 1):
            self._codes[missed % KEPT] = _UNKNOWN
        self._newest = hour

    def _places_of(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """Columns of some lines, -1 where there is no room; new lines get one."""
        new = lines[~np.isin(lines, self._lines, assume_unique=True)]
        if len(new) > self._limit - len(self._lines):
            self._let_go_silent()
        self.lines_refused += max(0, len(new) - (self._limit - len(self._lines)))
        new = new[: self._limit - len(self._lines)]
        free = np.setdiff1d(np.arange(self._limit), self._places, assume_unique=True)[: len(new)]
        all_lines, all_places = np.concatenate((self._lines, new)), np.concatenate((self._places, free))
        order = np.argsort(all_lines)
        self._lines, self._places = all_lines[order], all_places[order]
        at = np.minimum(np.searchsorted(self._lines, lines), max(len(self._lines) - 1, 0))
        return np.where(self._lines[at] == lines, self._places[at], -1)

    def _let_go_silent(self) -> None:
        """Forget lines that sent nothing in all the weeks kept."""
        silent = self._codes[:, self._places].max(axis=0, initial=0) <= _NONE
        self._codes[:, self._places[silent]] = _UNKNOWN
        self._lines, self._places = self._lines[~silent], self._places[~silent]

    def _usual(self, lines: NDArray[np.int64], places: NDArray[np.int64], hour: int) -> pa.Table:
        weeks = self._history(places, [hour - WEEK * k for k in range(1, WEEKS_KEPT)])
        days = self._history(places, [hour - DAY * k for k in range(1, 8)])
        count = (weeks > _UNKNOWN).sum(axis=0)
        enough = count > 0
        weeks, days = weeks[:, enough], days[:, enough]
        known = np.where(weeks > _UNKNOWN, weeks, np.nan)
        median = np.nanmedian(known, axis=0) if enough.any() else np.empty(0)
        deviation = np.nanmedian(np.abs(known - median), axis=0) if enough.any() else np.empty(0)
        second_most = np.sort(days, axis=0)[-2]
        columns = {
            "line": lines[enough],
            "hour_start_ms": np.full(int(enough.sum()), hour * HOUR_MS, dtype=np.int64),
            "weeks": count[enough].astype(np.int64),
            "usual_octets": _octets_of(np.maximum(median, second_most)),
            # 1.4826 median deviations are a standard deviation where the logarithm is normally distributed.
            "spread": 1.4826 * deviation / _STEPS,
        }
        return pa.table(columns).cast(BASELINE.arrow_schema())

    def _history(self, places: NDArray[np.int64], hours: Sequence[int]) -> NDArray[np.float64]:
        """(hours, lines) codes; unknown where an hour is not learnt or no longer kept."""
        newest = self._newest if self._newest is not None else -KEPT
        rows = [
            self._codes[hour % KEPT, places] if newest - KEPT < hour <= newest else np.zeros(len(places), np.uint8)
            for hour in hours
        ]
        return np.array(rows, dtype=np.float64)


def _unpacked(table: pa.Table) -> tuple[dict[str, Any], NDArray[np.int64], NDArray[np.uint8]]:
    """What was saved beside the rows, the lines, and (lines, KEPT) codes."""
    about = json.loads((table.schema.metadata or {})[b"sekisho.baseline"])
    if about["format"] != _FORMAT:
        raise ValueError(f"format {about['format']}")
    codes = table.column("codes").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return about, table.column("line").to_numpy(), codes.reshape(table.num_rows, KEPT)


def _added(lines: NDArray[np.int64], octets: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each line once, with the sum of its octets."""
    each, index = np.unique(lines, return_inverse=True)
    return each, np.bincount(index, weights=octets, minlength=len(each)).astype(np.float64)


def _codes_of(octets: NDArray[np.float64]) -> NDArray[np.uint8]:
    steps = np.rint(_STEPS * (np.log2(np.maximum(octets, 2.0**_LEAST)) - _LEAST))
    codes: NDArray[np.uint8] = np.minimum(_NONE + steps, 255).astype(np.uint8)
    return codes


def _octets_of(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    octets: NDArray[np.float64] = 2.0 ** (_LEAST + (codes - _NONE) / _STEPS)
    return octets
