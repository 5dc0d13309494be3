"""Flow rows as typed NumPy columns: what stands between a batch's 64-bit cells and Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sekisho.schema.batch import FlowBatch
from sekisho.schema.flow import FLOW
from sekisho.schema.table import Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[Any]]

_DTYPES: dict[Type, Any] = {
    Type.TIMESTAMP_MS: np.int64,
    Type.STRING: np.int32,
    Type.INT64: np.int64,
    Type.INT32: np.int32,
    Type.INT16: np.int16,
    Type.INT8: np.int8,
    Type.FLOAT64: np.float64,
    Type.BOOL: np.bool_,
}
"""Strings are codes of a list of texts beside the columns."""

SCHEMA = FLOW.arrow_schema()


class RowBuffer:
    """Rows of batches side by side in their own types, until there are enough of them to be written.

    Attributes:
        length: rows held.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.length = capacity, 0
        self._columns = {c.name: np.zeros(capacity, _DTYPES[c.type]) for c in FLOW.columns}
        self._exporters: Sequence[str] = ()
        self._realms: Sequence[str] = ()
        self._texts: tuple[pa.Array, pa.Array] = (_texts(()), _texts(()))
        self._converted = (0, 0, 0, 0)

    def take(self, batch: FlowBatch, first: int) -> int:
        """Copy rows of a batch from row ``first`` as far as there is room; how many.

        The codes of exporters and realms are those of the batch: a buffer that holds rows of other lists takes none.
        """
        if self.length and not self.speaks_as(batch):
            return 0
        count = min(len(batch) - first, self.capacity - self.length)
        end = self.length + count
        for name, column in self._columns.items():
            column[self.length : end] = batch.column(name)[first : first + count]
        self._exporters, self._realms, self.length = batch.exporters, batch.realms, end
        return count

    def speaks_as(self, batch: FlowBatch) -> bool:
        """Whether a code means the same in both."""
        return self._exporters is batch.exporters and self._realms is batch.realms

    def give(self) -> pa.RecordBatch:
        """The rows, valid until the next is taken in; the buffer is empty afterwards."""
        self._convert_texts()
        rows = {name: column[: self.length] for name, column in self._columns.items()}
        self.length = 0
        return record_batch(rows, *self._texts)

    def _convert_texts(self) -> None:
        # The lists only grow, and to make an Arrow array of some hundred texts costs as much as a column.
        newest = (id(self._exporters), len(self._exporters), id(self._realms), len(self._realms))
        if newest != self._converted:
            self._texts = (_texts(self._exporters), _texts(self._realms))
            self._converted = newest


def record_batch(columns: Columns, exporters: pa.Array, realms: pa.Array) -> pa.RecordBatch:
    """Columns as Arrow with the types of ``FLOW``; fixed-width columns are shared, not copied."""
    arrays = []
    for column, field in zip(FLOW.columns, SCHEMA, strict=True):
        values = columns[column.name]
        if column.type is Type.BOOL:
            arrays.append(pa.array(values))
        elif column.type is Type.STRING:
            codes = pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values)])
            texts = exporters if column.name == "exporter" else realms
            arrays.append(pa.DictionaryArray.from_arrays(codes, texts, safe=False))
        else:
            arrays.append(pa.Array.from_buffers(field.type, len(values), [None, pa.py_buffer(values)]))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


class Rows:
    """All rows of some record batches, with one list of texts for each column of strings."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self.texts: dict[str, list[str]] = {c.name: [] for c in FLOW.columns if c.type is Type.STRING}
        parts: dict[str, list[NDArray[Any]]] = {c.name: [np.zeros(0, _DTYPES[c.type])] for c in FLOW.columns}
        for batch in batches:
            for column in FLOW.columns:
                array = batch.column(column.name)
                is_text = column.type is Type.STRING
                parts[column.name].append(self._codes(column.name, array) if is_text else numpy_of(array))
        self.columns: dict[str, NDArray[Any]] = {name: np.concatenate(arrays) for name, arrays in parts.items()}

    def __len__(self) -> int:
        return len(self.columns["received_at"])

    def table(self, order: NDArray[np.int64]) -> pa.Table:
        """The rows of these numbers, in that order."""
        columns = {name: values[order] for name, values in self.columns.items()}
        return pa.Table.from_batches([record_batch(columns, *(_texts(texts) for texts in self.texts.values()))])

    def _codes(self, name: str, array: pa.Array) -> NDArray[np.int32]:
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        codes = _codes_in(self.texts[name], array.dictionary.to_pylist())
        return codes[array.indices.to_numpy()] if len(array) else np.zeros(0, np.int32)


def numpy_of(array: pa.Array) -> NDArray[Any]:
    """Values of a fixed-width column; times as integer milliseconds."""
    values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values.view(np.int64) if pa.types.is_timestamp(array.type) else values


def flow_batch(rows: Rows, order: NDArray[np.int64], exporters: list[str], realms: list[str]) -> FlowBatch:
    """Rows of these numbers as a batch; texts that the two lists lack are added to them.

    The cells of the pipeline (``schema.flow.WORK``) are zero, as a decoder leaves them.
    """
    batch = FlowBatch(exporters=exporters, realms=realms, capacity=len(order))
    batch.length = len(order)
    for name, values in rows.columns.items():
        if name in rows.texts:
            codes = _codes_in(exporters if name == "exporter" else realms, rows.texts[name])
            batch.column(name)[:] = codes[values[order]]
        else:
            batch.column(name)[:] = values[order]
    return batch


def _codes_in(known: list[str], texts: Sequence[str]) -> NDArray[np.int32]:
    """Places of texts in a list, to which those that it lacks are added."""
    place = {text: row for row, text in enumerate(known)}
    for text in texts:
        if text not in place:
            place[text] = len(known)
            known.append(text)
    return np.array([place[text] for text in texts], np.int32)


def _texts(texts: Sequence[str]) -> pa.Array:
    return pa.array(list(texts), pa.string())
