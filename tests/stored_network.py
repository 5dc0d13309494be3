"""A simulated network's flows as a flow store, the way a collector leaves them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sekisho.collect.capture import Capture
from sekisho.collect.exporters import Exporters
from sekisho.core.config import load_config
from sekisho.pipeline.batch import realms_of
from sekisho.store.compact import Compactor
from sekisho.store.segments import Segments
from sekisho.wire.decoder import Decoder

if TYPE_CHECKING:
    from pathlib import Path


def store_of(folder: Path, store: Path, *, compacted: bool = True) -> Path:
    """Decode the folder's capture into a store; the last flows stay in a segment unless all are compacted."""
    config = load_config(folder / "sekisho.toml", os.environ)
    exporters = Exporters(config.exporter)
    exporters.start()
    decoder = Decoder(exporters=exporters.texts, realms=realms_of(config))
    decoder.start()
    now_ms = [0]
    writer = Segments(store, collector="c1", clock=lambda: now_ms[0], floor_octets=0)
    writer.start()
    for datagrams in Capture(str(folder / "flows.pcap"), exporters=exporters):
        now_ms[0] = int(datagrams.received_at[-1])
        for flows in decoder.decode(datagrams):
            writer.append(flows)
        writer.tick()
    writer.close()
    Compactor(store, clock=lambda: now_ms[0]).run(everything=compacted)
    return store
