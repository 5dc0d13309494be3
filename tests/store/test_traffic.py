"""What one line sent over time: every packet once, where its flow was under way."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.core.errors import InputError
from sekisho.store.compact import Compactor
from sekisho.store.hunt import Period
from sekisho.store.segments import Segments
from sekisho.store.traffic import traffic_of
from store.flows import T0, Clock, numbered

MINUTE_MS = 60_000


def write(root, *batches, compact):
    writer = Segments(root, collector="c1", clock=Clock(), floor_octets=0)
    writer.start()
    for batch in batches:
        writer.append(batch)
    writer.close()
    if compact:
        Compactor(root, clock=Clock()).run(everything=True)


@pytest.mark.parametrize("compact", [True, False])
def test_packets_stand_in_the_minutes_of_their_flow(tmp_path, compact):
    """Spread evenly, scaled by the sampling; other lines, other times and a second exporter add nothing."""
    times = {"flow_start": T0 + 30_000, "flow_end": T0 + 150_000}
    mine = numbered(0, 2, exporters=["192.0.2.1"], src_line=5, packets=6, octets=600, sampling_interval=10.0, **times)
    again = numbered(2, 1, exporters=["192.0.2.2"], src_line=5, packets=6, octets=600, sampling_interval=10.0, **times)
    others = numbered(3, 9, src_line=6, **times)
    early = numbered(12, 1, src_line=5, flow_start=T0 - 90_000, flow_end=T0 - 60_000)
    write(tmp_path, mine, again, others, early, compact=compact)
    found = traffic_of(tmp_path, 5, Period(from_ms=T0, until_ms=T0 + 4 * MINUTE_MS), step_ms=MINUTE_MS)
    assert (found.begin_ms, found.records, found.exporter) == (T0, 2, "192.0.2.1")
    np.testing.assert_allclose(found.packets, [30, 60, 30, 0])
    np.testing.assert_allclose(found.octets, [3000, 6000, 3000, 0])


def test_what_began_before_counts_with_its_part(tmp_path):
    """Half of a flow lies before the period; one without length stands in its instant."""
    half = numbered(0, 1, src_line=5, packets=10, octets=10, flow_start=T0 - 60_000, flow_end=T0 + 60_000)
    instant = numbered(1, 1, src_line=5, packets=3, octets=3, flow_start=T0 + 70_000, flow_end=T0 + 70_000)
    for batch in (half, instant):
        batch.column("exporter")[:] = 0
    write(tmp_path, half, instant, compact=True)
    found = traffic_of(tmp_path, 5, Period(from_ms=T0, until_ms=T0 + 2 * MINUTE_MS), step_ms=MINUTE_MS)
    np.testing.assert_allclose(found.packets, [5, 3])


def test_nothing_there_is_nothing_and_no_store_is_told(tmp_path):
    """A line that sent nothing; a folder that holds no flows."""
    write(tmp_path, numbered(0, 1, src_line=6), compact=True)
    found = traffic_of(tmp_path, 5, Period(from_ms=T0, until_ms=T0 + MINUTE_MS), step_ms=MINUTE_MS)
    assert (found.records, found.exporter, found.packets.tolist()) == (0, "", [0.0])
    with pytest.raises(InputError):
        traffic_of(tmp_path / "x", 5, Period(from_ms=0, until_ms=1), step_ms=1)
