"""The scheduled batch: each whole day of a store once, and each new indicator once over all that is stored.

A day's report is written last and as a whole: a day that has one is done, and a run that was killed does the day again
with the same answer. Days that nobody ran are caught up with while their flows are kept; those of which nothing is left
any more are named in the next report. What is new among the indicators is remembered after its report was written.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sekisho.core.errors import Unavailable
from sekisho.core.time import iso
from sekisho.core.whole_file import write_whole
from sekisho.detect.baseline import Baseline
from sekisho.detect.indicators.read import read_indicators
from sekisho.pipeline.batch import is_ours
from sekisho.pipeline.daily import bounds, day_of, judge
from sekisho.pipeline.daily_flows import (
    DayFlows,
    HereAsked,
    SparkAsked,
    hours_of,
    hunted_here,
    hunted_on_spark,
    raw_files,
)
from sekisho.store import audit
from sekisho.store.read import snapshot
from sekisho.store.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.attribution.attributor import Attributor
    from sekisho.core.config import Config
    from sekisho.pipeline.batch import Advance
    from sekisho.pipeline.daily_flows import Asked
    from sekisho.query.duckdb import DuckDBEngine
    from sekisho.query.spark import SparkEngine
    from sekisho.store.hunt import Found
    from sekisho.store.read import Snapshot

FOLDER = "batch"
"""Below the state directory."""

SETTLE_MS = 15 * 60_000
"""How long after its end a day is complete: flow caches report late, and the collector closes its segment."""

PURPOSE = "own_network_protection"
_BASELINE, _INDICATORS, _LOCK = "baseline-{}.parquet", "indicators.json", ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What asks the questions; ``spark`` is None in this process."""

    here: DuckDBEngine
    spark: SparkEngine | None = None

    def asked(self, day: DayFlows, config: Config, attributor: Attributor) -> Asked:
        """A day's flows behind this engine."""
        if self.spark is not None:
            return SparkAsked(day, self.spark, config, attributor)
        return HereAsked(day, self.here, config, attributor)

    def hunted(self, store: Snapshot, targets: Targets) -> Found:
        """Whoever sent to the targets."""
        return hunted_on_spark(store, targets, self.spark) if self.spark is not None else hunted_here(store, targets)

    def close(self) -> None:
        """Let go of threads and memory."""
        for engine in (self.here, self.spark):
            if engine is not None:
                engine.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run did.

    Attributes:
        days: the documents of the days that were due, in order.
        hunt: that of the hunt for new indicators; None where none is new.
        missed: days of which no flow is left.
    """

    days: tuple[dict[str, Any], ...]
    hunt: dict[str, Any] | None
    missed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"schema": "sekisho.batch/1", "days": self.days, "hunt": self.hunt, "missed": self.missed}


def run(
    config: Config, folder: Path, root: Path, *, attributor: Attributor, engine: Engine, now_ms: int, who: str,
    on_progress: Advance,
) -> Done:  # fmt: skip
    """Do what is due.

    Args:
        config: the configuration.
        folder: what the batch keeps.
        root: folder of the flow store.
        attributor: started.
        engine: what asks.
        now_ms: milliseconds UTC.
        who: for the audit file, the system's user.
        on_progress: told which day.

    Raises:
        InputError: a store or a file that cannot be used.
        Refused: the hunt cannot be recorded.
        Unavailable: another run goes on.
    """
    with alone(folder):
        with snapshot(root) as store:
            days, missed = _due(folder, store, now_ms)
        done: list[dict[str, Any]] = []
        for number, day in enumerate(days):
            on_progress(day.isoformat(), number, len(days))
            # Days that are lost are told once, with the first day that is not.
            lost = [each.isoformat() for each in missed] if not done else []
            # One day at a time, so that the store's keeper can move and remove files in between.
            with snapshot(root) as store:
                done.append(_one_day(config, folder, store, day, attributor=attributor, engine=engine, missed=lost))
        with snapshot(root) as store:
            hunt = _hunt(config, folder, store, attributor=attributor, engine=engine, now_ms=now_ms, who=who)
    return Done(days=tuple(done), hunt=hunt, missed=tuple(each.isoformat() for each in missed))


def _one_day(
    config: Config, folder: Path, store: Snapshot, day: date, *, attributor: Attributor, engine: Engine,
    missed: list[str],
) -> dict[str, Any]:  # fmt: skip
    flows = DayFlows.of(store, *bounds(day))
    # What was known before the day, so that a day that is done again has the same answer.
    before = [path for path in _baselines(folder) if path.name < _BASELINE.format(day.isoformat())]
    baseline = Baseline.load(before[-1]) if before else Baseline()
    asked = engine.asked(flows, config, attributor)
    try:
        document = judge(day, flows, asked, attributor, baseline) | {"missed_days": missed}
    finally:
        asked.close()
    baseline.save(folder / _BASELINE.format(day.isoformat()))
    _write(folder / f"{day.isoformat()}.json", document)
    for path in before:
        path.unlink()
    return document


def _baselines(folder: Path) -> list[Path]:
    """What was usual after each of some days, in order: that of the last, and of a day that was not finished."""
    return sorted(folder.glob(_BASELINE.format("*")))


def _due(folder: Path, store: Snapshot, now_ms: int) -> tuple[list[date], list[date]]:
    """Whole days without a report of which there are flows, and those since the last report of which there are none."""
    reported = {path.stem for path in folder.glob("????-??-??.json")}
    last = day_of(now_ms - SETTLE_MS) - timedelta(days=1)
    recent = (batch for segment in store.segments for batch in segment)
    stored = {day_of(hour) for hour in hours_of(raw_files(store), recent)}
    due = sorted(day for day in stored if day <= last and day.isoformat() not in reported)
    missed = []
    if reported:
        day = date.fromisoformat(max(reported)) + timedelta(days=1)
        while day <= last:
            if day not in stored:
                missed.append(day)
            day += timedelta(days=1)
    return due, missed


def _hunt(
    config: Config, folder: Path, store: Snapshot, *, attributor: Attributor, engine: Engine, now_ms: int, who: str
) -> dict[str, Any] | None:
    """Look for what was not known when the traffic passed; every indicator once, over all that is stored."""
    if not config.detect.indicators:
        return None
    table = read_indicators(config.detect.indicators, is_ours=partial(is_ours, attributor)).table
    marks = [_mark(row) for row in table.to_pylist()]
    known = _known(folder)
    new = [number for number, mark in enumerate(marks) if mark not in known]
    if not new:
        return None
    targets = Targets.of_indicators(table.take(new))
    found = engine.hunted(store, targets)
    audit.record(
        store.root / audit.AUDIT,
        at_ms=now_ms,
        who=who,
        action="hunt",
        purpose=PURPOSE,
        details={
            "asked": {"indicators": "batch", "entries": len(new)},
            "answered": {"lines": found.total.lines, "records": found.total.records},
        },
    )
    document = {
        "schema": "sekisho.hunt/1",
        "purpose": PURPOSE,
        "at": iso(now_ms),
        "entries": len(new),
        "total": asdict(found.total),
        "indicators": [
            {"label": targets.labels[number], **asdict(count)} for number, count in found.indicators.items()
        ],
        "lines": [asdict(count) for count in found.lines],
        "reading": asdict(found.reading),
    }
    digest = hashlib.sha256("".join(sorted(marks[number] for number in new)).encode()).hexdigest()[:16]
    _write(folder / f"hunt-{digest}.json", document)
    # What left the feeds is forgotten with it: it is new again if it comes back.
    _write(folder / _INDICATORS, sorted({*marks}))
    return document


def _mark(row: dict[str, Any]) -> str:
    """What makes an indicator the same as before: whom it means and since when, not what a feed calls it."""
    named = ("hi_first", "hi_last", "lo_first", "lo_last", "port", "protocol", "valid_from_ms")
    return hashlib.sha256(repr([row[name] for name in named]).encode()).hexdigest()[:32]


def _known(folder: Path) -> set[str]:
    path = folder / _INDICATORS
    return set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()


def _write(path: Path, document: Any) -> None:
    write_whole(path, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only batch of this folder, which is made where there is none.

    Raises:
        Unavailable: another is.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"{folder}: another batch runs") from None
        yield
    finally:
        os.close(descriptor)
