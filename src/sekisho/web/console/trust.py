"""How far the numbers can be trusted: silence, loss, coverage and delay, out of what the processes tell."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.detect.level import COVERED
from sekisho.pipeline.status import LOSS_SHARE, SILENT_AFTER_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sekisho.core.metrics import Sample
    from sekisho.web.console.state import ProcessStatus

STALE_MS = 60_000
"""A process that has not told anything for so long hangs (``serve/status.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterTrust:
    """One exporter; None where something is not known.

    Attributes:
        silent_s: since it was last heard.
        lost: share of what it sent that did not arrive, since the collector started.
        coverage: octets of flows over octets of its counters.
        skew_s: its clock minus ours, the worst of its domains.
    """

    name: str
    silent_s: float | None
    lost: float | None
    coverage: float | None
    skew_s: float | None

    @property
    def is_silent(self) -> bool:
        """For longer than any router waits."""
        return self.silent_s is not None and self.silent_s * 1000 >= SILENT_AFTER_MS

    @property
    def is_lossy(self) -> bool:
        """More than a hundredth did not arrive."""
        return self.lost is not None and self.lost > LOSS_SHARE

    @property
    def is_uncovered(self) -> bool:
        """Flows and counters do not agree."""
        return self.coverage is not None and not COVERED[0] <= self.coverage <= COVERED[1]

    @property
    def is_well(self) -> bool:
        """Nothing that a person should look at."""
        return not (self.is_silent or self.is_lossy or self.is_uncovered)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTrust:
    """One process.

    Attributes:
        silent_s: since it told of itself.
        is_up: as the supervisor sees it; None where it does not say.
    """

    name: str
    silent_s: float
    is_up: bool | None
    is_stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTrust:
    """One source of assignments; None where something is not known.

    Attributes:
        silent_s: since it told anything.
        delay_s: how much later than they happen it tells of things.
    """

    name: str
    silent_s: float | None
    delay_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Everything.

    Attributes:
        is_told: whether a collector tells at all; without it nothing is measured now.
        told_ms: when it last did.
        delay_s: wall clock minus what has been processed.
        kernel_drops, shed: datagrams lost here, since the collector started.
        unattributed: share of records of which no side has a line.
        alarms: conditions that hold, the longest first.
    """

    is_told: bool
    told_ms: int | None
    delay_s: float | None
    kernel_drops: int
    shed: int
    unattributed: float | None
    exporters: tuple[ExporterTrust, ...]
    sources: tuple[SourceTrust, ...]
    processes: tuple[ProcessTrust, ...]
    alarms: tuple[dict[str, Any], ...]

    @property
    def is_well(self) -> bool:
        """Whether numbers can be taken as they are."""
        is_measuring = self.is_told and self.delay_s is not None
        return is_measuring and not self.alarms and all(e.is_well for e in self.exporters) and not self.ill

    @property
    def ill(self) -> list[ProcessTrust]:
        """Processes that are down or do not tell."""
        return [process for process in self.processes if process.is_stale or process.is_up is False]


def trust_of(statuses: Sequence[ProcessStatus], now_ms: int) -> Trust:
    """Out of the latest word of every process."""
    samples: defaultdict[str, list[Sample]] = defaultdict(list)
    for status in statuses:
        for sample in status.samples:
            samples[sample.name].append(sample)
    told = {status.process: status.at_ms for status in statuses}
    collector_ms = told.get("collector")
    records, unattributed = _sum(samples["records_total"]), _sum(samples["unattributed_total"])
    delays = [sample.value for sample in samples["stream_delay_seconds"]]
    alarms = [alarm for status in statuses for alarm in status.alarms]
    return Trust(
        is_told=collector_ms is not None and now_ms - collector_ms < STALE_MS,
        told_ms=collector_ms,
        delay_s=max(delays, default=None),
        kernel_drops=int(_sum(samples["kernel_drops_total"])),
        shed=int(_sum(samples["shed_total"])),
        unattributed=unattributed / records if records else None,
        exporters=_exporters(samples),
        sources=_sources(samples),
        processes=_processes(told, samples["process_up"], now_ms),
        alarms=tuple(sorted(alarms, key=lambda alarm: (alarm["since"], alarm["condition"], alarm["subject"]))),
    )


def _exporters(samples: defaultdict[str, list[Sample]]) -> tuple[ExporterTrust, ...]:
    silent = {sample.labels[0]: sample.value for sample in samples["exporter_silent_seconds"]}
    expected, lost = (_by_first(samples[f"export_units{part}_total"]) for part in ("", "_lost"))
    covered = {sample.labels[0]: sample.value for sample in samples["coverage_ratio"]}
    skews: dict[str, float] = {}
    for sample in samples["clock_skew_seconds"]:
        skews[sample.labels[0]] = max(skews.get(sample.labels[0], 0.0), sample.value, key=abs)
    rows = [
        ExporterTrust(
            name=name,
            silent_s=silent.get(name),
            lost=lost[name] / expected[name] if expected[name] else None,
            coverage=covered.get(name),
            skew_s=skews.get(name),
        )
        for name in sorted({*silent, *expected, *covered})
    ]
    return tuple(sorted(rows, key=lambda row: row.is_well))


def _sources(samples: defaultdict[str, list[Sample]]) -> tuple[SourceTrust, ...]:
    silent, delay = (
        {sample.labels[0]: sample.value for sample in samples[f"source_{name}_seconds"]} for name in ("silent", "delay")
    )
    names = sorted({*silent, *delay})
    return tuple(SourceTrust(name=name, silent_s=silent.get(name), delay_s=delay.get(name)) for name in names)


def _processes(told: dict[str, int], up: Iterable[Sample], now_ms: int) -> tuple[ProcessTrust, ...]:
    is_up = {sample.labels[0]: sample.value == 1.0 for sample in up}
    # What a process told that is not wanted any more lies there still.
    names = [*(name for name in told if name == "supervisor"), *is_up] if is_up else list(told)
    return tuple(
        ProcessTrust(
            name=name,
            silent_s=(now_ms - told[name]) / 1000 if name in told else 0.0,
            is_up=is_up.get(name),
            is_stale=name not in told or now_ms - told[name] >= STALE_MS,
        )
        for name in names
    )


def _by_first(samples: Iterable[Sample]) -> defaultdict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for sample in samples:
        sums[sample.labels[0]] += sample.value
    return sums


def _sum(samples: Iterable[Sample]) -> float:
    return sum(sample.value for sample in samples)
