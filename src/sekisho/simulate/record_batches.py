"""Flow records as the rows that a decoder makes of them, for runs so long that datagrams would cost too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.schema.batch import BATCH_ROWS, FlowBatch, cell
from sekisho.simulate import flow_cache as fc
from sekisho.simulate.delivery import STEP_MS
from sekisho.simulate.export import PROTOCOLS
from sekisho.simulate.export.message import fields, is_icmp, is_v4
from sekisho.simulate.flows import TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sekisho.simulate.scenario import Scenario

_SAME = {
    "src_hi": fc.SRC_HI,
    "src_lo": fc.SRC_LO,
    "dst_hi": fc.DST_HI,
    "dst_lo": fc.DST_LO,
    "protocol": fc.PROTOCOL,
    "packets": fc.PACKETS,
    "octets": fc.OCTETS,
    "tcp_flags": fc.FLAGS,
}


class RecordBatches:
    """Makes batches of the records of a scenario's routers; exporter codes are their places in the scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._exports = [
            PROTOCOLS[part.protocol](part, start_ms=scenario.start_ms, domain_id=number + 1)
            for number, part in enumerate(scenario.exporter)
        ]
        self._exporters = [str(part.address) for part in scenario.exporter]
        self._realms = [""]

    def of(self, records: Sequence[NDArray[np.int64]], at_ms: int) -> Iterator[FlowBatch]:
        """Batches of (n, ROW) records of each exporter that arrive in the second after ``at_ms``, in that order."""
        exporter = np.repeat(np.arange(len(records)), [len(rows) for rows in records])
        received_at = np.concatenate([at_ms + np.arange(len(rows)) * STEP_MS // max(1, len(rows)) for rows in records])
        order = np.argsort(received_at, kind="stable")
        rows, exporter, received_at = np.concatenate(records)[order], exporter[order], received_at[order]
        for first in range(0, len(rows), BATCH_ROWS):
            part = slice(first, first + BATCH_ROWS)
            yield self._batch(rows[part], exporter[part], received_at[part])

    def _batch(self, rows: NDArray[np.int64], exporter: NDArray[np.int64], received_at: NDArray[np.int64]) -> FlowBatch:
        batch = FlowBatch(exporters=self._exporters, realms=self._realms, capacity=len(rows))
        batch.length = len(rows)
        has_ports = np.isin(rows[:, fc.PROTOCOL], (TCP, UDP))
        values = fields(rows)
        columns = {
            # All routers of such a run stand at the access.
            **self._exports[0].interfaces(rows),
            **{name: rows[:, column] for name, column in _SAME.items()},
            "received_at": received_at,
            "flow_start": rows[:, fc.FIRST_MS],
            "flow_end": rows[:, fc.LAST_MS],
            "exporter": exporter,
            "observation_domain_id": exporter + 1,
            "ip_version": np.where(is_v4(rows), 4, 6),
            "src_port": np.where(has_ports, values["src_port"], 0),
            "dst_port": np.where(has_ports, values["dst_port"], 0),
            "icmp_type_code": np.where(is_icmp(rows), values["icmp_type_code"], -1),
            "fragment": values["fragment_offset"] > 0,
            "forwarding_status": np.full(len(rows), -1),
        }
        for name, column in columns.items():
            batch.cells[cell(name), : len(rows)] = column
        announced = np.array([float(export.announced_interval) for export in self._exports])
        batch.column("sampling_interval")[:] = announced[exporter]
        return batch
