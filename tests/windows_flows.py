"""Flow batches for tests: columns by name, and what the SQL definition reads of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sekisho.schema.batch import FlowBatch
from sekisho.schema.line_window import WINDOW_MS
from sekisho.windows.limits import KEPT_WINDOWS
from sekisho.windows.sql import FLOW_MS

V4 = 0xFFFF << 32
T0 = 1_763_950_800_000
"""The beginning of a window and of a block: 2025-11-24T02:20:00Z."""

_RENAMED = {"received_ms": "received_at", "start_ms": "flow_start", "end_ms": "flow_end"}


def batch_of(columns, **defaults):
    """A batch of the given columns (scalars are repeated); the rest is a one-packet UDP flow of line 1."""
    usual = {
        "received_at": T0,
        "protocol": 17,
        "packets": 1,
        "octets": 100,
        "sampling_interval": 1.0,
        "forwarding_status": -1,
        "icmp_type_code": -1,
        "direction": -1,
        "ip_version": 4,
        "src_line": 1,
        "dst_lo": V4 + 1,
        "src_lo": V4 + 2,
    }
    values = {**usual, **defaults, **columns}
    values.setdefault("flow_end", values["received_at"])
    values.setdefault("flow_start", values["flow_end"])
    length = max(np.size(v) for v in values.values())
    batch = FlowBatch(exporters=["198.51.100.1", "198.51.100.2"], capacity=max(length, 1))
    batch.length = length
    for name, value in values.items():
        batch.column(name)[:] = value
    return batch


def flow_ms(batches):
    """The table ``flow_ms`` of batches in order of arrival."""
    names = [name for name in FLOW_MS.names if name != "arrival"]
    columns = {n: np.concatenate([b.column(_RENAMED.get(n, n)) for b in batches]) for n in names}
    arrival = np.arange(sum(len(b) for b in batches), dtype=np.int64)
    return pa.table({"arrival": arrival, **columns}).select(FLOW_MS.names).cast(FLOW_MS.arrow_schema())


def definition_tables(batches, active_cap_ms, lateness_ms):
    """Everything that the definition reads."""
    cap = {"exporter": np.arange(len(active_cap_ms)), "active_cap_ms": active_cap_ms, "lateness_ms": lateness_ms}
    longest = max(int(np.max(active_cap_ms)) // WINDOW_MS + 2, 1)
    step = pa.table({"i": np.arange(min(longest, KEPT_WINDOWS + 1))})
    return {"flow_ms": flow_ms(batches), "exporter_cap": pa.table(cap), "step": step}
