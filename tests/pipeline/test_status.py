"""What a live run tells of itself: flows next to interface counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sekisho.collect.exporters import Exporters
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import Config
from sekisho.pipeline.batch import compose, load_attributor
from sekisho.pipeline.checkpoint import Checkpoint
from sekisho.pipeline.live import Live
from sekisho.pipeline.status import COVERED_MS, Watch
from sekisho.query.duckdb import DuckDBEngine

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_800_000_000_000
ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
WAITED_MS = 90_000


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """Looks at a run of four exporters that has received nothing."""
    exporter = [{"address": each, "active_timeout_s": 60, "inactive_timeout_s": 15} for each in ADDRESSES]
    config = Config.model_validate({"exporter": exporter})
    exporters = Exporters(config.exporter, accept_unconfigured=False)
    run = compose(
        config, exporters, attributor=load_attributor(config, (), None, lambda *_: None), engine=DuckDBEngine()
    )
    live = Live(run, checkpoint=Checkpoint(tmp_path / "state.db"), segments=None, store=None, clock=lambda: NOW_MS)
    live.start()
    run.clock.advance(NOW_MS)
    return Watch(live=live, segments=None, started_ms=NOW_MS)


def test_flows_are_compared_with_counters_by_exporter(watch: Watch, monkeypatch: pytest.MonkeyPatch):
    """A number where it is known, an alarm outside 0.8 to 1.2, over the last quarter of an hour that can be known."""
    shares, asked = [1.05, 0.4, None, 1.9], list[tuple[int | None, int, int]]()

    def coverage(exporter: int | None, first_ms: int, last_ms: int) -> float | None:
        asked.append((exporter, first_ms, last_ms))
        return shares[exporter or 0]

    assert watch.live.run.impact is not None
    monkeypatch.setattr(watch.live.run.impact, "coverage", coverage)
    told = {s.labels[0]: s.value for s in watch.samples(NOW_MS) if s.name == "coverage_ratio"}
    assert told == {ADDRESSES[0]: 1.05, ADDRESSES[1]: 0.4, ADDRESSES[3]: 1.9}
    assert asked == [(code, NOW_MS - WAITED_MS - COVERED_MS, NOW_MS) for code in range(4)]
    alarms = Alarms(lambda: NOW_MS)
    watch.look(alarms, NOW_MS)
    held = {alarm.subject: alarm.text("en") for alarm in alarms if alarm.condition is Condition.COVERAGE}
    assert set(held) == {ADDRESSES[1], ADDRESSES[3]}
    assert "40%" in held[ADDRESSES[1]]
    shares[:] = [1.0] * 4
    watch.look(alarms, NOW_MS)
    assert not [alarm for alarm in alarms if alarm.condition is Condition.COVERAGE]
