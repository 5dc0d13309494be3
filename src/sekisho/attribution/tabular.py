"""CSV and Parquet read in blocks of rows, columns found by header; a bad row is refused with its place."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

BLOCK_OCTETS = 8 << 20
"""Text of a CSV read at once: a block and its columns stay small beside the tables they go to."""

BLOCK_ROWS = 131_072
"""Rows of a Parquet file read at once."""

_PARQUET_MAGIC = b"PAR1"
_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive rows of a file.

    Attributes:
        first: number of the first row, from 0, header and empty lines not counted.
    """

    file: Tabular
    first: int
    rows: pa.RecordBatch

    def texts(self, name: str) -> pa.Array:
        """A column as strings, null where the cell is empty or the column is not there."""
        return self._as(name, pa.string(), "a text")

    def required(self, name: str) -> pa.Array:
        """A column as strings, none of them empty.

        Raises:
            InputError: an empty cell.
        """
        texts = self.texts(name)
        if texts.null_count:
            row = pc.index(pc.is_null(texts), True).as_py()
            raise self.refuse(row, name, expected="a text", found=None)
        return texts

    def numbers(self, name: str) -> pa.Array:
        """A column as int64, null where the cell is empty or the column is not there.

        Raises:
            InputError: a cell that is no whole number.
        """
        return self._as(name, pa.int64(), "a whole number")

    def instants(self, name: str) -> pa.Array:
        """A column of times as milliseconds UTC (int64), null where the cell is empty or the column is not there.

        Raises:
            InputError: not ISO 8601, or without a zone.
        """
        expected = "an ISO 8601 time with its zone"
        column = self._column(name)
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            # Arrow would take a time without a zone for UTC: nine hours off in Japan.
            raise self.refuse(0, name, expected=expected, found=str(column.type))
        instants = self._as(name, pa.timestamp("us", "UTC"), expected)
        return pc.cast(pc.floor_temporal(instants, unit="millisecond"), pa.timestamp("ms", "UTC")).cast(pa.int64())

    def refuse(self, row: int, name: str, *, expected: str, found: object) -> InputError:
        """The error for a cell of this block's ``row`` (from 0)."""
        return self.file.refuse(self.first + row, f"{name}: expected {expected}, found {_short(found)}")

    def _column(self, name: str) -> pa.Array:
        if name not in self.rows.schema.names:
            return pa.nulls(self.rows.num_rows)
        column = self.rows.column(name)
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column

    def _as(self, name: str, wanted: pa.DataType, expected: str) -> pa.Array:
        column = self._column(name)
        try:
            return column.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            row = next(row for row in range(len(column)) if not _casts(column.slice(row, 1), wanted))
            raise self.refuse(row, name, expected=expected, found=column[row].as_py()) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabular:
    """A file of rows, CSV or Parquet (told by its first octets)."""

    path: Path
    names: tuple[str, ...]
    parquet: bool

    @classmethod
    def open(cls, path: Path) -> Self:
        """Look at the header.

        Raises:
            InputError: unreadable, empty, or neither CSV nor Parquet.
        """
        try:
            with path.open("rb") as file:
                parquet = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
            if parquet:
                return cls(path=path, names=tuple(pq.read_schema(path).names), parquet=True)
            with path.open(encoding="utf-8-sig", newline="") as text:
                header = next(csv.reader(text), [])
        except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
            raise InputError(path, f"expected CSV (UTF-8) or Parquet, found: {error}") from error
        if not header:
            raise InputError(path, "expected a header, found an empty first line", line=1)
        return cls(path=path, names=tuple(header), parquet=False)

    def check_columns(self, required: Collection[str], optional: Collection[str]) -> None:
        """Every required column once and no unknown one: a misspelt ``realm`` would put its rows into the default.

        Raises:
            InputError: otherwise.
        """
        known = ",".join((*required, *(f"[{name}]" for name in optional)))
        wrong = [name for name in self.names if name not in {*required, *optional} or self.names.count(name) > 1]
        missing = [name for name in required if name not in self.names]
        if wrong or missing:
            found = f"{wrong[0]!r}" if wrong else f"no {missing[0]!r}"
            raise InputError(self.path, f"expected the columns {known}, found {found}", line=1)

    def blocks(self) -> Iterator[Block]:
        """The rows in order.

        Raises:
            InputError: a row with more or fewer cells than the header, or a file that breaks off.
        """
        first = 0
        try:
            for rows in self._batches():
                yield Block(file=self, first=first, rows=rows)
                first += rows.num_rows
        except pa.ArrowInvalid as error:
            raise self._ragged() or InputError(self.path, f"expected rows, found: {_short(error)}") from error
        except (OSError, pa.ArrowException) as error:
            raise InputError(self.path, f"expected rows, found: {_short(error)}") from error

    def refuse(self, row: int, problem: str) -> InputError:
        """The error for a row counted from 0: a CSV's place is a line, a Parquet file's the number of the row."""
        if self.parquet:
            return InputError(self.path, f"row {row + 1}: {problem}")
        for number, (line, _) in enumerate(self._lines()):
            if number == row:
                return InputError(self.path, problem, line=line)
        return InputError(self.path, problem)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self.parquet:
            with pq.ParquetFile(self.path) as file:
                yield from file.iter_batches(batch_size=BLOCK_ROWS)
            return
        with pacsv.open_csv(
            self.path,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK_OCTETS),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        ) as reader:
            yield from reader

    def _ragged(self) -> InputError | None:
        """The first CSV row whose cells are not as many as the header's."""
        wrong = (
            InputError(self.path, f"expected {len(self.names)} cells, found {cells}", line=line)
            for line, cells in self._lines()
            if cells != len(self.names)
        )
        return None if self.parquet else next(wrong, None)

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Line number and number of cells of every CSV row; read again only to say where an error is."""
        with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            reader = csv.reader(text)
            next(reader, None)
            yield from ((reader.line_num, len(cells)) for cells in reader if cells)


def _casts(column: pa.Array, wanted: pa.DataType) -> bool:
    try:
        column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _short(found: Any) -> str:
    if found is None:
        return "nothing"
    text = repr(found) if isinstance(found, str) else " ".join(str(found).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
