"""Compaction: every record once at every instant, pruned well, kept as long as it may be."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sekisho.core.errors import InputError, Unavailable
from sekisho.schema.flow import FLOW
from sekisho.store import commits, compact, parquet
from sekisho.store.compact import MERGE_AFTER_MS, WAIT_MS, Compactor
from sekisho.store.layout import HOUR_MS, Layout, segments_of
from sekisho.store.read import snapshot
from sekisho.store.retention import Retention
from sekisho.store.segments import Segments
from sekisho.store.space import SpaceFloor
from store.flows import EXPORTERS, T0, Clock, numbered, stored_numbers

KEEP = Retention(raw_ms=24 * HOUR_MS, kept_ms=240 * HOUR_MS)


@pytest.fixture
def clock():
    return Clock()


def write(root, clock, *batches):
    writer = Segments(root, collector="c1", clock=clock, space=SpaceFloor(root, 1, measure=lambda _: 1 << 40))
    writer.start()
    for batch in batches:
        writer.append(batch)
    writer.close()


def write_hours(root, clock):
    """Two small files of a past hour and a segment: something to compact, to merge, to name and to remove."""
    for first in (0, 10, 20):
        write(root, clock, numbered(first, 10))
        Compactor(root, clock=clock).run(everything=first < 20)


def files(root):
    with snapshot(root) as found:
        return sorted(found.files, key=lambda file: file.path)


def test_by_hour_and_exporter(tmp_path, clock):
    """Rows of two hours and two exporters become four files in folders that say so; every row is there once."""
    write(tmp_path, clock, numbered(0, 100), numbered(100, 100, received_ms=T0 + HOUR_MS))
    done = Compactor(tmp_path, clock=clock).run(everything=True)
    assert (done.segments, done.rows, done.torn) == (1, 200, 0)
    found = files(tmp_path)
    assert [(file.hour_ms - T0, file.exporter, file.rows) for file in found] == [
        (0, "192.0.2.1", 50), (0, "2001:db8::1", 50), (HOUR_MS, "192.0.2.1", 50), (HOUR_MS, "2001:db8::1", 50),
    ]  # fmt: skip
    assert found[1].path.split("/")[2] == "2001-db8--1"
    assert not segments_of(Layout(tmp_path))
    assert stored_numbers(tmp_path).tolist() == list(range(200))
    assert not list(tmp_path.rglob("*.part"))


def test_columns_and_types_are_those_of_the_contract(tmp_path, clock):
    """A file read by itself has the schema of the flow table."""
    write(tmp_path, clock, numbered(0, 10))
    Compactor(tmp_path, clock=clock).run(everything=True)
    for path in tmp_path.rglob("*.parquet"):
        assert pq.read_schema(path).remove_metadata().equals(FLOW.arrow_schema())


def test_row_groups_hold_neighbouring_destinations(tmp_path, clock, monkeypatch):
    """Rows stand in order of destination, so that the bounds of row groups do not overlap."""
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 16)
    scattered = np.random.default_rng(1).permutation(64)
    write(tmp_path, clock, numbered(0, 64, exporter=0, dst_lo=(0xFFFF << 32) + scattered))
    Compactor(tmp_path, clock=clock).run(everything=True)
    metadata = pq.ParquetFile(next(tmp_path.rglob("*.parquet"))).metadata
    column = FLOW.index("dst_lo")
    bounds = [metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups)]
    assert [(b.min_raw & 0xFFFF, b.max_raw & 0xFFFF) for b in bounds] == [(0, 15), (16, 31), (32, 47), (48, 63)]


def test_segments_wait_for_others_but_not_for_ever(tmp_path, clock):
    """A fresh segment is left alone, and compacted when its time has come, or when the clock was set back."""
    write(tmp_path, clock, numbered(0, 10))
    compactor = Compactor(tmp_path, clock=clock)
    clock.now_ms += WAIT_MS - 1
    assert compactor.run().segments == 0
    clock.now_ms += 1
    assert compactor.run().segments == 1
    write(tmp_path, clock, numbered(10, 10))
    clock.now_ms -= HOUR_MS
    assert compactor.run().segments == 1


def test_an_open_segment_is_left_to_its_writer(tmp_path, clock):
    """What is being written is not touched; when its writer is gone without a word, it is closed and used."""
    writer = Segments(tmp_path, collector="c1", clock=clock, space=SpaceFloor(tmp_path, 1, measure=lambda _: 1 << 40))
    writer.start()
    writer.append(numbered(0, 50))
    writer.tick()
    compactor = Compactor(tmp_path, clock=clock)
    assert compactor.run(everything=True).recovered == 0
    # What the end of a process does: its locks are let go of, nothing is written any more.
    writer._segment.flush()
    writer._segment.abandon()
    writer._segment = None
    done = compactor.run(everything=True)
    assert (done.recovered, done.segments, done.rows) == (1, 1, 50)
    writer.close()


def test_a_torn_segment_is_counted(tmp_path, clock):
    """Whole batches of a torn segment are compacted, and that it was torn is counted."""
    write(tmp_path, clock, numbered(0, 10), numbered(10, 8_192))
    (segment,) = segments_of(Layout(tmp_path))
    segment.path.write_bytes(segment.path.read_bytes()[:-2_000])
    done = Compactor(tmp_path, clock=clock).run(everything=True)
    assert done.torn == 1
    numbers = stored_numbers(tmp_path)
    assert numbers.tolist() == list(range(len(numbers)))


def test_small_files_of_an_hour_become_one(tmp_path, clock):
    """When an hour is over its small files are merged, and each row is still there once."""
    compactor = Compactor(tmp_path, clock=clock)
    for first in range(0, 50, 10):
        write(tmp_path, clock, numbered(first, 10, exporter=0))
        compactor.run(everything=True)
    assert len(files(tmp_path)) == 5
    clock.now_ms = T0 + HOUR_MS + MERGE_AFTER_MS
    assert compactor.run().merged == 5
    assert [file.rows for file in files(tmp_path)] == [50]
    assert stored_numbers(tmp_path).tolist() == list(range(50))
    assert compactor.run().merged == 0


def test_flows_leave_when_their_time_is_over(tmp_path, clock):
    """A day after the end of their hour flows are gone from the disk, with their folders and commits."""
    write(tmp_path, clock, numbered(0, 10))
    compactor = Compactor(tmp_path, clock=clock, retention=KEEP)
    compactor.run(everything=True)
    clock.now_ms = T0 + 25 * HOUR_MS - 1
    assert compactor.run().expired == 0
    clock.now_ms += 1
    assert compactor.run().expired == 2
    assert stored_numbers(tmp_path).tolist() == []
    compactor.run()
    layout = Layout(tmp_path)
    assert [list(folder.iterdir()) for folder in (layout.flows, layout.kept, layout.commits)] == [[], [], []]


def test_flows_of_lines_at_watch_stay_longer(tmp_path, clock):
    """Of what expires, flows that a kept line sent or received stay, apart from the rest, until their own time."""
    write(tmp_path, clock, numbered(0, 70, dst_line=0), numbered(70, 1, src_line=0, dst_line=3))
    compactor = Compactor(tmp_path, clock=clock, retention=KEEP, lines_to_keep=lambda: {3})
    compactor.run(everything=True)
    clock.now_ms = T0 + 25 * HOUR_MS
    assert compactor.run().kept_rows == 11
    assert stored_numbers(tmp_path).tolist() == [n for n in range(70) if 1 + n % 7 == 3] + [70]
    assert {file.path.split("/")[0] for file in files(tmp_path)} == {"kept"}
    clock.now_ms = T0 + 241 * HOUR_MS
    compactor.run()
    assert stored_numbers(tmp_path).tolist() == []


def test_nothing_moves_while_somebody_reads(tmp_path, clock):
    """A reader sees the same rows to the end, whatever is compacted; what it held is removed by the next run."""
    write(tmp_path, clock, numbered(0, 100))
    compactor = Compactor(tmp_path, clock=clock)
    with snapshot(tmp_path) as before:
        done = compactor.run(everything=True)
        assert done.postponed
        assert sum(len(batch) for batch in before.batches()) == 100
        assert segments_of(Layout(tmp_path))
        assert stored_numbers(tmp_path).tolist() == list(range(100))
    assert not compactor.run().postponed
    assert not segments_of(Layout(tmp_path))


class _Killed(BaseException):
    """Stands for the end of the process."""


STEPS = 45
"""At least as many as there are."""

_ORIGINALS = {
    "os.fsync": os.fsync,
    "pathlib.Path.rename": Path.rename,
    "pathlib.Path.unlink": Path.unlink,
    "pyarrow.parquet.write_table": pq.write_table,
}


@pytest.mark.parametrize("at", range(STEPS))
def test_ended_at_any_step_and_run_again(tmp_path, clock, monkeypatch, at):
    """Whichever step towards the disk is the last one, every record is there once, before and after the next run."""
    write_hours(tmp_path, clock)
    clock.now_ms = T0 + HOUR_MS + MERGE_AFTER_MS
    steps = count()
    with monkeypatch.context() as killed:
        for name in _ORIGINALS:
            killed.setattr(name, _until(at, steps, name))
        with suppress(_Killed):
            Compactor(tmp_path, clock=clock).run(everything=True)
    assert stored_numbers(tmp_path).tolist() == list(range(30))
    Compactor(tmp_path, clock=clock).run(everything=True)
    assert stored_numbers(tmp_path).tolist() == list(range(30))
    assert not list(tmp_path.rglob("*.part"))


def test_the_steps_above_are_all_there_are(tmp_path, clock, monkeypatch):
    """The run that is ended at each step has no more steps than are tried."""
    write_hours(tmp_path, clock)
    clock.now_ms = T0 + HOUR_MS + MERGE_AFTER_MS
    steps = count()
    for name in _ORIGINALS:
        monkeypatch.setattr(name, _until(1_000, steps, name))
    Compactor(tmp_path, clock=clock).run(everything=True)
    assert 10 < next(steps) <= STEPS


def test_a_full_disk_leaves_everything_as_it_was(tmp_path, clock, monkeypatch):
    """Compaction that finds no room says so, keeps every record, and succeeds when there is room."""
    write(tmp_path, clock, numbered(0, 10))

    def refuse(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(pq, "write_table", refuse)
        with pytest.raises(Unavailable, match="No space"):
            Compactor(tmp_path, clock=clock).run(everything=True)
    assert stored_numbers(tmp_path).tolist() == list(range(10))
    assert Compactor(tmp_path, clock=clock).run(everything=True).rows == 10


def test_two_compactors_do_not_meet(tmp_path, clock):
    """The second compactor of a store is told that there is one."""
    write(tmp_path, clock, numbered(0, 10))
    with compact.compacting(tmp_path), pytest.raises(Unavailable, match="another process"):
        Compactor(tmp_path, clock=clock).run()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "sekisho.store-commit/2", "inputs": [], "outputs": []}'])
def test_a_commit_of_something_else_is_refused(tmp_path, clock, text):
    """A commit that cannot be understood stops compaction and reading with its name; nothing is guessed."""
    write(tmp_path, clock, numbered(0, 10))
    (Layout(tmp_path).commits / "1.json").write_text(text)
    with pytest.raises(InputError, match=r"1\.json"):
        Compactor(tmp_path, clock=clock).run()
    with pytest.raises(InputError, match=r"1\.json"), snapshot(tmp_path):
        pass


def test_a_file_that_somebody_removed_is_counted(tmp_path, clock):
    """A reader says how many files of the store are missing, and reads the rest."""
    write(tmp_path, clock, numbered(0, 10))
    Compactor(tmp_path, clock=clock).run(everything=True)
    next(tmp_path.rglob("*.parquet")).unlink()
    with snapshot(tmp_path) as found:
        assert (found.missing, len(found.files)) == (1, len(EXPORTERS) - 1)


def test_commits_are_forgotten_with_their_files(tmp_path, clock):
    """A store that runs for days does not collect commits of files that are gone."""
    compactor = Compactor(tmp_path, clock=clock, retention=KEEP)
    for hour in range(40):
        clock.now_ms = T0 + hour * HOUR_MS
        write(tmp_path, clock, numbered(hour, 1, received_ms=clock.now_ms))
        compactor.run(everything=True)
    assert len(commits.read_commits(Layout(tmp_path))) <= 26


def _until(at, steps, name):
    """The function of that name, which ends the process instead of taking step ``at``."""
    original = _ORIGINALS[name]

    def step(*args, **options):
        if next(steps) >= at:
            raise _Killed
        return original(*args, **options)

    return step
