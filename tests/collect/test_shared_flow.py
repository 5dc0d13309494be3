"""Captures of many makers' exporters through a socket: the live path reads the same records as ``decode``."""

from __future__ import annotations

import io
import socket
from contextlib import ExitStack, closing
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters
from sekisho.collect.receive import Receiver
from sekisho.core.config_serve import ListenAddress
from sekisho.pipeline.decode import Form, decode
from sekisho.schema.flow import FLOW
from sekisho.wire.decoder import Decoder
from shared_data import ROOT, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOT_EXPORTS = "flow/akvorado/inner"
"""Frames as they stand inside samples; there is no datagram to send."""

CAPTURES = sorted(
    name
    for path in ROOT.glob("flow/**/*.pcap")
    if not (name := path.relative_to(ROOT).as_posix()).startswith(NOT_EXPORTS)
)


@pytest.mark.parametrize("name", CAPTURES)
def test_the_live_path_reads_what_decode_reads(name: str):
    """Every column of every record, in the same order, for the same exporters under other addresses."""
    path = shared(name)
    expected, live = decoded(path), received(path)
    assert live.num_rows == expected.num_rows
    assert [column for column in expected.column_names if live[column] != expected[column]] == []


def decoded(path: Path) -> pa.Table:
    """The records that ``sekisho decode`` writes."""
    stream = io.BytesIO()
    decode([str(path)], form=Form.PARQUET, output=stream)
    return comparable(pq.read_table(stream))


def received(path: Path) -> pa.Table:
    """The records of the same datagrams, each sent from loopback and received before the next.

    They count as received when the capture says, which only the times of the records follow.
    """
    exporters = Exporters()
    exporters.start()
    decoder = Decoder(exporters=exporters.texts, realms=[""])
    decoder.start()
    receiver = Receiver(ListenAddress(ip_address("127.0.0.1"), 0), exporters=exporters, buffer_octets=1 << 20)
    receiver.start()
    parts = []
    with closing(receiver), ExitStack() as stack:
        senders: dict[tuple[int, int], socket.socket] = {}
        for source, captured_ms, payload in datagrams_of(path):
            if source not in senders:
                senders[source] = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                senders[source].bind((f"127.1.0.{source[0] + 1}", 0))
            senders[source].sendto(payload, ("127.0.0.1", receiver.port))
            one = receiver.receive(1000)
            assert one is not None
            one.received_at[:] = captured_ms
            parts += [batch.to_arrow() for batch in decoder.decode(one)]
    return comparable(pa.Table.from_batches(parts, FLOW.arrow_schema()))


def datagrams_of(path: Path) -> Iterator[tuple[tuple[int, int], int, bytes]]:
    """((exporter code, source port), time, payload) of each datagram of a capture."""
    for block in read_capture(path, exporters=Exporters()):
        for i in range(len(block)):
            payload = block.payload[block.offset[i] : block.offset[i] + block.length[i]]
            source = int(block.exporter[i]), int(block.source_port[i])
            yield source, int(block.received_at[i]), payload.tobytes()


def comparable(records: pa.Table) -> pa.Table:
    """Texts instead of codes, and exporters by the order in which they appear: live they have other addresses."""
    exporter = records["exporter"].cast(pa.string()).to_pylist()
    number = {text: n for n, text in enumerate(dict.fromkeys(exporter))}
    records = records.set_column(
        records.column_names.index("exporter"), "exporter", pa.array([number[text] for text in exporter], pa.int64())
    )
    return records.set_column(records.column_names.index("realm"), "realm", records["realm"].cast(pa.string()))
