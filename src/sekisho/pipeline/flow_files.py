"""Flow rows to a file: JSON lines, CSV, Parquet."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sekisho.core.time import iso
from sekisho.pipeline.flow_text import LINE_COLUMNS, flow_cells, joined, line_cells, line_texts, names_of
from sekisho.schema.flow import FLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sekisho.schema.batch import FlowBatch
    from sekisho.wire.options import Event

ROW_GROUP_ROWS = 1 << 17
"""Rows of a Parquet row group: enough to compress well, some tens of megabytes in memory."""

ROW_GROUP_BATCHES = 256
"""A row group of captures with few records a block is closed before its batches cost more than their rows."""


class FlowFile(Protocol):
    """Takes batches in order; ``close`` writes what is left."""

    def write(self, batch: FlowBatch, events: Sequence[tuple[int, Event]]) -> None:
        """Write the rows of a batch, and each event before the row of the batch that it is paired with."""
        ...

    def close(self) -> None:
        """Write what is left; the stream stays open."""
        ...


class TextFile(ABC):
    """What JSON lines and CSV have in common: records are lines of joined cells."""

    def __init__(self, stream: BinaryIO, *, line_id: Callable[[int], str] | None) -> None:
        self._stream, self._line_id = stream, line_id
        self._names = names_of(with_lines=line_id is not None)

    def write(self, batch: FlowBatch, events: Sequence[tuple[int, Event]]) -> None:
        """Write the rows of a batch, and each event before the row of the batch that it is paired with."""
        lines = self._lines(batch) if len(batch) else pa.array([], pa.string())
        written = 0
        for row, event in events:
            self._write_rows(lines, written, row)
            self._stream.write(self._event(event, batch.exporters[event.exporter]).encode())
            written = row
        self._write_rows(lines, written, len(lines))

    def close(self) -> None:  # noqa: B027 - a form may have something to close; these have not
        """Nothing is left: every batch is written at once."""

    def _lines(self, batch: FlowBatch) -> pa.Array:
        cells = [*flow_cells(batch, self._quote)]
        if self._line_id is not None:
            cells += line_cells(batch, self._line_id, self._quote)
        return joined(self._around(cells))

    def _write_rows(self, lines: pa.Array, first: int, last: int) -> None:
        """The characters of a string array stand side by side: a run of rows is one write."""
        if first == last:
            return
        _, offsets, characters = lines.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[lines.offset :]
        self._stream.write(memoryview(characters)[ends[first] : ends[last]])

    @abstractmethod
    def _quote(self, text: str) -> str:
        """A text as the form writes it."""

    @abstractmethod
    def _around(self, cells: list[Any]) -> list[Any]:
        """The cells of a row with what stands between them."""

    @abstractmethod
    def _event(self, event: Event, exporter: str) -> str:
        """An options or NAT event record as a whole line."""


class JsonLines(TextFile):
    """One JSON object a record; options and NAT events are objects with ``record`` and ``fields``."""

    def _quote(self, text: str) -> str:
        return json.dumps(text)

    def _around(self, cells: list[Any]) -> list[Any]:
        labels = [f'{opening}"{name}":' for opening, name in zip_longest("{", self._names, fillvalue=",")]
        return [part for pair in zip(labels, cells, strict=True) for part in pair] + ["}\n"]

    def _event(self, event: Event, exporter: str) -> str:
        return json.dumps({**_common(event, exporter), "fields": event.fields}, separators=(",", ":")) + "\n"


class Csv(TextFile):
    """RFC 4180 with LF line ends; with events, ``record`` and ``fields`` follow, empty for flows."""

    def __init__(self, stream: BinaryIO, *, line_id: Callable[[int], str] | None, events: bool) -> None:
        super().__init__(stream, line_id=line_id)
        self._with_events = events
        header = (*self._names, *(("record", "fields") if events else ()))
        stream.write((",".join(header) + "\n").encode())

    def _quote(self, text: str) -> str:
        return _csv_cell(text)

    def _around(self, cells: list[Any]) -> list[Any]:
        commas = [part for cell in cells for part in (cell, ",")]
        return [*commas[:-1], ",,\n" if self._with_events else "\n"]

    def _event(self, event: Event, exporter: str) -> str:
        common = _common(event, exporter)
        cells = [str(common.get(name, "")) for name in self._names]
        fields = json.dumps(event.fields, separators=(",", ":"))
        return ",".join(map(_csv_cell, (*cells, event.kind, fields))) + "\n"


class Parquet:
    """The columns of ``FLOW`` with their types, zstd, row groups of about ``ROW_GROUP_ROWS``."""

    def __init__(self, stream: BinaryIO, *, line_id: Callable[[int], str] | None) -> None:
        self._line_id = line_id
        self._schema = _plain(FLOW.arrow_schema(), LINE_COLUMNS if line_id is not None else ())
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, batch: FlowBatch, events: Sequence[tuple[int, Event]]) -> None:
        """Write the rows of a batch; the flow table has no place for events."""
        assert not events, "events are not asked for with Parquet"
        arrays = batch.to_arrow().columns
        if self._line_id is not None:
            arrays += line_texts(batch, self._line_id)
        cast = [array.cast(field.type) for array, field in zip(arrays, self._schema, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(cast, schema=self._schema))
        self._rows += len(batch)
        if self._rows >= ROW_GROUP_ROWS or len(self._batches) >= ROW_GROUP_BATCHES:
            self._flush()

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        self._batches, self._rows = [], 0


def _plain(schema: pa.Schema, more: Sequence[str]) -> pa.Schema:
    """Strings instead of dictionaries, which differ between batches; Parquet makes its own."""
    fields = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema]
    return pa.schema([*fields, *(pa.field(name, pa.string(), nullable=False) for name in more)])


def _common(event: Event, exporter: str) -> Mapping[str, Any]:
    return {
        "record": event.kind,
        "received_at": iso(event.received_at),
        "exporter": exporter,
        "observation_domain_id": event.observation_domain_id,
    }


def _csv_cell(text: str) -> str:
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(character in text for character in ',"\r\n') else text
