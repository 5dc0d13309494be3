"""Minutes that count as quiet: only those in which the line could have been seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sekisho.attribution.keys import UNKEYED
from sekisho.cases.quiet import MINUTE_MS
from sekisho.collect.capture import Capture
from sekisho.collect.exporters import Exporters
from sekisho.core.config import load_config
from sekisho.pipeline.batch import compose, load_attributor
from sekisho.pipeline.presence import MOST_MINUTES, Presence
from sekisho.pipeline.run import Run
from sekisho.query.duckdb import DuckDBEngine


class Watched:
    """A run over ``quick`` whose presence is asked at every tick."""

    def __init__(self, network: Path, lines: dict[str, str | None], *, quality: Any = None) -> None:
        config = load_config(network / "files.toml", {})
        exporters = Exporters(config.exporter, accept_unconfigured=False)
        exporters.start()
        attributor = load_attributor(config, (), None, lambda *_: None)
        self.run: Run = compose(config, exporters, attributor=attributor, engine=DuckDBEngine())
        self.run.start()
        if quality is not None:
            self.run.quality = quality
        presence = Presence(self.run, key=UNKEYED)
        self.minutes = []
        self.ticks = []

        def after(at_ms: int) -> None:
            self.ticks.append(at_ms)
            self.minutes += presence.minutes(at_ms, lines)

        self.run.after_tick = after
        for datagrams in Capture(str(network / "flows.pcap"), exporters=exporters):
            self.run.receive(datagrams)
        self.run.finish()


def lines_of(network: Path) -> list[str]:
    rows = (network / "assignments.csv").read_text().splitlines()[1:]
    return sorted({row.split(",")[0] for row in rows})


def test_every_whole_minute_once_and_in_order(quick: Path) -> None:
    """From the second minute on: of the first nobody knows what came before."""
    (line, *_) = lines_of(quick)
    watched = Watched(quick, {line: None})
    first, last = watched.ticks[0] // MINUTE_MS, watched.ticks[-1] // MINUTE_MS
    assert [minute.at_ms // MINUTE_MS for minute in watched.minutes] == list(range(first, last))
    assert last - first > 2


def test_a_line_that_nothing_is_known_of_is_not_online(quick: Path) -> None:
    """No assignment, or nothing heard: its silence says nothing; an exporter that is not there delivers nothing."""
    lines = dict.fromkeys([*lines_of(quick), "nobody"])
    watched = Watched(quick, lines)
    online = {minute.line_id for minute in watched.minutes if minute.online}
    heard = {name for name in lines if name in online}
    assert heard
    assert "nobody" not in heard
    assert all(minute.delivered and minute.covered for minute in watched.minutes)
    absent = Watched(quick, {lines_of(quick)[0]: "192.0.2.99"})
    assert absent.minutes
    assert not any(minute.delivered for minute in absent.minutes)


class _Bad:
    """Quality that is not enough."""

    def __init__(self, loss: float, coverage: float | None) -> None:
        self._loss, self._coverage = loss, coverage

    def tick(self, *_: Any) -> None:
        """Nothing."""

    def loss(self, *_: Any) -> float:
        return self._loss

    def of(self, *_: Any) -> Any:
        from sekisho.schema.detection import Quality

        return Quality(loss=self._loss, coverage=self._coverage)


@pytest.mark.parametrize(("loss", "coverage", "counts"), [(0.2, None, True), (0.21, None, False), (0, 0.2, False)])
def test_loss_and_coverage_decide(quick: Path, loss: float, coverage: float | None, counts: bool) -> None:
    """What would not be seen is no silence."""
    watched = Watched(quick, {lines_of(quick)[0]: None}, quality=_Bad(loss, coverage))
    assert {minute.delivered and minute.covered for minute in watched.minutes} == {counts}


def test_a_gap_in_time_counts_for_nothing(quick: Path) -> None:
    """The machine slept: nobody was seen meanwhile."""
    watched = Watched(quick, {})
    presence = Presence(watched.run, key=UNKEYED)
    line, end = lines_of(quick)[0], watched.ticks[-1]
    assert not list(presence.minutes(end, {line: None}))
    assert not list(presence.minutes(end + (MOST_MINUTES + 1) * MINUTE_MS, {line: None}))
    assert np.array_equal(watched.run.attributor.holds(np.array([0]), at_ms=end), [False])
