"""A live run that begins goes on where the last one stood: what it knew is read, its windows are folded anew.

The windows of a busy network are some gigabytes, too much to be written at every tick. The records that they were made
of stand in the flow store. As many as fit into a few seconds are folded again; what lies further back stays as the
episodes have it and cannot be revised any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from sekisho.detect.detect import HORIZON_MS
from sekisho.pipeline.clock import TICK_MS
from sekisho.pipeline.stored import StoredFlows
from sekisho.schema.line_target import BLOCK_MS
from sekisho.store.layout import Layout, segments_of
from sekisho.store.read import is_store, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sekisho.pipeline.checkpoint import Checkpoint, Kept, Standing
    from sekisho.pipeline.run import Run
    from sekisho.schema.batch import FlowBatch

RESUME_ROWS = 10_000_000
"""Records folded again at most: about ten seconds, in which the sockets' buffers hold what arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What was taken over.

    Attributes:
        tick_ms: last tick of the earlier run, milliseconds UTC; 0 where there was none.
        rebuilt_from_ms: windows from here on are as they were.
        episodes: tracks taken over.
        records: folded again.
    """

    tick_ms: int = 0
    rebuilt_from_ms: int = 0
    episodes: int = 0
    records: int = 0


def resume(run: Run, checkpoint: Checkpoint, *, store: Path | None, now_ms: int) -> Resumed:
    """Bring a started run, which has not received anything, to where the last one stood.

    Args:
        run: the run.
        checkpoint: opened.
        store: folder of the flow store; None where there is none.
        now_ms: a checkpoint of the future was written before the clock was set back: its episodes are kept, and their
            time is not repeated.
    """
    codes = {text: code for code, text in enumerate(run.exporters)}
    standing = checkpoint.standing(code_of=codes.get)
    if standing is None:
        return Resumed()
    run.decoder.restore(standing.sources, standing.learned)
    was_ahead = standing.tick_ms > now_ms + TICK_MS
    run.quality.tick(now_ms if was_ahead else standing.tick_ms, run.decoder.losses())
    can_replay = store is not None and is_store(store) and not was_ahead
    rebuilt_from_ms = _rebuilt_from(store, standing.tick_ms) if store is not None and can_replay else standing.tick_ms
    flows = (
        # What the store has of a time that has not come was received while the clock was ahead.
        _until(now_ms + TICK_MS, StoredFlows(store, exporters=run.boundaries.exporters, from_ms=rebuilt_from_ms))
        if store is not None and can_replay
        else iter(())
    )
    records = 0
    judged, rest = _parted(flows, standing.tick_ms)
    for batch in judged:
        records += len(batch)
        run.look_back(batch)
    if was_ahead:
        _end_by(standing, now_ms)
    _restore(run, standing, rebuilt_from_ms)
    for batch in rest:
        records += len(batch)
        run.receive_flows(batch)
    return Resumed(
        tick_ms=standing.tick_ms, rebuilt_from_ms=rebuilt_from_ms, episodes=len(standing.tracks), records=records
    )


def _until(last_ms: int, flows: Iterable[FlowBatch]) -> Iterator[FlowBatch]:
    return takewhile(lambda batch: int(batch.column("received_at")[-1]) <= last_ms, flows)


def _end_by(standing: Standing, now_ms: int) -> None:
    for kept in standing.tracks:
        if kept.track is not None:
            kept.track.settle(standing.tick_ms)
            kept.track.end_by(now_ms)


def _parted(flows: Iterator[FlowBatch], tick_ms: int) -> tuple[Iterator[FlowBatch], Iterator[FlowBatch]]:
    """Batches of the ticks up to one, then those after it; to be read in this order."""
    later: list[FlowBatch] = []

    def before() -> Iterator[FlowBatch]:
        for batch in flows:
            if int(batch.column("received_at")[-1]) > tick_ms:
                later.append(batch)
                return
            yield batch

    def after() -> Iterator[FlowBatch]:
        yield from later
        yield from flows

    return before(), after()


def _rebuilt_from(store: Path, tick_ms: int) -> int:
    """Start of a block from which on the store's records are few enough, an hour and a block back at most."""
    from_ms = tick_ms - HORIZON_MS - BLOCK_MS
    rows = sum(segment.rows or 0 for segment in segments_of(Layout(store)))
    with snapshot(store) as found:
        for file in sorted(found.files, key=lambda file: -file.last_ms):
            if file.last_ms < from_ms:
                continue
            rows += file.rows
            if rows > RESUME_ROWS:
                from_ms = max(from_ms, file.last_ms)
    return min(-(-from_ms // BLOCK_MS) * BLOCK_MS, tick_ms)


def _restore(run: Run, standing: Standing, rebuilt_from_ms: int) -> None:
    for kept in standing.tracks:
        _restore_subject(run, kept)
    run.detect.restore(
        ((kept.line, kept.kind, kept.track) for kept in standing.tracks if kept.track is not None),
        standing.remembered,
        at_ms=standing.tick_ms,
        rebuilt_from_ms=rebuilt_from_ms,
    )


def _restore_subject(run: Run, kept: Kept) -> None:
    """A sender that has episodes is known again; without its exporter or its realm it cannot be named."""
    realms = run.boundaries.realms
    if kept.subject is None or kept.track is None or kept.track.exporter is None or kept.realm not in realms:
        return
    run.subjects.restore(kept.subject, exporter=kept.track.exporter, realm=realms.index(kept.realm))
