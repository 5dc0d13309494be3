"""Assignments files: which line held which prefix and ports from when to when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sekisho.attribution.keys import LineIds, line_keys
from sekisho.attribution.prefix_text import read_prefixes
from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sekisho.attribution.history.columns import Told
    from sekisho.attribution.tabular import Block, Tabular

REQUIRED = ("line_id", "prefix", "port_first", "port_last", "valid_from", "valid_to")
OPTIONAL = ("realm",)

LAST_PORT = 0xFFFF
FIRST_IPV4_LENGTH = 96
"""Prefix lengths count from the upper end of 128 bits; IPv4 is mapped (core.address)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """n assignments, a column each.

    Attributes:
        hi, lo, length: the prefix; length 0 to 128, IPv4 counted from 96.
        port_first, port_last: inclusive; 0 and 65535 where the address is not shared.
        valid_from_ms, valid_to_ms: from inclusive, to exclusive.
        realm: index into the realms.
        line: key of the line.
        inferred: that the line held it then is only inferred.
        told: by a source that goes on telling.
    """

    hi: NDArray[np.int64]
    lo: NDArray[np.int64]
    length: NDArray[np.uint8]
    port_first: NDArray[np.uint16]
    port_last: NDArray[np.uint16]
    valid_from_ms: NDArray[np.int64]
    valid_to_ms: NDArray[np.int64]
    realm: NDArray[np.int32]
    line: NDArray[np.int64]
    inferred: NDArray[np.bool_]
    told: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hi)


_COLUMNS: dict[str, type[np.generic]] = {
    "hi": np.int64,
    "lo": np.int64,
    "length": np.uint8,
    "port_first": np.uint16,
    "port_last": np.uint16,
    "valid_from_ms": np.int64,
    "valid_to_ms": np.int64,
    "realm": np.int32,
    "line": np.int64,
    "inferred": np.bool_,
    "told": np.bool_,
}


@dataclass(slots=True)
class _Growing:
    """Columns that double: large blocks go back to the system when they are replaced, thousands of small ones stay."""

    rows: int = 0
    columns: dict[str, NDArray[Any]] = field(
        default_factory=lambda: {name: np.empty(0, kind) for name, kind in _COLUMNS.items()}
    )

    def append(self, part: Assignments) -> None:
        end = self.rows + len(part)
        for name, column in self.columns.items():
            if end > len(column):
                self.columns[name] = np.empty(max(end, 2 * len(column)), column.dtype)
                self.columns[name][: self.rows] = column[: self.rows]
            self.columns[name][self.rows : end] = getattr(part, name)
        self.rows = end

    def assignments(self) -> Assignments:
        columns: dict[str, Any] = {name: column[: self.rows] for name, column in self.columns.items()}
        return Assignments(**columns)


@dataclass(slots=True, kw_only=True)
class AssignmentReader:
    """Collects the assignments of several files; ``warm(prefix_text.KERNELS)`` comes first.

    Attributes:
        realms: texts of the realms, a new one is appended.
        key: secret that line keys are computed with.
    """

    realms: list[str]
    key: bytes
    _growing: _Growing = field(default_factory=_Growing)
    _line_ids: list[tuple[NDArray[np.int64], pa.Array]] = field(default_factory=list)

    def read(self, file: Tabular, on_progress: Callable[[int], None]) -> None:
        """Add a file's rows; ``on_progress`` is told how many more rows are read.

        Raises:
            InputError: a malformed row: a wrong line is worse than no line, so none is guessed or left out.
        """
        file.check_columns(REQUIRED, OPTIONAL)
        before = self._growing.rows
        for block in file.blocks():
            self._growing.append(self._assignments(block))
            on_progress(block.rows.num_rows)
        if self._growing.rows == before:
            raise InputError(file.path, "expected at least one assignment, found none")

    def add(self, told: Told) -> None:
        """Add what a history knows."""
        key_of = np.zeros(int(told.lines[-1]) + 1 if len(told.lines) else 1, np.int64)
        keys = [line_keys(part.to_pylist(), self.key) for part in told.names]
        key_of[told.lines] = np.concatenate([np.zeros(0, np.int64), *keys])
        self._line_ids.extend(zip(keys, told.names, strict=True))
        realm_of = self._realm_codes(pa.array(told.realms, pa.string()))
        for spans in told.spans:
            self._growing.append(
                Assignments(
                    hi=spans.hi,
                    lo=spans.lo,
                    length=spans.length,
                    port_first=spans.port_first,
                    port_last=spans.port_last,
                    valid_from_ms=spans.from_ms,
                    valid_to_ms=spans.to_ms,
                    realm=realm_of[spans.realm],
                    line=key_of[spans.line],
                    inferred=spans.inferred,
                    told=np.ones(len(spans.hi), np.bool_),
                )
            )

    def finish(self) -> tuple[Assignments, LineIds]:
        """All assignments in the order read, and their lines; the reader is empty afterwards."""
        growing, self._growing = self._growing, _Growing()
        pairs, self._line_ids = self._line_ids, []
        keys = np.concatenate([np.zeros(0, np.int64), *(keys for keys, _ in pairs)])
        texts = pa.chunked_array([ids for _, ids in pairs], pa.string()).combine_chunks()
        line_ids = LineIds(keys, texts)
        del pairs, texts
        pa.default_memory_pool().release_unused()
        return growing.assignments(), line_ids

    def _assignments(self, block: Block) -> Assignments:
        hi, lo, length = _prefixes(block)
        port_first, port_last = _ports(block, length)
        valid_from_ms, valid_to_ms = _validity(block)
        return Assignments(
            hi=hi,
            lo=lo,
            length=length.astype(np.uint8),
            port_first=port_first.astype(np.uint16),
            port_last=port_last.astype(np.uint16),
            valid_from_ms=valid_from_ms,
            valid_to_ms=valid_to_ms,
            realm=self._realm_codes(block.texts("realm")),
            line=self._lines(block.required("line_id")),
            inferred=np.zeros(len(hi), np.bool_),
            told=np.zeros(len(hi), np.bool_),
        )

    def _lines(self, line_ids: pa.Array) -> NDArray[np.int64]:
        encoded = line_ids.dictionary_encode()
        keys = line_keys(encoded.dictionary.to_pylist(), self.key)
        self._line_ids.append((keys, encoded.dictionary))
        lines: NDArray[np.int64] = keys[encoded.indices.to_numpy(zero_copy_only=False)]
        return lines

    def _realm_codes(self, realms: pa.Array) -> NDArray[np.int32]:
        encoded = pc.fill_null(realms, "").dictionary_encode()
        names = encoded.dictionary.to_pylist()
        self.realms.extend(name for name in names if name not in self.realms)
        of_name = np.array([self.realms.index(name) for name in names], np.int32)
        codes: NDArray[np.int32] = of_name[encoded.indices.to_numpy(zero_copy_only=False)]
        return codes


def _prefixes(block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    texts = block.required("prefix")
    hi, lo, length, malformed = read_prefixes(texts)
    if malformed >= 0:
        expected = "an IP address or a prefix without host bits"
        raise block.refuse(malformed, "prefix", expected=expected, found=texts[malformed].as_py())
    return hi, lo, length


def _ports(block: Block, length: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    columns = [block.numbers(name) for name in ("port_first", "port_last")]
    first = _filled(columns[0], 0)
    last = _filled(columns[1], LAST_PORT)
    absent = [column.is_null().to_numpy(zero_copy_only=False) for column in columns]
    rules = (
        ("port_last", absent[0] != absent[1], "both ports or none"),
        ("port_first", (first < 0) | (first > LAST_PORT), f"0 to {LAST_PORT}"),
        ("port_last", (last < first) | (last > LAST_PORT), f"port_first to {LAST_PORT}"),
        ("port_first", ~absent[0] & (length < FIRST_IPV4_LENGTH), "no ports with an IPv6 prefix"),
    )
    for name, wrong, expected in rules:
        if wrong.any():
            row = int(wrong.argmax())
            raise block.refuse(row, name, expected=expected, found=block.texts(name)[row].as_py())
    return first, last


def _validity(block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An empty interval (a session of less than a tick of its server's clock) is legal and holds nothing."""
    valid_from_ms = _filled(block.instants("valid_from"), OPEN_FROM_MS)
    valid_to_ms = _filled(block.instants("valid_to"), OPEN_TO_MS)
    wrong = valid_to_ms < valid_from_ms
    if wrong.any():
        row = int(wrong.argmax())
        found = block.texts("valid_to")[row].as_py()
        raise block.refuse(row, "valid_to", expected="a time not before valid_from", found=found)
    return valid_from_ms, valid_to_ms


def _filled(column: pa.Array, absent: int) -> NDArray[np.int64]:
    filled: NDArray[np.int64] = pc.fill_null(column, absent).to_numpy(zero_copy_only=False)
    return filled
