"""The run of ``analyze`` fed by sockets: judged within a tick, kept, and not lost by a kill at any instant.

A tick ends when something later arrives, or when the sockets have been empty until after it: then nothing that belongs
to it can come any more. Either way it sees exactly what ``analyze`` would see in a capture of the same datagrams.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.errors import SekishoError, Unavailable
from sekisho.core.log import logger
from sekisho.pipeline.checkpoint import Kept, Step
from sekisho.pipeline.resume import Resumed, resume
from sekisho.schema.subject import is_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from sekisho.pipeline.checkpoint import Checkpoint
    from sekisho.pipeline.run import Run
    from sekisho.schema.batch import FlowBatch
    from sekisho.store.segments import Segments
    from sekisho.wire.datagrams import Datagrams

EVERYTHING_EVERY_MS = 30_000
"""Templates, names and joint rates change seldom; they are looked through this often."""

SET_BACK_MS = 60_000
"""Datagrams that are all older than the newest by more than this were not delayed: the machine's clock was set back."""


class ClockSetBack(SekishoError):
    """The machine's clock was set back: the run ends where it is, and the next one begins at the new time."""


class Live:
    """One run over sockets.

    Args:
        run: composed, not started.
        checkpoint: where what is known is kept.
        segments: where flows are kept; None = nowhere.
        store: folder of the flow store, for the windows of the run before.
        clock: wall clock, milliseconds UTC.
        holds: the exporters whose flows are kept here; None = all.
        on_tick: told every tick that was judged.

    Attributes:
        resumed: what was taken over from the run before.
        is_kept: whether the last tick is on disk.
        tick_s: what the last call took that judged a tick, seconds.
    """

    def __init__(
        self,
        run: Run,
        *,
        checkpoint: Checkpoint,
        segments: Segments | None,
        store: Path | None,
        clock: Callable[[], int],
        holds: Callable[[], Collection[str]] | None = None,
        on_tick: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.run = run
        self.resumed = Resumed()
        self.is_kept = True
        self.tick_s = 0.0
        self._ticks = 0
        self._checkpoint, self._segments, self._store = checkpoint, segments, store
        self._clock, self._holds, self._on_tick = clock, holds, on_tick
        self._has_saved_everything = False

    def start(self) -> None:
        """Compile, and go on where the last run stood.

        Raises:
            Unavailable: what is known cannot be kept.
        """
        self.run.start()
        self._checkpoint.start()
        if self._segments is not None:
            self._segments.start()
        # Ticks that are judged while the past is repeated are not worth a write each.
        self.resumed = resume(self.run, self._checkpoint, store=self._store, now_ms=self._clock())
        if self._segments is not None:
            self.run.keep = self._segments.append if self._holds is None else self._keep
        self.run.after_tick = self._after_tick

    def receive(self, datagrams: Datagrams) -> None:
        """Take in what arrived.

        Raises:
            ClockSetBack: it is all older than what came before.
        """
        newest_ms = int(datagrams.received_at.max(initial=0))
        if newest_ms and newest_ms < self.run.clock.now_ms - SET_BACK_MS:
            back_s = (self.run.clock.now_ms - newest_ms) / 1000
            raise ClockSetBack(f"the clock of this machine was set back by {back_s:,.0f} s: the collector begins anew")
        self._timed(lambda: self.run.receive(datagrams))

    def pass_to(self, until_ms: int) -> None:
        """Everything that was received until then has been handed over."""
        self._timed(lambda: self.run.pass_to(until_ms))
        if self._segments is not None:
            self._segments.tick()

    def close(self) -> None:
        """Keep everything and let go of the files; the tick that is being filled stays open."""
        if self._segments is not None:
            self._segments.close()
        if self.run.clock.tick_ms is not None:
            self._save(self.run.clock.tick_ms, everything=True)
        self._checkpoint.close()

    def _keep(self, flows: FlowBatch) -> None:
        """What another collector keeps is not kept twice."""
        assert self._holds is not None
        assert self._segments is not None
        held = self._holds()
        is_held = np.array([name in held for name in self.run.exporters], np.bool_)[flows.column("exporter")]
        if is_held.all():
            self._segments.append(flows)
        elif is_held.any():
            self._segments.append(flows.where(is_held))

    def _timed(self, step: Callable[[], None]) -> None:
        before, started = self._ticks, time.perf_counter()
        step()
        if self._ticks != before:
            self.tick_s = time.perf_counter() - started

    def _after_tick(self, at_ms: int) -> None:
        self._ticks += 1
        # Flows first: what the checkpoint knows of them must be found again in the store.
        if self._segments is not None:
            self._segments.flush()
        self._save(at_ms, everything=at_ms % EVERYTHING_EVERY_MS == 0 or not self._has_saved_everything)
        self._on_tick(at_ms)

    def _save(self, at_ms: int, *, everything: bool) -> None:
        decoder, detect = self.run.decoder, self.run.detect
        step = Step(
            tick_ms=at_ms,
            tracks=list(self._changed()),
            sources=decoder.learned_sources(),
            remembered=detect.remembered() if everything else None,
            learned=decoder.learned() if everything else None,
        )
        try:
            self._checkpoint.save(step)
        except Unavailable as error:
            if self.is_kept:
                logger().error("what is known is not kept at present; detection goes on", why=str(error))
            self.is_kept = False
            # What this step held is part of the next one.
            detect.changed_again((kept.line, kept.kind) for kept in step.tracks)
            return
        if not self.is_kept:
            logger().info("what is known is kept again")
        self.is_kept = True
        self._has_saved_everything |= everything

    def _changed(self) -> Iterator[Kept]:
        run = self.run
        for line, kind, track in run.detect.take_changes():
            row = None if is_line(line) else run.subjects.row(line)
            subject = None if row is None else run.subjects.get(line)
            yield Kept(
                line=line,
                kind=kind,
                exporter=run.exporters[track.exporter] if track is not None and track.exporter is not None else None,
                subject=row,
                realm=run.boundaries.realm(subject.realm) if subject is not None else "",
                track=track,
            )
