"""Batches, Arrow and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sekisho.schema.batch import FlowBatch
from sekisho.schema.flow import FLOW
from sekisho.store.columns import RowBuffer, Rows, flow_batch
from store.flows import EXPORTERS, REALMS, numbered

EXTREMES = {
    "src_hi": [-(1 << 63), (1 << 63) - 1, 0],
    "sampling_interval": [0.0, 1.5, 1e9],
    "src_port": [0, 65_535, 53],
    "tcp_flags": [0, 0x1FF, 2],
    "forwarding_status": [-1, 191, 0],
    "direction": [-1, 0, 1],
    "fragment": [1, 0, 1],
    "realm": [0, 1, 0],
    "src_line": [0, (1 << 63) - 1, 1],
}


def test_arrow_is_what_the_batch_itself_makes():
    """A buffered batch gives the rows and types that ``FlowBatch.to_arrow`` gives."""
    batch = numbered(0, 3, **EXTREMES)
    buffer = RowBuffer(8)
    assert buffer.take(batch, 0) == 3
    given = buffer.give()
    assert given.schema.equals(FLOW.arrow_schema())
    assert given.equals(batch.to_arrow())


def test_the_way_back():
    """Arrow rows become a batch with the same cells, also where its lists of texts are in another order."""
    batch = numbered(0, 50)
    exporters, realms = ["198.51.100.9", *reversed(EXPORTERS)], [""]
    back = flow_batch(Rows([batch.to_arrow()]), np.arange(50), exporters, realms)
    assert back.to_arrow().cast(_plain()).equals(batch.to_arrow().cast(_plain()))


@pytest.mark.parametrize("capacity", [1, 3, 10, 64])
def test_rows_keep_their_order_whatever_the_capacity(capacity):
    """A batch larger than the buffer passes through it in pieces, none lost and none twice."""
    batch, buffer, numbers, row = numbered(0, 10), RowBuffer(capacity), [], 0
    while row < len(batch):
        row += buffer.take(batch, row)
        numbers += buffer.give()["octets"].to_pylist()
    assert numbers == list(range(10))


def test_codes_of_other_lists_are_not_mixed():
    """Rows whose exporter codes belong to another list wait until the buffer is empty."""
    buffer = RowBuffer(8)
    buffer.take(numbered(0, 1), 0)
    other = numbered(1, 1, exporters=["203.0.113.9"], exporter=0)
    assert buffer.take(other, 0) == 0
    assert buffer.give()["exporter"].to_pylist() == ["192.0.2.1"]
    assert buffer.take(other, 0) == 1
    assert buffer.give()["exporter"].to_pylist() == ["203.0.113.9"]


def test_a_list_that_grows_is_converted_again():
    """An exporter that appears later has its name in the next rows."""
    exporters = ["192.0.2.1"]
    buffer = RowBuffer(8)
    buffer.take(numbered(0, 1, exporters=exporters, exporter=0), 0)
    buffer.give()
    exporters.append("192.0.2.2")
    batch = FlowBatch(exporters=exporters, realms=REALMS, capacity=1)
    batch.length = 1
    batch.column("exporter")[:] = 1
    batch.realms = REALMS
    buffer.take(batch, 0)
    assert buffer.give()["exporter"].to_pylist() == ["192.0.2.2"]


def _plain():
    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in FLOW.arrow_schema()]
    return pa.schema(fields)
