"""Flow rows as text, a column at a time: each cell as JSON lines and CSV write it.

Records are joined by Arrow, so that the octets of a whole batch are one buffer; Python touches distinct texts only.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sekisho.core.address import V4_MAPPED, text_of_words
from sekisho.core.reasons import UnattributedReason
from sekisho.schema.flow import FLOW
from sekisho.schema.table import Type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from sekisho.schema.batch import FlowBatch
    from sekisho.schema.table import Column

Cells = Any
"""A string array of the batch's length, or one string for all of its rows."""

_IPV4_PREFIX = V4_MAPPED >> 32
_OCTET_TEXTS = pa.array([str(octet) for octet in range(256)])
_BOOLEAN_TEXTS = pa.array(["false", "true"])
_UTC_SUFFIX = "Z"


def names_of(*, with_lines: bool) -> tuple[str, ...]:
    """Names of the columns in order; addresses have one column instead of two words."""
    names = (f"{c.name[:-3]}_addr" if c.name.endswith("_hi") else c.name for c in FLOW.columns)
    return (*(name for name in names if not name.endswith("_lo")), *(LINE_COLUMNS if with_lines else ()))


LINE_COLUMNS = ("src_line_id", "dst_line_id", "src_unattributed", "dst_unattributed")
"""What is added where addresses are attributed."""


def flow_cells(batch: FlowBatch, quote: Callable[[str], str]) -> Iterator[Cells]:
    """The cells of the flow columns in the order of ``names_of``; ``quote`` puts a text between its marks."""
    for column in FLOW.columns:
        if column.name.endswith("_hi"):
            yield _addresses(batch, column.name[:-3], quote)
        elif not column.name.endswith("_lo"):
            yield _cells(batch, column, quote)


def line_cells(batch: FlowBatch, line_id: Callable[[int], str], quote: Callable[[str], str]) -> Iterator[Cells]:
    """The cells of ``LINE_COLUMNS``; empty text where there is no line, or no reason."""
    for side in ("src_line", "dst_line"):
        yield _of_distinct(batch.column(side), lambda key: quote(line_id(key) if key else ""))
    for side in ("src_unattributed", "dst_unattributed"):
        yield _of_distinct(batch.column(side), lambda code: quote(_reason(code)))


def line_texts(batch: FlowBatch, line_id: Callable[[int], str]) -> list[pa.Array]:
    """The values of ``LINE_COLUMNS`` as string arrays."""
    return [_broadcast(cells, len(batch)) for cells in line_cells(batch, line_id, str)]


def joined(parts: Iterable[Cells]) -> pa.Array:
    """The parts of each row put together; at least one of them differs from row to row."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return pc.binary_join_element_wise(*merged, "")


def _cells(batch: FlowBatch, column: Column, quote: Callable[[str], str]) -> Cells:
    values = batch.column(column.name)
    if column.type is Type.STRING:
        texts = batch.exporters if column.name == "exporter" else batch.realms
        return pa.array([quote(text) for text in texts], pa.string()).take(pa.array(values))
    if column.type is Type.TIMESTAMP_MS:
        return _times(values, quote)
    if column.type is Type.BOOL:
        return _BOOLEAN_TEXTS.take(pa.array((values != 0).astype(np.int64)))
    if values[0] == values[-1] and np.all(values == values[0]):
        return str(pa.scalar(values[0]).cast(pa.string()))
    return pa.array(values).cast(pa.string())


def _times(values: NDArray[np.int64], quote: Callable[[str], str]) -> Cells:
    """ISO 8601 in UTC with milliseconds; Arrow writes a space where the T stands."""
    opening, closing = quote("|").split("|")
    texts = pa.array(values).cast(pa.timestamp("ms")).cast(pa.string())
    day = pc.utf8_slice_codeunits(texts, 0, stop=10)
    clock = pc.utf8_slice_codeunits(texts, 11)
    return joined((opening, day, "T", clock, _UTC_SUFFIX + closing))


def _addresses(batch: FlowBatch, side: str, quote: Callable[[str], str]) -> Cells:
    """Texts of RFC 5952 for both versions; empty where a tunnel's source is not known."""
    hi, lo = batch.column(f"{side}_hi"), batch.column(f"{side}_lo")
    if not hi.any() and not lo.any():
        return quote("" if side == "tunnel_src" else "::")
    is_v4 = (hi == 0) & (lo >> 32 == _IPV4_PREFIX)
    v6_rows = np.flatnonzero(~is_v4)
    texts = _ipv4(lo, quote)
    if not len(v6_rows):
        return texts
    others = _ipv6(hi[v6_rows], lo[v6_rows], lambda text: quote("" if side == "tunnel_src" and text == "::" else text))
    order = np.arange(len(lo))
    order[v6_rows] = len(lo) + np.arange(len(v6_rows))
    return pa.concat_arrays([texts, others]).take(pa.array(order))


def _ipv4(lo: NDArray[np.int64], quote: Callable[[str], str]) -> Cells:
    opening, closing = quote("|").split("|")
    octets = [_OCTET_TEXTS.take(pa.array(lo >> shift & 0xFF)) for shift in (24, 16, 8, 0)]
    first, second, third, fourth = octets
    return joined((opening, first, ".", second, ".", third, ".", fourth, closing))


def _ipv6(hi: NDArray[np.int64], lo: NDArray[np.int64], quote: Callable[[str], str]) -> Cells:
    words = np.ascontiguousarray(np.stack([hi, lo], axis=1)).view([("hi", np.int64), ("lo", np.int64)]).ravel()
    distinct, row = np.unique(words, return_inverse=True)
    return pa.array([quote(_text(*pair)) for pair in distinct.tolist()]).take(pa.array(row))


def _text(hi: int, lo: int) -> str:
    # The C library writes ::192.0.2.1 where RFC 5952, section 5 asks for hexadecimal; all others it writes the same.
    return text_of_words(hi, lo) if hi == 0 else socket.inet_ntop(socket.AF_INET6, struct.pack(">qq", hi, lo))


def _of_distinct(values: NDArray[np.int64], text: Callable[[int], str]) -> Cells:
    distinct, row = np.unique(values, return_inverse=True)
    if len(distinct) == 1:
        return text(int(distinct[0]))
    return pa.array([text(value) for value in distinct.tolist()], pa.string()).take(pa.array(row))


def _broadcast(cells: Cells, length: int) -> pa.Array:
    return cells if isinstance(cells, pa.Array) else pa.repeat(cells, length)


def _reason(code: int) -> str:
    return UnattributedReason(code).label if code else ""
