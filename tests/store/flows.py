"""Flows for the store's tests: every row carries a number of its own, so that a lost or repeated one is noticed."""

from __future__ import annotations

import numpy as np

from sekisho.schema.batch import FlowBatch
from sekisho.store.columns import Rows
from sekisho.store.layout import HOUR_MS
from sekisho.store.read import snapshot

V4 = 0xFFFF << 32
T0 = 1_763_950_800_000 // HOUR_MS * HOUR_MS
"""The beginning of an hour."""

EXPORTERS = ["192.0.2.1", "2001:db8::1"]
REALMS = ["", "shop"]


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now_ms=T0):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms


def numbered(first, count, *, received_ms=T0, exporters=EXPORTERS, realms=REALMS, **columns):
    """A batch whose column ``octets`` counts from ``first``; other columns as given."""
    batch = FlowBatch(exporters=exporters, realms=realms, capacity=max(count, 1))
    batch.length = count
    numbers = np.arange(first, first + count)
    usual = {
        "received_at": received_ms,
        "flow_start": received_ms - 5_000,
        "flow_end": received_ms - 1_000,
        "exporter": numbers % len(exporters),
        "ip_version": 4,
        "src_lo": V4 + 0x64480000 + numbers % 251,
        "dst_lo": V4 + 0xCB007100 + numbers % 13,
        "dst_port": 443,
        "protocol": 17,
        "packets": 1,
        "octets": numbers,
        "sampling_interval": 1.0,
        "icmp_type_code": -1,
        "direction": -1,
        "forwarding_status": -1,
        "src_line": 1 + numbers % 7,
    }
    for name, values in {**usual, **columns}.items():
        batch.column(name)[:] = values
    return batch


def stored_numbers(root):
    """The numbers of every row in the store, sorted."""
    with snapshot(root) as found:
        return np.sort(Rows(found.batches()).columns["octets"])
