"""The impact of a run: told of every batch and every tick, asked at the end, and for coverage in between."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.impact.conditions import read_conditions
from sekisho.impact.counters import Counters, read_counters
from sekisho.impact.coverage import Covered
from sekisho.impact.frames import frame_octets
from sekisho.impact.links import Links
from sekisho.impact.load import KEPT_WINDOWS, Load, Side, Sum
from sekisho.impact.missing import Missing
from sekisho.impact.report import Measured, link_document
from sekisho.impact.senders import KEPT_MS, Senders
from sekisho.impact.timeline import of_counters, of_flows
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sekisho.collect.boundary import Boundaries
    from sekisho.core.config_links import Link
    from sekisho.detect.detect import Detect
    from sekisho.impact.conditions import Condition
    from sekisho.impact.counters import Interval, Key
    from sekisho.impact.links import LinkPlaces, Place
    from sekisho.impact.prometheus import PrometheusCounters
    from sekisho.schema.batch import FlowBatch
    from sekisho.schema.detection import Detection
    from sekisho.windows.table import Windows
    from sekisho.wire.counters import InterfaceCounters

HARVEST_MS = 600_000
"""Windows are kept for more than an hour; collecting every ten minutes misses none and costs next to nothing."""

SFLOW_SETTLES_MS = 10_000
"""sFlow holds no flow back: what passed an interval is there a window later."""

_LINE_COLUMNS = ("side", "window_start_ms", "packets", "octets", "octets_var", "sampled_packets")


class ImpactRecord:
    """Load, coverage and cost of a run.

    Args:
        links: as configured.
        boundaries: exporters and interfaces of the run.
        lines_of: keys of the lines by the link that the lines file names, each ascending.
        counter_files, condition_files: of ``[impact]``.
        server: asked for counters every ten minutes of stream time; None = nobody.

    Raises:
        InputError: a file cannot be used.
    """

    def __init__(
        self,
        *,
        links: Sequence[Link],
        boundaries: Boundaries,
        lines_of: Mapping[str, NDArray[np.int64]],
        counter_files: Iterable[Path] = (),
        condition_files: Iterable[Path] = (),
        server: PrometheusCounters | None = None,
    ) -> None:
        self.load = Load(boundaries.exporters.active_cap_ms)
        self.counters = Counters()
        self.senders = Senders()
        self._boundaries = boundaries
        self._links = Links(links, boundaries, lines_of)
        self._by_lines: defaultdict[str, dict[int, NDArray[np.float64]]] = defaultdict(dict)
        self._files: list[tuple[str, int, list[Interval]]] = [
            (exporter, interface, intervals)
            for path in counter_files
            for (exporter, interface), intervals in read_counters(path).items()
        ]
        self._server = server
        self._conditions: dict[str, list[Condition]] = {}
        for path in condition_files:
            for link, looks in read_conditions(path).items():
                self._conditions.setdefault(link, []).extend(looks)
        self._covered: dict[int, Covered] = {}
        self._next_ms: int | None = None
        self._now_ms = self._first_ms = 0

    def start(self) -> None:
        """Compile the kernels; watch the interfaces that the configuration names."""
        self.load.start()
        self._watch()

    def add(self, flows: FlowBatch) -> None:
        """Take an attributed batch in."""
        if self._links.discover():
            self._watch()
        self.load.add(flows)
        self._covered.clear()

    def tick(self, at_ms: int, counters: Iterable[InterfaceCounters], windows: Windows, detect: Detect) -> None:
        """Look at the counters; every ten minutes collect what leaves memory."""
        self._covered.clear()
        self._now_ms = at_ms
        self._first_ms = self._first_ms or at_ms
        self.counters.take(counters)
        self._take_files()
        self._take_answers()
        for key in self.counters.interfaces:
            self.load.watch(*key)
        if self._next_ms is None:
            self._next_ms = at_ms + HARVEST_MS
        elif at_ms >= self._next_ms:
            self.collect(windows, detect)
            self._next_ms = at_ms + HARVEST_MS

    def collect(self, windows: Windows, detect: Detect) -> None:
        """Take what detections and lines sent as it stands."""
        if self._server is not None and self._first_ms:
            self._server.ask(self._first_ms, self._now_ms)
        if not self._links.by_name:
            return
        self.senders.collect(detect.episode_windows(), windows)
        self.senders.forget(self._now_ms - KEPT_MS)
        for places in self._links:
            if not places.places and len(places.lines):
                self._collect_lines(places, windows)

    def finish(self, windows: Windows, detect: Detect) -> None:
        """Take everything at the end of a run, and wait for counters that are asked for."""
        self._take_answers(wait=True)
        self.collect(windows, detect)
        self._take_answers(wait=True)
        if self._server is not None:
            self._server.close()
        self._covered.clear()

    def coverage(self, exporter: int | None, first_ms: int, last_ms: int) -> float | None:
        """Flows over counters of an exporter's interfaces around that time; None where too little is known.

        Intervals count whose flows must have arrived by now; of an exporter without configured timeouts that is
        after half an hour, since an interface would look unseen while its flows are still held.
        """
        if exporter is None:
            return None
        if exporter not in self._covered:
            self._covered[exporter] = self._covered_of(exporter, self._compared(exporter))
        return self._covered[exporter].between(first_ms, last_ms).share

    def report(self, found: Sequence[Detection]) -> dict[str, Any]:
        """The ``impact`` of the document; empty where there is neither a link nor a counter."""
        coverage = list(self._coverage_documents())
        links = [
            link_document(
                places,
                self._measure(places),
                found,
                self.senders,
                self._conditions.get(places.link.name, []),
            )
            for places in self._links
        ]
        return {"links": links, "coverage": coverage} if links or coverage else {}

    @property
    def left_out(self) -> dict[str, int]:
        """What a limit kept out, by limit."""
        return {"interface_load_limit": len(self.load.left_out), "sender_limit": self.senders.left_out}

    def _watch(self) -> None:
        for places in self._links:
            for key in places.places:
                self.load.watch(*key)

    def _take_answers(self, *, wait: bool = False) -> None:
        """Counters of interfaces whose flows are summed up already; a server knows many others, too."""
        if self._server is None:
            return
        codes = {text: code for code, text in enumerate(self._boundaries.exporters.texts)}
        watched = set(self.load.watched)
        for (address, interface), intervals in self._server.take(wait=wait).items():
            key = (codes.get(address, -1), interface)
            if key in watched:
                self.counters.add(key, intervals)

    def _take_files(self) -> None:
        """Counters of a file belong to an exporter once its address has a code."""
        texts, waiting = self._boundaries.exporters.texts, []
        for exporter, interface, intervals in self._files:
            if exporter in texts:
                self.counters.add((texts.index(exporter), interface), intervals)
            else:
                waiting.append((exporter, interface, intervals))
        self._files = waiting

    def _compared(self, exporter: int) -> Iterator[tuple[Key, Side]]:
        """Directions of an exporter's interfaces that are both counted and metered."""
        watched = set(self.load.watched)
        for key in self.counters.interfaces:
            if key[0] == exporter and key in watched:
                yield from ((key, side) for side in Side if self.load.is_metered(*key, side))

    def _covered_of(self, exporter: int, ways: Iterable[tuple[Key, Side]]) -> Covered:
        """Flows beside counters, of intervals whose flows have arrived and are still known."""
        settles_ms = SFLOW_SETTLES_MS
        if exporter not in self.counters.exporting:
            settles_ms = int(self._boundaries.exporters.lateness_ms[exporter])
        first, count = self._span()

        def wanted(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
            last_ms = min(self._now_ms - settles_ms, (first + count) * WINDOW_MS)
            return np.asarray((starts >= first * WINDOW_MS) & (ends <= last_ms))

        looked_at = ((key, side, self.counters.columns(key)) for key, side in ways)
        return Covered(self.load, looked_at, wanted)

    def _coverage_documents(self) -> Iterator[dict[str, Any]]:
        texts = self._boundaries.exporters.texts
        for exporter in sorted({exporter for exporter, _ in self.counters.interfaces}):
            for key, side in self._compared(exporter):
                coverage = self._covered_of(exporter, [(key, side)]).between(0, self._now_ms)
                yield {
                    "exporter": texts[exporter],
                    "interface": key[1],
                    "direction": "in" if side is Side.IN else "out",
                    "coverage": None if coverage.share is None else round(coverage.share, 4),
                    "intervals": coverage.intervals,
                    "alarm": coverage.is_alarm,
                }

    def _span(self) -> tuple[int, int]:
        """The first window of which something is known, and how many follow."""
        end = max(self.load.newest_ms, -(-self._now_ms // WINDOW_MS) * WINDOW_MS) // WINDOW_MS
        first = max(self._first_ms // WINDOW_MS, end - KEPT_WINDOWS)
        return first, max(0, end - first)

    def _measure(self, places: LinkPlaces) -> Measured:
        first, count = self._span()
        missing = [] if len(places.lines) else [Missing.LINES_UNKNOWN]
        missing += [Missing.CAPACITY_UNKNOWN] if places.capacity_bps is None and places.capacity_pps is None else []
        if not count:
            return Measured(by=None, side=Side.IN, timeline=None, missing=(*missing, Missing.NOTHING_RECEIVED))
        if not places.places:
            return self._measure_by_lines(places, first, count, missing)
        watched = set(self.load.watched)
        kept = [place for place in places.places.values() if place.key in watched]
        sides = [(place, place.side) for place in kept if place.side is not None]
        if problem := self._direction_problem(kept, [place for place, _ in sides]):
            return Measured(by=None, side=Side.IN, timeline=None, missing=(*missing, problem))
        if self._server is not None and self._server.problem:
            missing.append(Missing.COUNTERS_UNAVAILABLE)
        sums = np.sum([self.load.windows(*place.key, side, first, count) for place, side in sides], axis=0)
        flows, side = of_flows(sums, first), sides[0][1]
        counted = [(place, way, self.counters.of(place.key)) for place, way in sides]
        if not all(intervals for _, _, intervals in counted):
            return Measured(by="flows", side=side, timeline=flows, missing=(*missing, Missing.NO_COUNTERS))
        timeline = of_counters(self.load, counted, flows)
        by = "counters_and_flows" if flows.flow_octets.any() else "counters"
        return Measured(by=by, side=side, timeline=timeline, missing=tuple(missing))

    def _direction_problem(self, kept: Sequence[Place], directed: Sequence[Place]) -> Missing | None:
        """Why the way of outbound traffic is not known, or cannot be what the roles say; None where it is."""
        if not kept:
            return Missing.INTERFACE_LOAD_LIMIT
        if len(directed) < len(kept):
            return Missing.DIRECTION_UNKNOWN
        for place in directed:
            came_in, left = self.load.sent_by_lines(*place.key)
            as_said, otherwise = (came_in, left) if place.side is Side.IN else (left, came_in)
            if otherwise > as_said:
                return Missing.DIRECTION_CONTRADICTED
        return None

    def _measure_by_lines(self, places: LinkPlaces, first: int, count: int, missing: list[Missing]) -> Measured:
        """What the link's lines sent: less than its load where others use it, too."""
        sums = np.zeros((count, len(Sum)))
        for window, row in self._by_lines[places.link.name].items():
            if 0 <= window - first < count:
                sums[window - first] = row
        lacking = (*missing, Missing.NO_INTERFACE, Missing.NO_COUNTERS)
        if not sums.any():
            return Measured(by=None, side=Side.IN, timeline=None, missing=lacking)
        return Measured(by="lines", side=Side.IN, timeline=of_flows(sums, first), missing=lacking)

    def _collect_lines(self, places: LinkPlaces, windows: Windows) -> None:
        rows = windows.line_window(lines=places.lines, columns=_LINE_COLUMNS)
        side, start, packets, octets, variance, sampled = (rows[name].to_numpy() for name in _LINE_COLUMNS)
        kept = self._by_lines[places.link.name]
        sent = side == 0
        numbers, inverse = np.unique(start[sent] // WINDOW_MS, return_inverse=True)
        sums = np.zeros((len(numbers), len(Sum)))
        frames = frame_octets(octets[sent], packets[sent])
        grown = np.divide(frames, octets[sent], out=np.ones_like(frames), where=octets[sent] > 0)
        for which, values in (
            (Sum.OCTETS, frames),
            (Sum.PACKETS, packets[sent]),
            (Sum.SAMPLED, sampled[sent]),
            (Sum.OCTETS_VAR, variance[sent] * grown**2),
        ):
            np.add.at(sums[:, which], inverse, values)
        kept.update(zip(numbers.tolist(), sums, strict=True))
        oldest = (self._now_ms - KEPT_MS) // WINDOW_MS
        for window in [window for window in kept if window < oldest]:
            del kept[window]


def lines_by_link(lines: Iterable[tuple[int, str]]) -> dict[str, NDArray[np.int64]]:
    """Keys of lines by the link that they name, ascending; those that name none are left out."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for key, link in lines:
        if link:
            found[link].append(key)
    return {link: np.unique(np.array(keys, dtype=np.int64)) for link, keys in found.items()}
