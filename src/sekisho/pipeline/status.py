"""A live run in numbers and in conditions: what the metrics, the console and the alarms are made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.core.alarms import Condition
from sekisho.core.metrics import Sample
from sekisho.detect.level import COVERED
from sekisho.wire.clock import CLOCK_MARGIN_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.core.alarms import Alarms
    from sekisho.pipeline.live import Live
    from sekisho.store.segments import Segments

SILENT_AFTER_MS = 300_000
"""Routers repeat their templates within minutes: silence for longer is no quiet night."""

COVERED_MS = 900_000
"""Coverage of late is that of a quarter of an hour: some looks at the counters, however seldom they are read."""

LOSS_SHARE = 0.01
"""Share of lost units from which an operator is told; every verdict carries its own anyway."""


@dataclass(slots=True)
class _Seen:
    """An exporter's counts at the last look, and when they last moved."""

    datagrams: int = 0
    moved_ms: int = 0
    expected: int = 0
    lost: int = 0


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at a run again and again.

    Attributes:
        live: the run.
        segments: of its flow store.
        started_ms: an exporter that never spoke has been silent since.
    """

    live: Live
    segments: Segments | None
    started_ms: int
    _exporters: dict[int, _Seen] = field(default_factory=dict)
    _unknown_interfaces: int = 0

    def samples(self, now_ms: int) -> Iterator[Sample]:
        """The numbers of the run."""
        run = self.live.run
        decoder = run.decoder
        yield Sample("datagrams_total", (), decoder.datagrams)
        for source in decoder.losses():
            name, domain = run.exporters[source.exporter], str(source.domain)
            yield Sample("records_total", (name, str(source.version), domain), source.records)
            yield Sample("export_units_total", (name, domain, source.unit), source.expected_units)
            yield Sample("export_units_lost_total", (name, domain, source.unit), source.lost_units)
            yield Sample("clock_skew_seconds", (name, domain), source.last_skew_ms / 1000)
        for reason, count in decoder.drops.items():
            yield Sample("dropped_total", ("decode", reason.value), count)
        for exporter, packets in decoder.not_metered_packets().items():
            yield Sample("not_metered_packets_total", (run.exporters[exporter],), packets)
        templates = decoder.templates
        yield Sample("template_events_total", ("redefined",), templates.redefined.total())
        for event in ("withdrawn", "port_conflicts"):
            yield Sample("template_events_total", (event,), getattr(templates, event))
        yield Sample("sampling_changes_total", (), decoder.sampling_changes)
        for cause, count in run.attributor.unattributed.items():
            yield Sample("unattributed_total", (cause.label,), count)
        yield Sample("late_total", (), run.windows.late)
        for limit, count in (run.windows.dropped | {"subject_limit": run.subjects.records_left_out}).items():
            yield Sample("limit_total", (limit,), count)
        for name, share in self._coverage():
            yield Sample("coverage_ratio", (name,), share)
        yield from self._judged(now_ms)
        yield from self._stored()
        for code, seen in self._exporters.items():
            yield Sample("exporter_silent_seconds", (run.exporters[code],), (now_ms - seen.moved_ms) / 1000)

    def look(self, alarms: Alarms, now_ms: int) -> None:
        """Compare with the last look, and tell what holds."""
        run = self.live.run
        before = {code: (seen.expected, seen.lost) for code, seen in self._exporters.items()}
        self._note(now_ms)
        names = run.exporters
        alarms.look(
            Condition.EXPORTER_SILENT,
            {
                names[code]: {"silent_s": (now_ms - seen.moved_ms) / 1000}
                for code, seen in self._exporters.items()
                if now_ms - seen.moved_ms >= SILENT_AFTER_MS
            },
        )
        alarms.look(Condition.EXPORT_LOSS, dict(self._losses(before)))
        alarms.look(
            Condition.COVERAGE,
            {n: {"ratio": share} for n, share in self._coverage() if not COVERED[0] <= share <= COVERED[1]},
        )
        alarms.look(
            Condition.CLOCK_SKEW,
            {
                names[source.exporter]: {"skew_s": source.last_skew_ms / 1000}
                for source in run.decoder.losses()
                if abs(source.last_skew_ms) > CLOCK_MARGIN_MS and source.clock_shifted
            },
        )
        unknown = run.boundaries.unknown_interface_records
        more = unknown - self._unknown_interfaces
        self._unknown_interfaces = unknown
        alarms.look(Condition.UNKNOWN_INTERFACE, {"": {"count": more}} if more else {})
        alarms.look(Condition.STATE_NOT_KEPT, {} if self.live.is_kept else {"": {}})
        stopped = self.segments.stopped if self.segments is not None else None
        alarms.look(Condition.FLOWS_NOT_STORED, {} if stopped is None else {"": {"reason": stopped.value}})

    def _note(self, now_ms: int) -> None:
        datagrams: Counter[int] = Counter()
        expected: Counter[int] = Counter()
        lost: Counter[int] = Counter()
        for source in self.live.run.decoder.losses():
            datagrams[source.exporter] += source.datagrams
            expected[source.exporter] += source.expected_units
            lost[source.exporter] += source.lost_units
        for code in range(len(self.live.run.exporters)):
            seen = self._exporters.setdefault(code, _Seen(moved_ms=self.started_ms))
            if datagrams[code] != seen.datagrams:
                seen.moved_ms = now_ms
            seen.datagrams, seen.expected, seen.lost = datagrams[code], expected[code], lost[code]

    def _losses(self, before: Mapping[int, tuple[int, int]]) -> Iterator[tuple[str, dict[str, float]]]:
        for code, seen in self._exporters.items():
            expected, lost = before.get(code, (0, 0))
            more, missing = seen.expected - expected, seen.lost - lost
            if more > 0 and missing > LOSS_SHARE * more:
                yield self.live.run.exporters[code], {"share": missing / more}

    def _coverage(self) -> Iterator[tuple[str, float]]:
        """Exporters whose flows can be compared with counters, and flows over counters of late."""
        run = self.live.run
        if run.impact is None:
            return
        now_ms = run.clock.now_ms
        for code, name in enumerate(run.exporters):
            # Counters of an interval are compared once its flows must have come: those of the last minutes never are.
            from_ms = now_ms - int(run.boundaries.exporters.lateness_ms[code]) - COVERED_MS
            share = run.impact.coverage(code, from_ms, now_ms)
            if share is not None:
                yield name, share

    def _judged(self, now_ms: int) -> Iterator[Sample]:
        run = self.live.run
        now = run.clock.now_ms
        levels = Counter(detection.level.value for detection in run.detect.detections())
        for level, count in levels.items():
            yield Sample("episodes", (level,), count)
        if now:
            yield Sample("stream_delay_seconds", (), max(now_ms - now, 0) / 1000)
        yield Sample("tick_seconds", (), self.live.tick_s)

    def _stored(self) -> Iterator[Sample]:
        if self.segments is not None:
            yield Sample("stored_records_total", (), self.segments.counts.rows)
            for reason, count in self.segments.counts.dropped.items():
                yield Sample("not_stored_records_total", (reason.value,), count)
