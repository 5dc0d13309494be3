"""The hot path: what is kept, what is not, and what a crash leaves."""

from __future__ import annotations

import errno
import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.reasons import StoreReason
from sekisho.store import segment_file, segments
from sekisho.store.layout import Layout, segments_of
from sekisho.store.read import snapshot
from sekisho.store.segment_file import SegmentReader
from sekisho.store.segments import FLUSH_MS, RETRY_MS, ROWS_AT_ONCE, SEGMENT_MS, Segments
from sekisho.store.space import SpaceFloor
from store.flows import T0, Clock, numbered, stored_numbers


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def writer(tmp_path, clock):
    with_room = SpaceFloor(tmp_path, 1, measure=lambda _: 1 << 40)
    made = Segments(tmp_path, collector="c1", clock=clock, space=with_room)
    made.start()
    yield made
    made.close()


def names(root):
    return [segment.path.name for segment in segments_of(Layout(root))]


def test_a_closed_segment_says_how_many_rows_it_has(tmp_path, writer):
    """Closing gives the segment its final name, with the number of rows, and nothing else stands beside it."""
    writer.append(numbered(0, 20_000))
    writer.close()
    (segment,) = segments_of(Layout(tmp_path))
    assert segment.rows == 20_000
    assert len(list(Layout(tmp_path).segments.iterdir())) == 1
    assert stored_numbers(tmp_path).tolist() == list(range(20_000))
    assert (writer.counts.rows, writer.counts.segments, writer.stopped) == (20_000, 1, None)


def test_it_is_closed_after_its_time_also_when_nothing_arrives(tmp_path, clock, writer):
    """A tick closes a segment that is a minute old; the next rows begin another."""
    writer.append(numbered(0, 10))
    writer.tick()
    clock.now_ms += SEGMENT_MS - 1
    writer.tick()
    assert [name.endswith(".open") for name in names(tmp_path)] == [True]
    clock.now_ms += 1
    writer.tick()
    writer.append(numbered(10, 10))
    writer.close()
    assert [segment.rows for segment in segments_of(Layout(tmp_path))] == [10, 10]


def test_it_is_closed_at_its_size(tmp_path, monkeypatch, writer):
    """A segment is closed when it has as many rows as compaction takes at once."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 2 * ROWS_AT_ONCE)
    writer.append(numbered(0, 3 * ROWS_AT_ONCE))
    writer.close()
    assert sorted(segment.rows for segment in segments_of(Layout(tmp_path))) == [ROWS_AT_ONCE, 2 * ROWS_AT_ONCE]


def test_a_tick_hands_rows_to_the_system(tmp_path, clock, writer):
    """What was appended is readable in the open segment after a tick, the first one of a segment included."""
    for number in range(3):
        writer.append(numbered(number, 1))
        writer.tick()
        assert stored_numbers(tmp_path).tolist() == list(range(number + 1))
        clock.now_ms += FLUSH_MS


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_set_does_not_stop_it(tmp_path, clock, writer, step_ms):
    """A step of an hour, either way, closes the segment early; every row is kept."""
    writer.append(numbered(0, 10))
    writer.tick()
    clock.now_ms += step_ms
    writer.tick()
    writer.append(numbered(10, 10))
    writer.close()
    assert stored_numbers(tmp_path).tolist() == list(range(20))


def test_below_the_floor_rows_are_counted_and_not_kept(tmp_path, clock):
    """Raw flows stop at the floor under their reason, come back with a tenth more room, and the caller never waits."""
    free = [100]
    writer = Segments(tmp_path, collector="c1", clock=clock, space=SpaceFloor(tmp_path, 100, measure=lambda _: free[0]))
    writer.start()
    writer.append(numbered(0, ROWS_AT_ONCE))
    free[0] = 99
    writer.append(numbered(0, ROWS_AT_ONCE))
    assert writer.stopped is StoreReason.SPACE_FLOOR
    free[0] = 109
    clock.now_ms += RETRY_MS + 1
    writer.append(numbered(0, ROWS_AT_ONCE))
    assert writer.counts.dropped == {StoreReason.SPACE_FLOOR: 2 * ROWS_AT_ONCE}
    free[0] = 110
    clock.now_ms += RETRY_MS + 1
    writer.append(numbered(ROWS_AT_ONCE, ROWS_AT_ONCE))
    assert writer.stopped is None
    writer.close()
    assert stored_numbers(tmp_path).tolist() == list(range(2 * ROWS_AT_ONCE))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, StoreReason.DISK_FULL),
        (errno.EROFS, StoreReason.READ_ONLY),
        (errno.EIO, StoreReason.WRITE_FAILED),
    ],
)
def test_a_disk_that_refuses_costs_its_rows_and_nothing_else(clock, writer, monkeypatch, number, reason):
    """Rows that the disk refuses are counted under its reason; ten seconds later it is asked again."""
    writer.append(numbered(0, ROWS_AT_ONCE))

    def refuse(*_args):
        raise OSError(number, "refused")

    with monkeypatch.context() as broken:
        broken.setattr(segment_file.SegmentWriter, "write", refuse)
        writer.append(numbered(0, ROWS_AT_ONCE))
    assert writer.stopped is reason
    writer.append(numbered(0, ROWS_AT_ONCE))
    dropped = writer.counts.dropped[reason]
    assert dropped + writer.counts.rows == 3 * ROWS_AT_ONCE
    clock.now_ms += RETRY_MS + 1
    writer.append(numbered(ROWS_AT_ONCE, ROWS_AT_ONCE))
    assert writer.stopped is None
    assert writer.counts.dropped == {reason: dropped}


def test_a_store_that_cannot_be_made_is_no_reason_to_stop_detecting(tmp_path, clock):
    """A folder that cannot be made gives counted rows, not an exception."""
    (tmp_path / "file").write_text("no folder")
    writer = Segments(tmp_path / "file", collector="c1", clock=clock)
    writer.start()
    writer.append(numbered(0, ROWS_AT_ONCE))
    writer.close()
    assert sum(writer.counts.dropped.values()) == ROWS_AT_ONCE
    assert writer.counts.rows == 0


def test_a_disk_that_is_mended_is_used_again(tmp_path, clock):
    """A folder that could not be made at the start is made when it can be."""
    obstacle = tmp_path / "store"
    obstacle.write_text("no folder")
    writer = Segments(obstacle, collector="c1", clock=clock, floor_octets=0)
    writer.start()
    obstacle.unlink()
    clock.now_ms += RETRY_MS + 1
    writer.append(numbered(0, ROWS_AT_ONCE))
    writer.close()
    assert (writer.counts.rows, writer.stopped) == (ROWS_AT_ONCE, None)


def test_a_disk_that_is_slow_to_close_costs_no_row_until_a_bound(clock, writer, monkeypatch):
    """While one segment waits for the disk the next one grows; at its bound rows are counted, and then kept again."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", ROWS_AT_ONCE)
    monkeypatch.setattr(segments, "OVERFULL_ROWS", 3 * ROWS_AT_ONCE)
    disk = threading.Event()
    original = segment_file.SegmentWriter.close

    def wait_for_the_disk(segment):
        disk.wait()
        original(segment)

    monkeypatch.setattr(segment_file.SegmentWriter, "close", wait_for_the_disk)
    try:
        writer.append(numbered(0, 6 * ROWS_AT_ONCE))
        assert writer.stopped is StoreReason.DISK_SLOW
        assert writer.counts.dropped == {StoreReason.DISK_SLOW: 2 * ROWS_AT_ONCE}
    finally:
        disk.set()
    writer._closing.result()
    clock.now_ms += RETRY_MS + 1
    writer.append(numbered(0, ROWS_AT_ONCE))
    assert (writer.stopped, writer.counts.rows) == (None, 5 * ROWS_AT_ONCE)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 10_000))
def test_a_torn_segment_is_read_up_to_its_last_whole_batch(tmp_path_factory, cut):
    """Whatever is missing at the end, what is read is a prefix of what was written, in bounded time."""
    root = tmp_path_factory.mktemp("torn")
    writer = Segments(root, collector="c1", clock=Clock(), space=SpaceFloor(root, 1, measure=lambda _: 1 << 40))
    writer.start()
    for first in range(0, 400, 100):
        writer.append(numbered(first, 100))
        writer.tick()
    writer.close()
    (segment,) = segments_of(Layout(root))
    whole = segment.path.read_bytes()
    segment.path.write_bytes(whole[: len(whole) * cut // 10_000])
    with SegmentReader(segment.path) as reader:
        numbers = [n for batch in reader for n in batch["octets"].to_pylist()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) % 100 == 0
    if len(numbers) < 400 and cut:
        assert reader.is_torn or len(numbers) * 10_000 <= 400 * cut


@pytest.mark.usefixtures("writer")
def test_damage_in_the_middle_is_noticed(tmp_path):
    """A segment that is no Arrow stream, or one of other columns, gives no row and says so."""
    for name, content in (
        ("1763950800000-c1-00000000.5.arrow", b"nonsense" * 100),
        ("1763950800000-c1-00000001.5.arrow", _other()),
    ):
        (Layout(tmp_path).segments / name).write_bytes(content)
    with snapshot(tmp_path) as found:
        assert list(found.batches()) == []
        assert found.torn == 2


def test_small_batches_are_written_together(tmp_path, writer):
    """Datagrams that bring a few rows each do not make a batch each."""
    for first in range(0, 1000, 10):
        writer.append(numbered(first, 10, received_ms=T0 + first))
    writer.close()
    with snapshot(tmp_path) as found:
        assert [len(batch) for batch in found.batches()] == [1000]


def test_names_of_collectors_are_checked(tmp_path):
    """A name that would break a file name is refused when the first segment is opened."""
    writer = Segments(tmp_path, collector="c/1", clock=Clock(), space=SpaceFloor(tmp_path, 1))
    writer.start()
    with pytest.raises(ValueError, match="a-z"):
        writer.append(numbered(0, ROWS_AT_ONCE))


def _other():
    sink = pa.BufferOutputStream()
    table = pa.table({"x": np.arange(3)})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()
