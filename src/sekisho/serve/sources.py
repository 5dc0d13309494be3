"""What the sources tell while the collector runs: into the history, and from there to the lookup.

One thread polls every source, writes the history, and works out who holds now what was told of. The main thread takes
that in between two batches of flows, so that no lookup ever waits. Where the index has no room any more, a third thread
builds the next one from the history, and what is told meanwhile is told to that one again.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from sekisho.attribution.attributor import Attributor, Change
from sekisho.attribution.history.history import DAY_MS, History
from sekisho.attribution.sources.configured import NatEvents, sources_of
from sekisho.core.alarms import Condition
from sekisho.core.errors import InputError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.pipeline.batch import live_attributor, live_history, load_attributor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sekisho.attribution.sources.events import Held
    from sekisho.attribution.sources.events import Source as EventSource
    from sekisho.core.alarms import Alarms
    from sekisho.core.config import Config
    from sekisho.core.config_sources import Source
    from sekisho.wire.options import Event as NatEvent

POLL_S = 0.2
"""How long sources that had nothing to tell are left alone."""

CHANGES_AT_ONCE = 512
"""Changes of one hand-over: the lookup waits for a millisecond or two."""

MOST_WAITING = 64
"""Hand-overs that the main thread has not taken yet; beyond it the sources' own files and buffers wait."""

MOST_TOLD = 200_000
"""Prefixes that were told of and are not worked out yet; sources are not polled while more are."""

SWEEP_EVERY_MS = 10_000
"""How often sessions are looked for whose confirmations stay away."""

REBUILD_EVERY_MS = DAY_MS
"""What was over for days goes out of the index once a day, and out of the history after its retention."""

HORIZON_MS = 2 * DAY_MS
"""Holds that ended earlier are asked for by no flow: exporters keep one for a day at most."""


@dataclass(slots=True)
class _Source:
    """A source and how it fares.

    Attributes:
        heard_ms: when it last told anything, or was started.
        refused: why it cannot be read; "" while it can.
        delay_ms, watermark_ms: as the history has them.
        swept_ms: lapsed sessions were looked for up to this time of its own.
    """

    configured: Source
    source: EventSource
    heard_ms: int
    events: int = 0
    refused: str = ""
    delay_ms: int = 0
    watermark_ms: int = 0
    swept_ms: int = 0


def following(config: Config, *, clock: Callable[[], int]) -> tuple[Attributor, Sources | None]:
    """What is known of assignments, and who goes on telling, where the configuration names anybody.

    Raises:
        InputError: a file that cannot be used.
        ConfigError: a wrong rule or expression.
    """
    settings = config.attribution
    if not config.source or settings.history is None:
        return load_attributor(config, (), None, lambda *_: None), None
    sources = sources_of(config.source, settings)
    history = live_history(config)
    build = partial(live_attributor, config)
    attributor = build(history, clock() - HORIZON_MS)
    return attributor, Sources(
        config.source,
        sources,
        history=history,
        history_file=settings.history,
        margin_ms=round(settings.clock_margin_s * 1000),
        retention_ms=round(settings.retention_days * DAY_MS),
        build=build,
        attributor=attributor,
        clock=clock,
    )


class Sources:
    """Every source of the configuration.

    Args:
        configured: of the configuration.
        sources: made of these, in the same order; inert.
        history: open; from ``start()`` on it is this object's thread that uses it.
        history_file: of the history, for a second connection.
        build: makes an attributor of a history and the operator's lists, without what was over before a time.
        attributor: the one that the run asks.
        retention_ms: how long the history keeps what is over.
        clock: wall clock, milliseconds UTC.

    Attributes:
        failed: what ended a thread, which nobody foresaw.
        rebuilt: indexes built since the start.
    """

    def __init__(
        self,
        configured: Sequence[Source],
        sources: Sequence[EventSource],
        *,
        history: History,
        history_file: Path,
        margin_ms: int,
        retention_ms: int,
        build: Callable[[History, int], Attributor],
        attributor: Attributor,
        clock: Callable[[], int],
    ) -> None:
        self.failed: BaseException | None = None
        self.rebuilt = 0
        self._history, self._history_file, self._margin_ms = history, history_file, margin_ms
        self._retention_ms, self._build, self._attributor, self._clock = retention_ms, build, attributor, clock
        at_ms = clock()
        self._sources = [_Source(one, source, at_ms) for one, source in zip(configured, sources, strict=True)]
        self._quarantined: frozenset[str] = frozenset()
        self._told: dict[Held, None] = {}
        self._told_meanwhile: dict[Held, None] | None = None
        self._ready: deque[list[Change] | Attributor] = deque()
        self._wants_rebuild = threading.Event()
        self._built: Attributor | None = None
        self._built_ms = self._swept_ms = at_ms
        self._changes = 0
        self._ends = threading.Event()
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Open files and sockets where they were left.

        Raises:
            InputError: an address cannot be listened at.
        """
        for one in self._sources:
            feed = self._history.feeds.get(one.source.name)
            one.source.position = feed.position if feed is not None else ""
            self._look_at_feed(one)
            one.swept_ms = one.watermark_ms
            inner = getattr(one.source, "lines", one.source)
            if hasattr(inner, "start"):
                try:
                    inner.start()
                except OSError as error:
                    raise InputError(one.source.name, f"expected an address to listen at, found: {error}") from error
        self._quarantined = frozenset(self._history.quarantined())

    def start(self) -> None:
        """Begin to follow."""
        self._begin(self._follow, "sources")

    def offer(self, records: Sequence[NatEvent], exporters: Sequence[str]) -> None:
        """NAT events that the decoder kept; ``exporters`` are the addresses of its codes."""
        for one in self._sources:
            if isinstance(one.source, NatEvents):
                one.source.offer((record, exporters[record.exporter]) for record in records)

    @property
    def takes_nat_events(self) -> bool:
        """Whether the decoder is to keep them."""
        return any(isinstance(one.source, NatEvents) for one in self._sources)

    def take(self) -> None:
        """Take in what was told, between two batches; by the thread that asks the attributor."""
        while self._ready:
            ready = self._ready.popleft()
            if isinstance(ready, Attributor):
                self._attributor.become(ready)
                self.rebuilt += 1
                continue
            done = self._attributor.change(ready, at_ms=self._clock()).done
            self._changes += done
            if done < len(ready):
                # What does not fit now is in the history, which the next index is built from.
                self._wants_rebuild.set()

    def step(self) -> bool:
        """Poll every source once and work out what that changes; whether anything was told."""
        has_told = self._poll_all() if len(self._told) < MOST_TOLD else True
        at_ms = self._clock()
        if at_ms - self._swept_ms >= SWEEP_EVERY_MS:
            self._swept_ms = at_ms
            self._sweep()
        self._look_for_rebuild(at_ms)
        self._hand_over(at_ms)
        return has_told

    def look(self, alarms: Alarms) -> None:
        """Tell what holds."""
        at_ms = self._clock()
        silent: dict[str, dict[str, Any]] = {}
        for one in self._sources:
            silent_ms = at_ms - one.heard_ms
            if silent_ms >= one.configured.silent_after_s * 1000:
                silent[one.source.name] = {"silent_s": silent_ms / 1000}
        alarms.look(Condition.SOURCE_SILENT, silent)
        off = {
            one.source.name: {"delay_s": one.delay_ms / 1000}
            for one in self._sources
            if one.source.name in self._quarantined
        }
        alarms.look(Condition.SOURCE_QUARANTINED, off)
        refused = {one.source.name: {"why": one.refused} for one in self._sources if one.refused}
        alarms.look(Condition.SOURCE_UNREADABLE, refused)

    def samples(self) -> Iterator[Sample]:
        """The numbers of the sources."""
        at_ms = self._clock()
        for one in self._sources:
            name = one.source.name
            yield Sample("source_events_total", (name,), one.events)
            yield Sample("source_silent_seconds", (name,), (at_ms - one.heard_ms) / 1000)
            yield Sample("source_delay_seconds", (name,), one.delay_ms / 1000)
            yield Sample("source_watermark_seconds", (name,), one.watermark_ms / 1000)
            # A copy: the other thread counts on.
            for reason, count in dict(one.source.dropped).items():
                yield Sample("source_dropped_total", (name, reason.value), count)
        yield Sample("assignment_changes_total", (), self._changes)
        yield Sample("assignment_changes_waiting", (), len(self._told))
        yield Sample("assignment_indexes_total", (), self.rebuilt)

    def close(self) -> None:
        """End the threads and let go of files and sockets."""
        self._ends.set()
        for thread in self._threads:
            thread.join()
        for one in self._sources:
            if hasattr(one.source, "close"):
                one.source.close()
        self._history.close()

    def _follow(self) -> None:
        while not self._ends.is_set():
            if not self.step():
                self._ends.wait(POLL_S)

    def _poll_all(self) -> bool:
        before = frozenset(self._quarantined)
        told = [self._poll(one) for one in self._sources]
        self._quarantined = frozenset(self._history.quarantined())
        if before != self._quarantined:
            # What a source told counts again, or no more: that may be anything.
            self._wants_rebuild.set()
        return any(told)

    def _poll(self, one: _Source) -> bool:
        source = one.source
        try:
            events = source.poll(self._clock())
        except InputError as error:
            one.refused = str(error)
            return False
        one.refused = ""
        if events:
            one.heard_ms = self._clock()
            one.events += len(events)
            self._note(self._history.apply(source.name, events, position=source.position))
            self._look_at_feed(one)
        source.committed()
        return bool(events)

    def _look_at_feed(self, one: _Source) -> None:
        feed = self._history.feeds.get(one.source.name)
        if feed is not None:
            one.delay_ms, one.watermark_ms = feed.delay_ms, feed.watermark_ms

    def _note(self, touched: Iterable[Held]) -> None:
        for held in touched:
            for changed in (held, *self._history.behind(held)):
                self._told[changed] = None
                if self._told_meanwhile is not None:
                    self._told_meanwhile[changed] = None

    def _sweep(self) -> None:
        for one in self._sources:
            if one.watermark_ms > one.swept_ms:
                self._note(self._history.lapsed(one.source.name, one.swept_ms, one.watermark_ms))
                one.swept_ms = one.watermark_ms

    def _hand_over(self, at_ms: int) -> None:
        while self._told and len(self._ready) < MOST_WAITING:
            held = list(islice(self._told, CHANGES_AT_ONCE))
            for one in held:
                del self._told[one]
            since_ms = at_ms - HORIZON_MS
            self._ready.append([Change(one, self._history.spans_of(one, since_ms=since_ms)) for one in held])

    def _look_for_rebuild(self, at_ms: int) -> None:
        if self._built is not None and self._told_meanwhile is not None:
            self._ready.append(self._built)
            self._told = self._told_meanwhile | self._told
            self._built, self._told_meanwhile, self._built_ms = None, None, at_ms
        if at_ms - self._built_ms >= REBUILD_EVERY_MS:
            self._history.forget(at_ms - self._retention_ms)
            self._wants_rebuild.set()
        if self._wants_rebuild.is_set() and self._told_meanwhile is None:
            self._wants_rebuild.clear()
            self._told_meanwhile, self._built_ms = {}, at_ms
            self._begin(self._build_next, "assignments")

    def _build_next(self) -> None:
        with History(self._history_file, margin_ms=self._margin_ms) as snapshot:
            self._built = self._build(snapshot, self._clock() - HORIZON_MS)
        logger().info("the assignments are indexed anew", assignments=len(self._built))

    def _begin(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (the collector raises it in the main thread)
            self.failed = error
