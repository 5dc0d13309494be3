"""One run: datagrams are decoded, bounded, attributed, folded; at each tick the detectors look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.pipeline.clock import StreamClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.attribution.attributor import Attributor
    from sekisho.attribution.subjects import Subjects
    from sekisho.collect.boundary import Boundaries
    from sekisho.detect.detect import Detect
    from sekisho.impact.record import ImpactRecord
    from sekisho.pipeline.quality import QualityRecord
    from sekisho.pipeline.series import SeriesRecord
    from sekisho.schema.batch import FlowBatch
    from sekisho.windows.table import Windows
    from sekisho.wire.datagrams import Datagrams
    from sekisho.wire.decoder import Decoder


@dataclass(slots=True, kw_only=True)
class Run:
    """The parts of a run in the order in which a flow passes them.

    Attributes:
        impact: load of links and coverage; None where nobody asks.
        keep: told every batch of flows that have their lines, before senders without a line get keys.
        after_tick: told every tick that was judged, milliseconds UTC.
        replayed: flows taken in that were decoded already.
        first_ms, last_ms: earliest and latest reception, milliseconds UTC; 0 before the first datagram.
    """

    decoder: Decoder
    boundaries: Boundaries
    attributor: Attributor
    subjects: Subjects
    windows: Windows
    detect: Detect
    quality: QualityRecord
    impact: ImpactRecord | None = None
    series: SeriesRecord | None = None
    keep: Callable[[FlowBatch], None] | None = None
    after_tick: Callable[[int], None] | None = None
    clock: StreamClock = field(default_factory=StreamClock)
    replayed: int = 0
    first_ms: int = 0
    last_ms: int = 0

    @property
    def exporters(self) -> list[str]:
        """Exporter code -> address."""
        return self.boundaries.exporters.texts

    def start(self) -> None:
        """Compile the kernels."""
        self.decoder.start()
        self.boundaries.start()
        self.attributor.start()
        self.subjects.start()
        self.windows.start()
        if self.impact is not None:
            self.impact.start()

    def receive(self, datagrams: Datagrams) -> None:
        """Take in datagrams in order of arrival; ticks that they complete are evaluated first."""
        if not len(datagrams):
            return
        self.first_ms = self.first_ms or int(datagrams.received_at[0])
        for complete, part in self.clock.cut(datagrams):
            if complete is not None:
                self._tick(complete)
            self._fold(part)
        self.last_ms = self.clock.now_ms

    def receive_flows(self, flows: FlowBatch) -> None:
        """Take in flows that are decoded already, in order of arrival; no batch holds rows of two ticks."""
        if not len(flows):
            return
        received = flows.column("received_at")
        self.first_ms = self.first_ms or int(received[0])
        if (complete := self.clock.advance(int(received[-1]))) is not None:
            self._tick(complete)
        self.replayed += len(flows)
        self._take(flows)
        self.last_ms = self.clock.now_ms

    def pass_to(self, until_ms: int) -> None:
        """Everything that was received until then has been taken in: a tick that waits for more is judged."""
        if (complete := self.clock.pass_to(until_ms)) is not None:
            self._tick(complete)

    def look_back(self, flows: FlowBatch) -> None:
        """Fold flows that an earlier run has judged, in the order of ``receive_flows``; nothing is judged again."""
        if (complete := self.clock.advance(int(flows.column("received_at")[-1]))) is not None:
            self.detect.look_back(complete, self.windows)
        self.boundaries.annotate(flows)
        self.attributor.attribute(flows)
        self._add(flows)

    def finish(self) -> None:
        """Evaluate the tick that was being filled, as the next datagram would have made it."""
        if self.clock.tick_ms is not None:
            self._tick(self.clock.tick_ms)
            self.detect.finish(self.clock.tick_ms, self.windows)
            if self.series is not None:
                self.series.collect(self.windows, self.detect)
            if self.impact is not None:
                self.impact.finish(self.windows, self.detect)

    def _fold(self, part: Datagrams) -> None:
        for flows in self.decoder.decode(part):
            self._take(flows)

    def _take(self, flows: FlowBatch) -> None:
        self.boundaries.annotate(flows)
        self.attributor.attribute(flows)
        if self.keep is not None:
            self.keep(flows)
        self._add(flows)

    def _add(self, flows: FlowBatch) -> None:
        self.subjects.name(flows)
        self.windows.fold(flows)
        if self.impact is not None:
            self.impact.add(flows)

    def _tick(self, at_ms: int) -> None:
        self.quality.tick(at_ms, self.decoder.losses())
        if self.impact is not None:
            self.impact.tick(at_ms, self.decoder.interface_counters(), self.windows, self.detect)
        self.detect.tick(at_ms, self.windows)
        if self.subjects.is_nearly_full:
            self.subjects.make_room(at_ms, keep=self.detect.subjects())
        if self.series is not None:
            self.series.tick(at_ms, self.windows, self.detect)
        if self.after_tick is not None:
            self.after_tick(at_ms)
