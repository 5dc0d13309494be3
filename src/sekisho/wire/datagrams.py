"""Export datagrams side by side in one buffer, as sockets and capture files hand them over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagrams:
    """n UDP payloads in arrival order.

    Attributes:
        payload: uint8, the octets of all of them (writable: a read-only array is another kernel signature).
        offset, length: (n,) int64, where each payload stands in ``payload``.
        received_at: (n,) int64, milliseconds UTC.
        exporter: (n,) int64, code of the source address (index into the exporters' texts).
        source_port: (n,) int64, UDP source port.
    """

    payload: NDArray[np.uint8]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    received_at: NDArray[np.int64]
    exporter: NDArray[np.int64]
    source_port: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offset)

    def between(self, first: int, last: int) -> Datagrams:
        """Datagrams ``first`` (inclusive) to ``last`` (exclusive), as views."""
        return Datagrams(
            payload=self.payload,
            offset=self.offset[first:last],
            length=self.length[first:last],
            received_at=self.received_at[first:last],
            exporter=self.exporter[first:last],
            source_port=self.source_port[first:last],
        )

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int, bytes]]) -> Datagrams:
        """Datagrams from (received_at, exporter, source_port, payload) rows."""
        rows = list(rows)
        length = np.array([len(row[3]) for row in rows], dtype=np.int64)
        meta = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3)
        return cls(
            payload=np.frombuffer(bytearray(b"".join(row[3] for row in rows)), dtype=np.uint8),
            offset=np.cumsum(length) - length,
            length=length,
            received_at=meta[:, 0].copy(),
            exporter=meta[:, 1].copy(),
            source_port=meta[:, 2].copy(),
        )
