"""The process that receives, decides and keeps: sockets, one run, its checkpoint, its flow segments, its cases."""

from __future__ import annotations

import os
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from sekisho.attribution.keys import UNKEYED, read_key_file
from sekisho.cases.policy import load_policy
from sekisho.cases.quiet import MINUTE_MS
from sekisho.cases.work import Told
from sekisho.collect.exporters import Exporters
from sekisho.core.alarms import Alarms
from sekisho.core.config import load_config
from sekisho.core.log import logger
from sekisho.core.time import now_ms
from sekisho.detect.detectability import seen_within_hours
from sekisho.pipeline.analysis import document_of, exporters_of
from sekisho.pipeline.batch import compose, is_ours
from sekisho.pipeline.checkpoint import STATE, Checkpoint
from sekisho.pipeline.detecting import inputs_of
from sekisho.pipeline.link_status import link_status
from sekisho.pipeline.live import ClockSetBack, Live
from sekisho.pipeline.presence import Presence
from sekisho.pipeline.status import Watch
from sekisho.query.duckdb import DuckDBEngine
from sekisho.serve.ending import Asked
from sekisho.serve.intake import Intake
from sekisho.serve.leases import Leases
from sekisho.serve.recorder import CaseRecorder
from sekisho.serve.sources import following
from sekisho.serve.status import EVERY_S, tell
from sekisho.serve.supervisor import BEGIN_ANEW
from sekisho.store.layout import HOUR_MS
from sekisho.store.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sekisho.core.config import Config

NAME = "collector"

WAIT_MS = 200
"""How long an empty queue is waited for; ticks, SIGTERM and the status are looked at in between."""

EXPORTS_CHANGED = "its sampling interval or a template has changed"

CASES_WAIT_S = 4.0
"""What the case database may take at the end; what it does not take is written after the next start."""


class Collector:
    """Everything of the process.

    Args:
        config: the configuration.
        config_file: own detectors stand beside it.
    """

    def __init__(self, config: Config, *, config_file: Path) -> None:
        self._directory = config.serve.state_beside(config_file)
        exporters = Exporters(config.exporter, accept_unconfigured=False)
        attributor, self._sources = following(config, clock=now_ms)
        store = config.store
        self._segments = (
            Segments(store.directory, collector=config.serve.collector, clock=now_ms, floor_octets=store.floor_octets)
            if store.directory is not None
            else None
        )
        self._inputs = inputs_of(config.detect, indicators=(), is_ours=partial(is_ours, attributor))
        self._baseline_file, self._baseline_hour = config.detect.baseline, 0
        run = compose(
            config,
            exporters,
            attributor=attributor,
            engine=DuckDBEngine(),
            inputs=self._inputs,
            config_file=config_file,
            keep_nat_events=self._sources is not None and self._sources.takes_nat_events,
        )
        self._leases = (
            Leases(config.cases.url, config.serve.collector, [str(each.address) for each in config.exporter])
            if config.serve.shares and config.cases.url is not None
            else None
        )
        self._live = Live(
            run,
            checkpoint=Checkpoint(self._directory / STATE),
            segments=self._segments,
            store=store.directory,
            clock=now_ms,
            holds=None if self._leases is None else lambda: self._holds,
            on_tick=self._on_tick,
        )
        self._holds: frozenset[str] = frozenset()
        self._exporters = exporters
        self._intake = Intake(config.receive, exporters)
        self._cases = (
            CaseRecorder(config.cases.url, load_policy(config.cases.policy), seen_within_hours)
            if config.cases.url is not None
            else None
        )
        key_file = config.privacy.key_file
        self._presence = Presence(run, key=read_key_file(key_file) if key_file is not None else UNKEYED)
        self._export_changes: Counter[int] = Counter()
        self._lines_of: Mapping[str, int] = {}
        self._links: list[dict[str, Any]] = []
        self._counted_minute = 0
        self._alarms = Alarms(now_ms)
        self._watch = Watch(live=self._live, segments=self._segments, started_ms=now_ms())

    def run(self, asked: Asked) -> int:
        """Receive until asked to end; the exit status.

        Raises:
            InputError: an address cannot be listened at.
            Unavailable: the state cannot be kept.
        """
        self._exporters.start()
        # Sockets first: their buffers hold what arrives while the windows are folded anew.
        self._intake.open()
        if self._sources is not None:
            self._sources.open()
        self._live.start()
        self._export_changes = self._live.run.decoder.export_changes()
        if self._cases is not None:
            self._cases.start()
        if self._leases is not None:
            self._leases.start()
            self._holds = self._leases.held
        self._intake.start()
        if self._sources is not None:
            self._sources.start()
        resumed = self._live.resumed
        logger().info("receiving", listen=self._intake.names, episodes=resumed.episodes, records=resumed.records)
        status = 0
        try:
            self._receive(asked)
        except ClockSetBack as error:
            logger().error(str(error))
            status = BEGIN_ANEW
        self._close()
        return status

    def _receive(self, asked: Asked) -> None:
        told_s = 0.0
        while not asked.end.is_set():
            datagrams = self._intake.next(WAIT_MS)
            self._take_assignments()
            if self._leases is not None:
                self._holds = self._leases.held
            if datagrams is not None:
                self._live.receive(datagrams)
            else:
                self._live.pass_to(self._intake.drained_ms)
            self._fail_with_threads()
            if time.monotonic() - told_s >= EVERY_S:
                told_s = time.monotonic()
                self._tell()

    def _take_assignments(self) -> None:
        """Before the flows that came since: what was told of holders then counts for them."""
        if self._sources is None:
            return
        if self._sources.takes_nat_events:
            run = self._live.run
            self._sources.offer(run.decoder.take_events(), run.exporters)
        self._sources.take()

    def _fail_with_threads(self) -> None:
        """A thread that has ended by a mistake of ours ends the process: it is started again, and everybody is told."""
        for part in (self._intake, self._cases, self._sources, self._leases):
            if part is not None and part.failed is not None:
                raise part.failed

    def _on_tick(self, at_ms: int) -> None:
        if at_ms // HOUR_MS != self._baseline_hour:
            self._save_baseline()
            self._baseline_hour = at_ms // HOUR_MS
        self._hand_over(at_ms)

    def _hand_over(self, at_ms: int) -> None:
        if self._cases is None:
            return
        run = self._live.run
        report = run.detect.report()
        if at_ms // MINUTE_MS != self._counted_minute:
            self._counted_minute = at_ms // MINUTE_MS
            self._lines_of = {run.exporters[code]: n for code, n in run.windows.lines_by_exporter().items()}
        exporter_of = exporters_of(run, report)
        document = document_of(run, {}, report)
        self._links = link_status(document["impact"])
        told = Told(
            at_ms=at_ms,
            document=self._ours(document, exporter_of),
            exporter_of=exporter_of,
            lines_of=self._lines_of,
        )
        minutes = self._presence.minutes(at_ms, self._cases.open_lines)
        self._cases.hand_over(told, minutes=minutes, exports_changed=self._changed_exports())

    def _ours(self, document: dict[str, Any], exporter_of: Mapping[str, str]) -> dict[str, Any]:
        """Without what another collector reports."""
        if self._leases is None:
            return document
        detections = [
            d for d in document["detections"] if (of := exporter_of.get(d["line_id"])) is None or of in self._holds
        ]
        return document | {"detections": detections}

    def _changed_exports(self) -> dict[str, str]:
        """Exporters that have another sampling interval or template than at the last tick."""
        run, before = self._live.run, self._export_changes
        self._export_changes = run.decoder.export_changes()
        return {run.exporters[code]: EXPORTS_CHANGED for code in self._export_changes - before}

    def _save_baseline(self) -> None:
        """What lines usually send is learned by the hour: a kill costs the hour that runs."""
        if self._inputs.baseline is None or self._baseline_file is None:
            return
        try:
            self._inputs.baseline.save(self._baseline_file)
        except OSError as error:
            logger().warning("what lines usually send is not kept at present", why=str(error))

    def _tell(self) -> None:
        at_ms = now_ms()
        self._watch.look(self._alarms, at_ms)
        self._intake.look(self._alarms)
        for condition, found in (self._cases.look() if self._cases is not None else {}).items():
            self._alarms.look(condition, found)
        if self._sources is not None:
            self._sources.look(self._alarms)
        resumed = self._live.resumed
        tell(
            self._directory,
            NAME,
            at_ms=at_ms,
            samples=(
                *self._watch.samples(at_ms),
                *self._intake.samples(),
                *(self._cases.samples() if self._cases is not None else ()),
                *(self._sources.samples() if self._sources is not None else ()),
            ),
            alarms=self._alarms,
            about={
                "resumed": {"episodes": resumed.episodes, "records": resumed.records, "tick_ms": resumed.tick_ms},
                "links": self._links,
            },
        )

    def _close(self) -> None:
        """What has arrived is judged and kept; the sockets go last, so that as little as can be is refused."""
        while (datagrams := self._intake.next(0)) is not None:
            self._live.receive(datagrams)
        self._intake.close()
        self._live.close()
        self._save_baseline()
        self._hand_over(self._live.run.clock.tick_ms or now_ms())
        if self._cases is not None:
            self._cases.close(wait_s=CASES_WAIT_S)
        if self._leases is not None:
            self._leases.close()
        if self._sources is not None:
            self._sources.close()
        self._tell()
        logger().info("the collector ends", datagrams=self._live.run.decoder.datagrams)


def main(config_file: Path) -> int:
    """Run until asked to end.

    Raises:
        ConfigError: a wrong configuration.
        InputError: a file that cannot be used, or an address that cannot be listened at.
        Unavailable: the state cannot be kept.
    """
    asked = Asked()
    return Collector(load_config(config_file, os.environ), config_file=config_file).run(asked)
