"""Detection over time: at each tick the touched lines are looked at, and what was found becomes detections.

A tick first screens every touched line by its windows alone, with one statement; only lines that may interest a
detector, or that have an episode already, are looked at with their targets. A line on which something new opens is
looked at once more over the whole horizon, so that the episode begins where the behaviour began and not where it was
proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from sekisho.detect import weak
from sekisho.detect.episodes import Track
from sekisho.detect.events import FLOODS, JointRates, gather, main_target, network_of
from sekisho.detect.judged import Verdicts
from sekisho.detect.level import LineInfo
from sekisho.detect.question import (
    any_of_each,
    candidates,
    columns_named,
    params_table,
    screen_sql,
    targets,
    two_way_table,
)
from sekisho.detect.registry import DETECTORS
from sekisho.detect.seen import Seen
from sekisho.detect.ways import two_way_exporters
from sekisho.detect.weak import WeakLines
from sekisho.schema.detection import Quality
from sekisho.schema.line_target import BLOCK_MS, LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW
from sekisho.schema.subject import INTERFACE_BELOW, is_address, is_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from sekisho.detect.detector import Detector
    from sekisho.detect.episodes import Network, Window
    from sekisho.query.engine import Engine
    from sekisho.schema.detection import Detection, Event

HORIZON_MS = 3_600_000
"""How far back a window can still change a verdict; the window tables keep ten minutes more."""

REVISE_EVERY_MS = 30_000
"""Stream time between two looks at an episode that runs: nothing new is decided there, and a look costs what a hundred
quiet lines cost."""

LINES_REMEMBERED = 1_000_000
"""Lines of which it is remembered how much they receive; the longest silent leave first."""

TRACKS_KEPT = 200_000
"""Tracks of ended episodes held at most; the longest ended leave first and are counted."""

RATES_KEPT_MS = 25 * 3_600_000
"""How long the joint rates of events are remembered beyond the horizon: an event of a day keeps its peak."""

TWO_WAY_SHARE = 0.2
"""Windows with received traffic a window with sent traffic: less is a stray neighbour on a one-way export."""


_WEAK = "weak"
"""Column of the screen for lines that are nothing by themselves."""

_NO_LINES = np.empty(0, dtype=np.int64)
_NEVER = 1 << 62


class Report(NamedTuple):
    """What was found until the last tick."""

    detections: list[Detection]
    events: list[Event]


class Remembered(NamedTuple):
    """What a run knows besides its tracks, as rows of plain values: shares of weak lines, joint rates of events."""

    weak: list[list[Any]]
    rates: list[list[Any]]


class Input(Protocol):
    """A further table that detectors read, such as indicators."""

    def __call__(self, lines: Sequence[int], at_ms: int, /) -> pa.Table:
        """Its rows for some lines at a time; always of the same columns."""


class Learner(Protocol):
    """What takes the windows in as they come, such as a baseline."""

    def learn(self, at_ms: int, windows: WindowTables, /) -> None:
        """Look at the windows at a tick."""


class Touched(Protocol):
    """What changed since the last tick."""

    @property
    def lines(self) -> NDArray[np.int64]:
        """Lines with a changed window or block."""

    @property
    def since_ms(self) -> int:
        """Start of the earliest changed window."""


class Sent(Protocol):
    """What lines sent, and in how many windows they were seen."""

    @property
    def rows(self) -> pa.Table:
        """Rows of LINE_WINDOW of side 0, sorted by line."""

    @property
    def sent(self) -> NDArray[np.int64]:
        """Windows that each line sent in."""

    @property
    def received(self) -> NDArray[np.int64]:
        """Windows that each line received in."""


class WindowTables(Protocol):
    """The two tables as ``windows/table.py`` keeps them."""

    def tick(self, clock_ms: int) -> Touched:
        """Advance the stream clock."""

    def sent_windows(self, *, lines: NDArray[np.int64], since_ms: int, columns: Collection[str]) -> Sent:
        """Rows of LINE_WINDOW that were sent, and in how many windows lines were seen."""

    def line_window(
        self, *, lines: NDArray[np.int64] | None, since_ms: int, columns: Collection[str] = LINE_WINDOW.names
    ) -> pa.Table:
        """Rows of LINE_WINDOW."""

    def line_target(
        self,
        *,
        lines: NDArray[np.int64] | None,
        since_ms: int,
        columns: Collection[str] = LINE_TARGET.names,
        where: tuple[str, ...] = (),
    ) -> pa.Table:
        """Rows of LINE_TARGET that meet one of the conditions."""

    def exporter_of(self, line: int) -> int | None:
        """Code of the exporter that last reported a line."""


class Detect:
    """Detections of a run.

    Args:
        engine: runs the detectors' SQL.
        detectors: rows of the registry, and the operator's own.
        overrides: detector -> threshold -> number, as in ``[detect]`` of the configuration.
        line_info: what is known about a line; None = a home without a contracted speed.
        quality: (exporter, first ms, last ms) -> how far its data of that time can be trusted.
        inputs: further tables by name, for some lines at a time; a detector is on where all that it asks for are given.
        learner: told at every tick, before anything is judged.

    Raises:
        ValueError: an override names no detector or no threshold.

    Attributes:
        episodes_dropped: tracks forgotten because ``TRACKS_KEPT`` were held.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        detectors: Sequence[Detector] = DETECTORS,
        overrides: Mapping[str, Mapping[str, float]] | None = None,
        line_info: Callable[[int], LineInfo | None] = lambda _: None,
        quality: Callable[[int | None, int, int], Quality] = lambda *_: Quality(),
        inputs: Mapping[str, Input] | None = None,
        learner: Learner | None = None,
    ) -> None:
        self._engine = engine
        self._inputs = dict(inputs or {})
        self._learner = learner
        overridden = _overridden(detectors, overrides or {})
        self._detectors = tuple(detector for detector in overridden if {*detector.inputs} <= {*self._inputs})
        self._screen_sql = screen_sql({d.name: d.least(d.screen) for d in self._detectors} | {_WEAK: weak.SCREEN})
        self._suspects_sql = [detector.least(detector.suspects) for detector in self._detectors]
        self._pairs = {d.name: tuple(map(d.least, d.pairs)) for d in self._detectors}
        self._line_info = line_info
        self._quality = quality
        self._tracks: dict[tuple[int, str], Track] = {}
        self._changed: set[tuple[int, str]] = set()
        self._verdicts = Verdicts(self._info, self._quality)
        self._waiting: dict[str, dict[int, int]] = {detector.name: {} for detector in self._detectors}
        self._weak = WeakLines(engine)
        self._weak_waiting, self._weak_from_ms = [_NO_LINES], _NEVER
        self._rates = JointRates()
        self._seen = Seen(LINES_REMEMBERED)
        self._two_way_exporters: frozenset[int | None] = frozenset()
        self._exporter_of: Callable[[int], int | None] = lambda _: None
        self._settled_block = 0
        self.episodes_dropped = 0

    def tick(self, at_ms: int, windows: WindowTables) -> None:
        """Judge every line that was touched since the last tick, as of a stream time in milliseconds UTC."""
        touched = windows.tick(at_ms)
        if self._learner is not None:
            self._learner.learn(at_ms, windows)
        if len(touched.lines):
            from_ms = touched.since_ms // BLOCK_MS * BLOCK_MS
            wanted = self._screen(windows, touched, from_ms, at_ms)
            for detector, lines in zip(self._detectors, wanted, strict=True):
                self._look_at_due(detector, lines, windows, from_ms=from_ms, at_ms=at_ms)
            if at_ms % REVISE_EVERY_MS == 0:
                self._look_at_weak(windows, at_ms, opens=True)
        self._settle(at_ms)

    def finish(self, at_ms: int, windows: WindowTables) -> None:
        """Bring running episodes up to the last tick; nothing opens here that the next tick would have opened."""
        for detector in self._detectors:
            due = self._waiting[detector.name]
            waiting = {line: from_ms for line, from_ms in due.items() if self._is_tracked(line, detector)}
            if waiting:
                from_ms = min(waiting.values())
                self._look(detector, sorted(waiting), windows, from_ms=from_ms, at_ms=at_ms + 1, revises=True)
            for line in waiting:
                track = self._tracks[line, detector.name]
                track.episodes = [episode for episode in track.episodes if episode.detected_at_ms <= at_ms]
            due.clear()
        self._look_at_weak(windows, at_ms, opens=False)

    def report(self) -> Report:
        """Every episode as of the last tick, by first_seen, line_id and kind, and the events they are part of."""
        found: list[Detection] = []
        windows: list[tuple[Network, Window]] = []
        for episode, detection in self._verdicts.of(self._tracks):
            found.append(detection)
            if target := main_target(detection):
                windows += [(network_of(target), window) for window in episode.windows]
        found += [d for d in self._weak.detections(self._info, self._quality) if not self._stands_alone(d)]
        found.sort(key=lambda d: (d.first_seen_ms, d.line_id, d.line, d.kind))
        return Report(*gather(found, self._rates, windows))

    def detections(self) -> list[Detection]:
        """Those of the report."""
        return self.report().detections

    def _stands_alone(self, share: Detection) -> bool:
        """Whether a weak line's share lies in an episode that it has by itself."""
        track = self._tracks.get((share.line, share.kind))
        episodes = track.episodes if track is not None else []
        return any(e.first_ms <= share.last_seen_ms and share.first_seen_ms <= e.last_ms for e in episodes)

    def octets_by_window(self) -> dict[tuple[str, str], dict[int, float]]:
        """(line_id, kind) -> window start -> estimated octets, of the windows that may still be revised."""
        return {
            (self._info(line).line_id, kind): {
                window.start_ms: window.octets for episode in track.episodes for window in episode.windows
            }
            for (line, kind), track in self._tracks.items()
            if is_line(line)
        }

    def episode_windows(self) -> Iterator[tuple[int, str, Iterator[Window]]]:
        """(line, kind, windows) of every track, the windows that may still be revised."""
        for (line, kind), track in self._tracks.items():
            yield line, kind, (window for episode in track.episodes for window in episode.windows)

    def take_changes(self) -> Iterator[tuple[int, str, Track | None]]:
        """(line, kind, track) of what changed since the last call; None where a track was forgotten."""
        changed, self._changed = self._changed, set()
        for line, kind in sorted(changed):
            yield line, kind, self._tracks.get((line, kind))

    def changed_again(self, keys: Iterable[tuple[int, str]]) -> None:
        """What was taken could not be kept: it is among the next changes."""
        self._changed.update(keys)

    def remembered(self) -> Remembered:
        """What is known besides the tracks."""
        return Remembered(weak=self._weak.rows(), rates=self._rates.rows())

    def restore(
        self,
        tracks: Iterable[tuple[int, str, Track]],
        remembered: Remembered,
        *,
        at_ms: int,
        rebuilt_from_ms: int,
    ) -> None:
        """Go on where an earlier run stood.

        Args:
            tracks: (line, kind, track); those of detectors that are off by now are left out.
            remembered: the rest.
            at_ms: the last tick of that run.
            rebuilt_from_ms: from here on, at the start of a block, the windows are as they were; what lies before
                cannot change any more.
        """
        for line, kind, track in tracks:
            if kind in self._waiting:
                track.settle(rebuilt_from_ms)
                self._tracks[line, kind] = track
                if track.windows:
                    self._waiting[kind][line] = rebuilt_from_ms
        self._weak.restore(remembered.weak)
        self._rates.restore(remembered.rates)
        self._settled_block = at_ms // BLOCK_MS
        self._changed = set(self._tracks)

    def look_back(self, at_ms: int, windows: WindowTables) -> None:
        """Take note of a tick that an earlier run has judged; nothing is judged again."""
        touched = windows.tick(at_ms)
        if len(touched.lines):
            seen = windows.sent_windows(lines=touched.lines, since_ms=touched.since_ms, columns=())
            self._note_ways(touched.lines, seen, windows, at_ms)

    def subjects(self) -> set[int]:
        """Keys of everything but lines of which something was detected."""
        return {line for line, _ in self._tracks if not is_line(line)}

    def _screen(self, windows: WindowTables, touched: Touched, from_ms: int, at_ms: int) -> list[list[int]]:
        """Lines that each detector is to look at: those that its screen and its suspects let through, or it tracks."""
        columns = columns_named(self._screen_sql, LINE_WINDOW)
        lines = touched.lines
        seen = windows.sent_windows(lines=lines, since_ms=touched.since_ms, columns=columns)
        self._note_ways(lines, seen, windows, at_ms)
        screened = self._engine.run(self._screen_sql, {"line_window": seen.rows})
        tracked = self._tracked(lines)
        wanted = []
        for detector, sql in zip(self._detectors, self._suspects_sql, strict=True):
            let_through = lines[any_of_each(screened.column(detector.name), seen.sent) & _judged_by(detector, lines)]
            if sql and len(let_through):
                tables = self._tables_of_inputs(detector, let_through.tolist(), at_ms)
                let_through = self._suspects(sql, detector, let_through, windows, from_ms - detector.reach_ms, tables)
            wanted.append(sorted({*let_through.tolist(), *tracked[detector.name]}))
        self._weak_waiting.append(lines[any_of_each(screened.column(_WEAK), seen.sent) & (lines > 0)])
        self._weak_from_ms = min(self._weak_from_ms, from_ms)
        return wanted

    def _look_at_weak(self, windows: WindowTables, at_ms: int, *, opens: bool) -> None:
        """Look for targets that many lines hit together."""
        lines, from_ms = np.unique(np.concatenate(self._weak_waiting)), self._weak_from_ms
        self._weak_waiting, self._weak_from_ms = [_NO_LINES], _NEVER
        if len(lines) < weak.LINES:
            return
        tracked = self._weak.lines(from_ms)
        suspects = self._weak_suspects(windows, lines, from_ms)
        if len(suspects) or tracked:
            # Whether a network answers is told by all lines of the block, not by those that were touched just now.
            suspects = self._weak_suspects(windows, None, from_ms)
        infos = [self._info(line) for line in suspects.tolist()]
        two_way = [self._is_two_way(*each) for each in zip(suspects.tolist(), infos, strict=True)]
        columns = columns_named(weak.SQL, LINE_TARGET)
        tables = {
            "line_target": windows.line_target(lines=suspects, since_ms=from_ms, columns=columns, where=weak.PAIRS),
            "params": two_way_table(suspects.tolist(), two_way),
        }
        looked_at = {*lines.tolist(), *tracked}
        self._weak.look(looked_at, tables, from_ms=from_ms, at_ms=at_ms, opens=opens, exporter_of=windows.exporter_of)

    def _weak_suspects(self, windows: WindowTables, lines: NDArray[np.int64] | None, from_ms: int) -> NDArray[np.int64]:
        """Lines (of all: None) that send to a network that enough lines send enough to and that hardly answers any."""
        columns = columns_named(weak.SUSPECTS, LINE_TARGET)
        pairs = windows.line_target(lines=lines, since_ms=from_ms, columns=columns, where=weak.PAIRS)
        found = self._engine.run(weak.SUSPECTS, {"line_target": pairs}).column("line").to_numpy()
        return np.unique(found)

    def _suspects(
        self,
        sql: str,
        detector: Detector,
        lines: NDArray[np.int64],
        windows: WindowTables,
        since_ms: int,
        inputs: Mapping[str, pa.Table],
    ) -> NDArray[np.int64]:
        columns = columns_named(sql, LINE_TARGET)
        line_target = windows.line_target(
            lines=lines, since_ms=since_ms, columns=columns, where=self._pairs[detector.name]
        )
        found: NDArray[np.int64] = (
            self._engine.run(sql, {"line_target": line_target, **inputs}).column("line").to_numpy()
        )
        return found

    def _tracked(self, lines: NDArray[np.int64]) -> dict[str, list[int]]:
        """Those of some lines, sorted, that have a track, by detector."""
        tracked: dict[str, list[int]] = {detector.name: [] for detector in self._detectors}
        for line, name in self._tracks:
            tracked[name].append(line)
        return {
            name: np.intersect1d(np.array(keys, dtype=np.int64), lines, assume_unique=True).tolist()
            for name, keys in tracked.items()
        }

    def _look_at_due(
        self, detector: Detector, lines: list[int], windows: WindowTables, *, from_ms: int, at_ms: int
    ) -> None:
        """Look at lines on which something may open; what runs already waits for its turn."""
        waiting = self._waiting[detector.name]
        revises = at_ms % REVISE_EVERY_MS == 0
        if not revises:
            for line in [line for line in lines if self._is_running(line, detector, at_ms)]:
                waiting[line] = min(from_ms, waiting.get(line, from_ms))
            lines = [line for line in lines if line not in waiting]
        else:
            lines = sorted({*lines, *waiting})
            from_ms = min([from_ms, *waiting.values()])
            waiting.clear()
        if lines:
            self._look(detector, lines, windows, from_ms=from_ms, at_ms=at_ms, revises=revises)

    def _is_tracked(self, line: int, detector: Detector) -> bool:
        return (line, detector.name) in self._tracks

    def _is_running(self, line: int, detector: Detector, at_ms: int) -> bool:
        return self._is_tracked(line, detector) and self._tracks[line, detector.name].is_near(at_ms)

    def _look(
        self,
        detector: Detector,
        lines: list[int],
        windows: WindowTables,
        *,
        from_ms: int,
        at_ms: int,
        revises: bool,
    ) -> None:
        tables = _tables(windows, detector, lines, from_ms) | self._tables_of_inputs(detector, lines, at_ms)
        found = self._candidates(detector, lines, tables, from_ms)
        new = [line for line, rows in found.items() if self._is_new(line, detector, rows)]
        back_ms = min(from_ms, (at_ms - HORIZON_MS) // BLOCK_MS * BLOCK_MS)
        all_tables = (
            _tables(windows, detector, new, back_ms) | self._tables_of_inputs(detector, new, at_ms) if new else {}
        )
        if new:
            found |= self._candidates(detector, new, all_tables, back_ms)
        for line in lines:
            self._revise(line, detector, found.get(line, []), from_ms=from_ms, at_ms=at_ms)
            if track := self._tracks.get((line, detector.name)):
                track.exporter = windows.exporter_of(line)
        if new:
            self._find_targets(detector, new, all_tables, back_ms)
        if found and revises:
            self._find_targets(detector, sorted(found), tables, from_ms)

    def _tables_of_inputs(self, detector: Detector, lines: Sequence[int], at_ms: int) -> dict[str, pa.Table]:
        return {name: self._inputs[name](lines, at_ms) for name in detector.inputs}

    def _candidates(
        self, detector: Detector, lines: list[int], tables: Mapping[str, pa.Table], from_ms: int
    ) -> dict[int, list[Window]]:
        params = self._params(detector, lines)
        return candidates(self._engine, detector, {**tables, "params": params}, from_ms=from_ms)

    def _find_targets(self, detector: Detector, lines: list[int], tables: Mapping[str, pa.Table], from_ms: int) -> None:
        """Note where the traffic of tracked lines went, in every block from a time on."""
        params = self._params(detector, lines)
        for line, blocks in targets(self._engine, detector, {**tables, "params": params}, from_ms=from_ms).items():
            if track := self._tracks.get((line, detector.name)):
                track.blocks.update(blocks)
                self._changed.add((line, detector.name))
                self._verdicts.went_elsewhere((line, detector.name))

    def _is_new(self, line: int, detector: Detector, rows: Sequence[Window]) -> bool:
        track = self._tracks.get((line, detector.name))
        return any(row.opens and (track is None or not track.is_near(row.start_ms)) for row in rows)

    def _revise(
        self,
        line: int,
        detector: Detector,
        rows: Sequence[Window],
        *,
        from_ms: int,
        at_ms: int,
    ) -> None:
        track = self._tracks.get((line, detector.name))
        if track is None:
            if not any(row.opens for row in rows):
                return
            track = self._tracks[line, detector.name] = Track(gap_ms=detector.gap_ms)
        track.revise(rows, from_ms=from_ms, at_ms=at_ms)
        self._changed.add((line, detector.name))

    def _settle(self, at_ms: int) -> None:
        """Once a block: fold what cannot change any more, forget tracks without an episode."""
        block = at_ms // BLOCK_MS
        if block == self._settled_block:
            return
        self._settled_block = block
        before_ms = at_ms - HORIZON_MS
        self._changed.update(self._tracks)
        self._rates.settle(self._leaving(before_ms))
        self._rates.forget(before_ms - RATES_KEPT_MS)
        for track in self._tracks.values():
            track.settle(before_ms)
        self._tracks = {key: track for key, track in self._tracks.items() if track.episodes}
        if len(self._tracks) > TRACKS_KEPT:
            newest = sorted(self._tracks.items(), key=lambda item: (-item[1].episodes[-1].last_ms, item[0]))
            self.episodes_dropped += sum(len(track.episodes) for _, track in newest[TRACKS_KEPT:])
            self._tracks = dict(newest[:TRACKS_KEPT])

    def _leaving(self, before_ms: int) -> Iterator[tuple[Network, Window]]:
        """Windows of floods that are about to settle, with their episode's main network."""
        for (_, kind), track in self._tracks.items():
            for episode in track.episodes if kind in FLOODS else ():
                leaving = [window for window in episode.windows if window.start_ms < before_ms]
                for network, _ in track.totals(episode).largest(1) if leaving else ():
                    yield from ((network, window) for window in leaving)

    def _params(self, detector: Detector, lines: list[int]) -> pa.Table:
        infos = [self._info(line) for line in lines]
        two_way = [self._is_two_way(line, info) for line, info in zip(lines, infos, strict=True)]
        return params_table(detector, lines, infos, two_way)

    def _note_ways(self, lines: NDArray[np.int64], seen: Sent, windows: WindowTables, at_ms: int) -> None:
        """Take note of who sends and receives, by line and, every revision, by exporter."""
        self._seen.add(lines, seen.sent, seen.received)
        self._exporter_of = windows.exporter_of
        if at_ms % REVISE_EVERY_MS == 0:
            self._two_way_exporters = two_way_exporters(self._seen, windows.exporter_of)

    def _info(self, line: int) -> LineInfo:
        return self._line_info(line) or LineInfo()

    def _is_two_way(self, line: int, info: LineInfo) -> bool:
        if info.sees:
            return info.sees == "both"
        sent, received = self._seen.of(line)
        if received >= TWO_WAY_SHARE * sent:
            return received > 0
        # A quiet line that floods sends in many windows and receives in few: its exporter's other lines tell. One that
        # never receives may stand behind an interface that is shown one way only. An address without a line has no
        # quiet traffic to receive answers to, and accuses nobody.
        return (received > 0 or is_address(line)) and self._exporter_of(line) in self._two_way_exporters


def _judged_by(detector: Detector, lines: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of some keys a detector is about."""
    interfaces = (lines < 0) & (lines > -INTERFACE_BELOW)
    return interfaces if detector.judges_interfaces else ~interfaces


def _tables(windows: WindowTables, detector: Detector, lines: list[int], from_ms: int) -> dict[str, pa.Table]:
    """Both tables for some lines; targets as far back as they count for the windows."""
    keys = np.array(lines, dtype=np.int64)
    return {
        "line_window": windows.line_window(lines=keys, since_ms=from_ms),
        "line_target": windows.line_target(lines=keys, since_ms=from_ms - detector.reach_ms),
    }


def _overridden(detectors: Sequence[Detector], overrides: Mapping[str, Mapping[str, float]]) -> tuple[Detector, ...]:
    names = [detector.name for detector in detectors]
    if unknown := sorted(set(overrides) - set(names)):
        raise ValueError(f"no detector {unknown[0]!r}; there are: {', '.join(names)}")
    return tuple(detector.with_overrides(overrides.get(detector.name, {})) for detector in detectors)
