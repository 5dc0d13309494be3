"""The windows of a run: flows in, rows of line_window and line_target out."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sekisho.core.kernels import warm
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW, WINDOW_MS
from sekisho.windows import arena, fold, read
from sekisho.windows import series as series_rows
from sekisho.windows.ahead import LINE_CELLS
from sekisho.windows.columns import TARGET_COLUMNS, WINDOW_COLUMNS
from sekisho.windows.conditions import conditions
from sekisho.windows.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from sekisho.schema.batch import FlowBatch
    from sekisho.schema.table import Table
    from sekisho.windows.columns import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What changed since the last tick.

    Attributes:
        lines: (n,) int64, sorted; lines with a window or block that changed.
        since_ms: start of the earliest window that changed, milliseconds UTC; the tick itself where none did.
    """

    lines: NDArray[np.int64]
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What some lines sent, window by window, and in how many windows they were seen.

    Attributes:
        rows: rows of ``LINE_WINDOW`` of side 0, sorted by line and window.
        sent, received: (lines,) int64, windows of either side of each line.
    """

    rows: pa.Table
    sent: NDArray[np.int64]
    received: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one boundary has seen of one side of a line since the line appeared; estimates."""

    boundary: int
    records: float
    packets: float
    octets: float


class Windows:
    """Folds flows and hands out what the detectors read.

    Args:
        active_cap_ms: (exporters,) int64, longest time that a record may cover, by exporter code, milliseconds.
        lateness_ms: (exporters,) int64, how long a window stays open behind the clock, milliseconds.
        limits: how much is held at most.
    """

    def __init__(
        self,
        *,
        active_cap_ms: NDArray[np.int64],
        lateness_ms: NDArray[np.int64],
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._arena_and_entries: arena.Arena
        self.set_exporters(active_cap_ms=active_cap_ms, lateness_ms=lateness_ms)

    def set_exporters(self, *, active_cap_ms: NDArray[np.int64], lateness_ms: NDArray[np.int64]) -> None:
        """Take over both arrays by exporter code, as exporters appear."""
        self._active_cap_ms = np.array(active_cap_ms, dtype=np.int64)
        self._lateness_ms = np.array(lateness_ms, dtype=np.int64)

    def start(self) -> None:
        """Compile the kernels and reserve the memory."""
        warm((fold.KERNELS, series_rows.KERNELS, read.KERNELS))
        keys = (secrets.randbits(63), secrets.randbits(63), secrets.randbits(63))
        self._arena_and_entries = arena.new_arena(self._limits, keys=keys)

    def fold(self, batch: FlowBatch) -> None:
        """Add the flows of an attributed batch.

        Raises:
            ValueError: an exporter that ``set_exporters`` does not know.
        """
        if not len(batch):
            return
        known = min(len(self._active_cap_ms), len(self._lateness_ms))
        if int(batch.column("exporter").max()) >= known:
            raise ValueError(f"a record of an exporter whose timeouts are not known (codes below {known} are)")
        flows = (batch.cells, batch.cells.view(np.float64), batch.length)
        into = self._arena_and_entries
        fold.fold(into.memory, into.sums, *flows, self._active_cap_ms, self._lateness_ms)

    def tick(self, clock_ms: int) -> Touched:
        """Set the clock, let go what is older than the horizon, and say what changed since the last tick.

        Args:
            clock_ms: stream time; every record received until then is folded.
        """
        memory, sums = self._arena.memory, self._arena.sums
        fold.tick(memory, sums, clock_ms)
        begin = memory[arena.TOUCHED_AT]
        series = memory[begin : begin + memory[arena.TOUCHED]]
        lines = np.sort(memory[series + arena.SERIES_LINE])
        lines = lines[np.diff(lines, prepend=lines[:1] - 1) != 0]
        earliest = memory[series + arena.SERIES_TOUCHED].min(initial=clock_ms // WINDOW_MS + 1) - 1
        series_rows.forget_touched(memory)
        return Touched(lines=lines, since_ms=int(earliest) * WINDOW_MS)

    def line_window(
        self, *, lines: NDArray[np.int64] | None = None, since_ms: int = 0, columns: Collection[str] = LINE_WINDOW.names
    ) -> pa.Table:
        """Rows of ``LINE_WINDOW`` whose window ends after ``since_ms``, sorted by line, side and window.

        Each side of a line stands at its primary boundary: the one that has seen the most octets of it so far.

        Args:
            lines: keys of the lines wanted, None = all.
            since_ms: milliseconds UTC.
            columns: names of those wanted; a tick that touched every line needs six of them.
        """
        series, counts, rows = self._window_rows(self._wanted(lines), since_ms, sides=2)
        return self._table(LINE_WINDOW, WINDOW_COLUMNS, columns, series, counts, rows)

    def sent_windows(self, *, lines: NDArray[np.int64], since_ms: int, columns: Collection[str]) -> Sent:
        """Rows of ``LINE_WINDOW`` of side 0, and in how many windows either side of each line was seen.

        Args:
            lines: keys of the lines wanted, ascending.
            since_ms: milliseconds UTC.
            columns: names of those wanted.
        """
        series, counts, rows = self._window_rows(lines, since_ms, sides=1)
        sent, received = counts[arena.OUT :: 2], counts[arena.IN :: 2]
        table = self._table(LINE_WINDOW, WINDOW_COLUMNS, columns, series[arena.OUT :: 2], sent, rows)
        return Sent(rows=table, sent=sent, received=received)

    def line_target(
        self,
        *,
        lines: NDArray[np.int64] | None = None,
        since_ms: int = 0,
        columns: Collection[str] = LINE_TARGET.names,
        where: tuple[str, ...] = (),
    ) -> pa.Table:
        """Rows of ``LINE_TARGET`` whose block ends after ``since_ms``, sorted by line, block and first record.

        Each line stands at the primary boundary of what it sends.

        Args:
            lines: keys of the lines wanted, None = all.
            since_ms: milliseconds UTC.
            columns: names of those wanted.
            where: ``conditions`` of which a row has to meet one, () = every row.
        """
        memory, sums = self._arena.memory, self._arena.sums
        kept = conditions(where)
        groups, ends = (np.empty(memory[arena.GROUPS + arena.LIVE], dtype=np.int64) for _ in range(2))
        count = read.select_groups(memory, sums, self._wanted(lines), since_ms, groups, ends)
        groups, ends = groups[:count], ends[:count]
        counts, rows = np.empty(count, dtype=np.int64), np.empty(ends[-1] if count else 0, dtype=np.int64)
        lanes = np.empty(read.TOGETHER * read.LANE_CELLS, dtype=np.int64)
        count = read.select_pairs(memory, sums, groups, ends, kept.cells, kept.factors, lanes, rows, counts)
        return self._table(LINE_TARGET, TARGET_COLUMNS, columns, groups, counts, rows[:count])

    def late_totals(self, *, lines: NDArray[np.int64]) -> pa.Table:
        """What came too late for its windows since the line appeared: line, boundary, side, records, packets, octets.

        Estimates; each side of a line at its primary boundary, sides without any late traffic left out.
        """
        memory, sums = self._arena.memory, self._arena.sums
        sides = [(line, side) for line in np.unique(lines) for side in (arena.OUT, arena.IN)]
        series = np.array([read.primary(memory, sums, line, side) for line, side in sides], dtype=np.int64)
        series = series[(series != 0) & (sums[series + arena.LATE_RECORDS] > 0.0)]
        place = memory[series + arena.SERIES_PLACE]
        columns = {"line": memory[series + arena.SERIES_LINE], "boundary": place // 2, "side": place % 2}
        late = {"records": arena.LATE_RECORDS, "packets": arena.LATE_PACKETS, "octets": arena.LATE_OCTETS}
        return pa.table(columns | {name: sums[series + cell] for name, cell in late.items()})

    def boundaries_of(self, line: int, side: int) -> tuple[Seen, ...]:
        """What each boundary has seen of a line's side (0 sent, 1 received); the primary one first."""
        memory, sums = self._arena.memory, self._arena.sums
        seen = []
        series = series_rows.first_series(memory, line)
        while series:
            boundary, its_side = divmod(int(memory[series + arena.SERIES_PLACE]), 2)
            if its_side == side:
                records, packets, octets = sums[series + arena.SERIES_RECORDS :][:3].tolist()
                seen.append(Seen(boundary=boundary, records=records, packets=packets, octets=octets))
            series = memory[series + arena.SERIES_NEXT]
        return tuple(sorted(seen, key=lambda s: (-s.octets, s.boundary)))

    def sent_lately(self, *, lines: NDArray[np.int64], since_ms: int) -> NDArray[np.bool_]:
        """Which of the lines (ascending) sent anything that a record told of since then, as far as windows go back."""
        _, counts, _ = self._window_rows(lines, since_ms, sides=1)
        return np.asarray(counts[arena.OUT :: 2] > 0)

    def lines_by_exporter(self) -> Counter[int]:
        """How many lines' outbound traffic each exporter told of last, by its code; lines at two count at both."""
        series = self._arena.rows_of(arena.SERIES)
        series = series[(series[:, arena.SERIES_LINE] > 0) & (series[:, arena.SERIES_PLACE] % 2 == arena.OUT)]
        pairs = np.unique(series[:, [arena.SERIES_EXPORTER, arena.SERIES_LINE]], axis=0)
        exporters, counts = np.unique(pairs[:, 0], return_counts=True)
        return Counter(dict(zip(exporters.tolist(), counts.tolist(), strict=True)))

    def exporter_of(self, line: int) -> int | None:
        """Code of the exporter that last reported what a line sent, at its primary boundary; None without any."""
        series = read.primary(self._arena.memory, self._arena.sums, line, arena.OUT)
        return int(self._arena.memory[series + arena.SERIES_EXPORTER]) if series else None

    @property
    def late(self) -> int:
        """Records of which a part came after its window was closed."""
        return int(self._arena.memory[arena.LATE])

    @property
    def dropped(self) -> Counter[str]:
        """What a limit kept out or let go early, by reason."""
        return Counter({name: int(self._arena.memory[cell]) for name, cell in _DROPPED.items()})

    @property
    def _arena(self) -> arena.Arena:
        """The arena as readers see it: no entry waits any longer."""
        arena_and_entries = self._arena_and_entries
        fold.fold_staged(arena_and_entries.memory, arena_and_entries.sums)
        return arena_and_entries

    def _window_rows(
        self, lines: NDArray[np.int64], since_ms: int, *, sides: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Series and number of rows of both sides of each line, and the rows of so many of the sides."""
        memory, sums = self._arena.memory, self._arena.sums
        series, counts = (np.empty(2 * len(lines), dtype=np.int64) for _ in range(2))
        rows = np.empty(memory[arena.WINDOWS + arena.LIVE], dtype=np.int64)
        count = read.select_windows(memory, sums, lines, sides, since_ms, series, counts, rows)
        return series, counts, rows[:count]

    def _table(
        self,
        table: Table,
        sources: Mapping[str, Source],
        names: Collection[str],
        owners: NDArray[np.int64],
        counts: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> pa.Table:
        """Copy of some columns of the rows at these places, of which each owner has so many in turn."""
        memory = self._arena.memory
        schema = pa.schema([field for field in table.arrow_schema() if field.name in names])
        in_rows = [name for name in schema.names if not sources[name].is_owners]
        cells = np.empty((len(in_rows), len(rows)), dtype=np.int64)
        offsets = np.array([sources[name].cell for name in in_rows], dtype=np.int64)
        read.gather(memory, rows, offsets, np.unique(offsets // LINE_CELLS * LINE_CELLS), cells)
        arrays = []
        for field in schema:
            source, kind = sources[field.name], field.type.to_pandas_dtype()
            if source.is_owners:
                values = np.repeat(np.asarray(source.value(memory, owners), kind), counts)
            else:
                values = np.asarray(source.value(memory, cells[in_rows.index(field.name)]), kind)
            arrays.append(pa.array(values, field.type))
        return pa.Table.from_arrays(arrays, schema=schema)

    def _wanted(self, lines: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return self._lines() if lines is None else _ascending(lines)

    def _lines(self) -> NDArray[np.int64]:
        lines: NDArray[np.int64] = np.unique(self._arena.rows_of(arena.SERIES)[:, arena.SERIES_LINE])
        return np.asarray(lines[lines != 0])


_DROPPED = {
    "series_limit": arena.NO_SERIES,
    "window_limit": arena.NO_WINDOW_ROW,
    "window_limit_early": arena.EARLY_WINDOWS,
    "pair_limit": arena.NO_PAIR_ROW,
    "pair_limit_early": arena.EARLY_BLOCKS,
    "answer_limit": arena.NO_ANSWER_PLACE,
}
"""Reason -> counter. ``*_early``: rows that left before their time to make room; the rest: shares not folded,
answers settled before their wait was over."""


def _ascending(lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each line once; most callers hand them over so, and sorting costs more than a look."""
    return lines if np.all(lines[1:] > lines[:-1]) else np.unique(lines)
