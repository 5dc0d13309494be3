"""The live run: the answer of ``analyze``, and the same answer when it is killed in between."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sekisho.collect.capture import Capture
from sekisho.collect.exporters import Exporters
from sekisho.core.config import load_config
from sekisho.core.errors import Unavailable
from sekisho.core.time import iso
from sekisho.pipeline.analysis import document_of
from sekisho.pipeline.batch import analyze, compose, load_attributor
from sekisho.pipeline.checkpoint import Checkpoint
from sekisho.pipeline.clock import TICK_MS
from sekisho.pipeline.live import ClockSetBack, Live
from sekisho.query.duckdb import DuckDBEngine
from sekisho.store.compact import Compactor
from sekisho.store.segments import Segments
from sekisho.wire.datagrams import Datagrams

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def network(quick: Path) -> Path:
    return quick


@pytest.fixture(scope="module")
def batch(network: Path) -> dict[str, Any]:
    return analyze(
        [str(network / "flows.pcap")],
        lines=[],
        map_e=None,
        engine="duckdb",
        config_file=network / "files.toml",
        on_progress=lambda *_: None,
    ).document


class Collector:
    """A live run over a state directory and a store, as the collector process has it."""

    def __init__(self, network: Path, state: Path, *, with_store: bool = True) -> None:
        config = load_config(network / "files.toml", {})
        self.exporters = Exporters(config.exporter, accept_unconfigured=False)
        self.exporters.start()
        self.now_ms = 0
        self.ticks: list[int] = []
        run = compose(
            config,
            self.exporters,
            attributor=load_attributor(config, (), None, lambda *_: None),
            engine=DuckDBEngine(),
        )
        store = state / "flows" if with_store else None
        segments = (
            Segments(store, collector="c0", clock=lambda: self.now_ms, floor_octets=0) if store is not None else None
        )
        self.live = Live(
            run,
            checkpoint=Checkpoint(state / "state.db"),
            segments=segments,
            store=store,
            clock=lambda: self.now_ms,
            on_tick=self.ticks.append,
        )

    def start(self, now_ms: int) -> Collector:
        self.now_ms = now_ms
        self.live.start()
        return self

    def receive(self, datagrams: Datagrams) -> None:
        self.now_ms = int(datagrams.received_at.max())
        self.live.receive(datagrams)

    def document(self) -> dict[str, Any]:
        self.live.run.finish()
        return document_of(self.live.run, {})


def datagrams_of(network: Path) -> list[Datagrams]:
    """Every datagram of the capture under the codes of the configuration, in small parts, none of two ticks."""
    config = load_config(network / "files.toml", {})
    exporters = Exporters(config.exporter)
    capture = Capture(str(network / "flows.pcap"), exporters=exporters, on_progress=lambda *_: None)
    return [part for whole in capture for part in _parts(whole)]


def _parts(whole: Datagrams) -> Iterator[Datagrams]:
    ticks = -(-whole.received_at // TICK_MS)
    starts = sorted({*range(0, len(whole), 50), *(np.flatnonzero(np.diff(ticks)) + 1).tolist(), len(whole)})
    for first, last in pairwise(starts):
        yield whole.between(first, last)


def stable(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("detections", "unattributed_detections", "events")}


def test_live_and_batch_give_the_same_json(network: Path, batch: dict[str, Any], tmp_path: Path):
    """Ticks that idle sockets complete are those that the next datagram would have completed."""
    collector = Collector(network, tmp_path).start(0)
    for part in datagrams_of(network):
        collector.live.pass_to(int(part.received_at[0]))
        collector.receive(part)
    assert collector.document() == batch


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_killed_goes_on_as_if_nothing_had_happened(
    network: Path, batch: dict[str, Any], tmp_path: Path, seed: int
):
    """Killed after any ticks, with or without compaction in between: the same episodes, none lost, none doubled."""
    rng = random.Random(seed)
    parts = datagrams_of(network)
    first_ms, last_ms = int(parts[0].received_at[0]), int(parts[-1].received_at[-1])
    kills = sorted(rng.sample(range(first_ms // TICK_MS + 2, last_ms // TICK_MS), 4))
    collector = Collector(network, tmp_path).start(first_ms)
    for part in parts:
        while kills and part.received_at[0] > kills[0] * TICK_MS:
            at_ms = kills.pop(0) * TICK_MS
            collector.live.pass_to(at_ms + 1)
            # Nothing is closed: the process is gone.
            if rng.random() < 0.5:
                Compactor(tmp_path / "flows", clock=lambda at=at_ms: at).run(everything=True)
            collector = Collector(network, tmp_path).start(at_ms)
            assert collector.live.resumed.tick_ms >= at_ms - TICK_MS
        collector.receive(part)
    assert stable(collector.document()) == stable(batch)
    assert collector.document()["input"]["records_lost"] == 0


def test_without_a_store_episodes_go_on_from_the_checkpoint(network: Path, batch: dict[str, Any], tmp_path: Path):
    """What the windows held is in the episodes: the same lines and kinds, each once, first seen when it was."""
    parts = datagrams_of(network)
    middle = len(parts) // 2
    collector = Collector(network, tmp_path, with_store=False).start(int(parts[0].received_at[0]))
    for part in parts[:middle]:
        collector.receive(part)
    at_ms = int(parts[middle].received_at[0])
    collector = Collector(network, tmp_path, with_store=False).start(at_ms)
    for part in parts[middle:]:
        collector.receive(part)
    found = [(d["line_id"], d["kind"], d["first_seen"]) for d in collector.document()["detections"]]
    assert len(found) == len(set(found))
    assert {name[:2] for name in found} == {(d["line_id"], d["kind"]) for d in batch["detections"]}


def test_closing_loses_nothing(network: Path, batch: dict[str, Any], tmp_path: Path):
    """SIGTERM in the middle of a tick: the next run judges that tick whole."""
    parts = datagrams_of(network)
    collector = Collector(network, tmp_path).start(int(parts[0].received_at[0]))
    for number, part in enumerate(parts):
        collector.receive(part)
        if number % 40 == 39:
            collector.live.close()
            collector = Collector(network, tmp_path).start(int(part.received_at[-1]))
    assert stable(collector.document()) == stable(batch)


def test_the_store_analysed_in_batch_gives_the_same(network: Path, batch: dict[str, Any], tmp_path: Path):
    """What `serve` kept is an input of `analyze`, compacted or not: the same detections, records and reasons."""
    parts = datagrams_of(network)
    collector = Collector(network, tmp_path).start(int(parts[0].received_at[0]))
    for number, part in enumerate(parts):
        collector.receive(part)
        if number == len(parts) // 2:
            collector.live.close()
            at_ms = collector.now_ms
            Compactor(tmp_path / "flows", clock=lambda at=at_ms: at).run(everything=True)
            collector = Collector(network, tmp_path).start(at_ms)
    collector.live.close()
    found = analyze(
        [str(tmp_path / "flows")],
        lines=[],
        map_e=None,
        engine="duckdb",
        config_file=network / "files.toml",
        on_progress=lambda *_: None,
    ).document
    assert stable(found) == stable(batch)
    # The first datagrams held templates and no flow: a store knows nothing of them.
    of_datagrams = {name: batch["input"][name] for name in ("datagrams", "first")}
    assert found["input"] | of_datagrams == batch["input"]


def test_a_clock_that_is_set_back_ends_the_run(network: Path, tmp_path: Path):
    """An hour back: the run says so; the next one keeps the episodes and begins at the new time."""
    parts = datagrams_of(network)
    collector = Collector(network, tmp_path).start(int(parts[0].received_at[0]))
    for part in parts:
        collector.receive(part)
    known = collector.live.run.detect.detections()
    back = np.array(parts[0].received_at - 3_600_000)
    early = Datagrams(
        payload=parts[0].payload,
        offset=parts[0].offset,
        length=parts[0].length,
        received_at=back,
        exporter=parts[0].exporter,
        source_port=parts[0].source_port,
    )
    with pytest.raises(ClockSetBack, match="set back"):
        collector.receive(early)
    collector.live.close()
    again = Collector(network, tmp_path).start(int(back[0]))
    again.receive(early)
    assert [(d.line_id, d.kind, d.first_seen_ms) for d in again.live.run.detect.detections()] == [
        (d.line_id, d.kind, d.first_seen_ms) for d in known
    ]


def stepped(part: Datagrams, by_ms: int) -> Datagrams:
    """The same datagrams while the machine's clock is wrong; the exporters' clocks are right."""
    return Datagrams(
        payload=part.payload,
        offset=part.offset,
        length=part.length,
        received_at=part.received_at + by_ms,
        exporter=part.exporter,
        source_port=part.source_port,
    )


def test_a_clock_that_is_set_forward_and_back(network: Path, batch: dict[str, Any], tmp_path: Path):
    """An hour forward: it goes on at the new time. Back: it begins anew. Nothing is lost, and what goes on is seen."""
    parts = datagrams_of(network)
    third = len(parts) // 3
    collector = Collector(network, tmp_path).start(int(parts[0].received_at[0]))
    for part in parts[:third]:
        collector.receive(part)
    before = {(d.line_id, d.kind) for d in collector.live.run.detect.detections()}
    for part in parts[third : 2 * third]:
        collector.receive(stepped(part, 3_600_000))
    during = {(d.line_id, d.kind) for d in collector.live.run.detect.detections()}
    with pytest.raises(ClockSetBack, match="set back by 3,"):
        collector.receive(parts[2 * third])
    back_ms = int(parts[2 * third].received_at[0])
    for half in (parts[2 * third : 5 * third // 2], parts[5 * third // 2 :]):
        # The second start finds flows in the store whose time has not come.
        collector.live.close()
        collector = Collector(network, tmp_path).start(int(half[0].received_at[0]))
        for part in half:
            collector.receive(part)
    collector.live.pass_to(int(parts[-1].received_at[-1]) + TICK_MS)
    found = collector.live.run.detect.detections()
    names = {(d.line_id, d.kind) for d in found}
    # During the hour ahead an address may be its next holder's: this network's files tell who that will be.
    assert before < during <= names
    assert names >= {(d["line_id"], d["kind"]) for d in batch["detections"]}
    now_ms = collector.live.run.clock.now_ms
    assert now_ms == int(parts[-1].received_at[-1])
    going_on = {(d.line_id, d.kind) for d in found if back_ms < d.last_seen_ms <= now_ms}
    expected = {(d["line_id"], d["kind"]) for d in batch["detections"] if d["last_seen"] > iso(back_ms + 20_000)}
    assert expected & before, "somebody goes on all the time"
    assert expected <= going_on
    document = collector.document()
    assert (document["input"]["records_lost"], document["input"]["late"]) == (0, 0)


def test_a_disk_that_refuses_stops_no_detection(
    network: Path, batch: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What could not be kept at one tick is part of the next that can."""
    parts = datagrams_of(network)
    collector = Collector(network, tmp_path).start(int(parts[0].received_at[0]))
    save = Checkpoint.save

    def refuse(*_: Any) -> None:
        raise Unavailable("full")

    third = len(parts) // 3
    for number, part in enumerate(parts):
        monkeypatch.setattr(Checkpoint, "save", refuse if third <= number < 2 * third else save)
        collector.receive(part)
    at_ms = int(parts[-1].received_at[-1])
    collector.live.pass_to(at_ms + TICK_MS)
    assert collector.live.is_kept
    again = Collector(network, tmp_path).start(at_ms + TICK_MS)
    assert stable(again.document()) == stable(batch)


def test_a_damaged_state_is_put_aside(network: Path, tmp_path: Path):
    """The run begins anew, and the damaged file is there to be looked at."""
    (tmp_path / "state.db").write_bytes(b"no database at all" * 100)
    collector = Collector(network, tmp_path).start(0)
    assert collector.live.resumed.episodes == 0
    assert (tmp_path / "state.db.damaged").exists()
