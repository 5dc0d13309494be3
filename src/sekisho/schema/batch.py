"""Flow rows in memory: one array of 64-bit cells, a row a column, filled and read by kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.schema.flow import FLOW, WORK
from sekisho.schema.table import Type

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

BATCH_ROWS = 8192
"""Rows of a batch: few enough to stay near the core, many enough that no call is paid for often (smaller ones were not
faster)."""

_PAD = 8
"""Extra cells a column: columns a power of two apart would all fall into the same cache set."""

NAMES: tuple[str, ...] = FLOW.names + WORK
"""Every column of a batch in cell order."""


def cell(name: str) -> int:
    """Index of a column's cells; kernels take it as a constant.

    Raises:
        ValueError: no such column.
    """
    return NAMES.index(name)


class FlowBatch:
    """Up to ``capacity`` flow rows.

    Attributes:
        cells: (columns, capacity + padding) int64; floating-point columns hold the bit pattern.
        length: rows in use.
        exporters, realms: texts that the codes in ``exporter`` and ``realm`` stand for; shared, append-only.
    """

    __slots__ = ("capacity", "cells", "exporters", "length", "realms")

    def __init__(
        self,
        *,
        exporters: list[str] | None = None,
        realms: list[str] | None = None,
        capacity: int = BATCH_ROWS,
    ) -> None:
        self.capacity = capacity
        self.cells: NDArray[np.int64] = np.zeros((len(NAMES), capacity + _PAD), dtype=np.int64)
        self.length = 0
        self.exporters = exporters if exporters is not None else []
        self.realms = realms if realms is not None else [""]

    def __len__(self) -> int:
        return self.length

    def column(self, name: str) -> NDArray[Any]:
        """The rows in use of one column, as a writable view: float64 for floating-point columns, else int64."""
        view = self.cells[cell(name), : self.length]
        return view.view(np.float64) if name == "sampling_interval" else view

    def where(self, rows: NDArray[np.bool_]) -> FlowBatch:
        """A batch of its own with some of the rows, (length,)."""
        some = FlowBatch(exporters=self.exporters, realms=self.realms, capacity=self.capacity)
        some.length = int(rows.sum())
        some.cells[:, : some.length] = self.cells[:, : self.length][:, rows]
        return some

    def to_arrow(self) -> pa.RecordBatch:
        """A copy of the rows in use with the types of ``FLOW``."""
        import pyarrow as pa

        arrays = []
        for column in FLOW.columns:
            # Arrow keeps a view of what it is given, and a batch is filled again.
            values = self.column(column.name).copy()
            if column.type is Type.STRING:
                texts = self.exporters if column.name == "exporter" else self.realms
                arrays.append(pa.DictionaryArray.from_arrays(values.astype(np.int32), pa.array(texts, pa.string())))
            elif column.type is Type.BOOL:
                arrays.append(pa.array(values != 0))
            elif column.type is Type.TIMESTAMP_MS:
                arrays.append(pa.array(values, pa.int64()).cast(column.type.arrow))
            else:
                arrays.append(pa.array(values).cast(column.type.arrow))
        return pa.RecordBatch.from_arrays(arrays, schema=FLOW.arrow_schema())
