"""Datagrams between the sockets and the run: a bounded queue, shared fairly when it fills.

While less than half of it is in use everybody may put in. From then on each exporter may hold an equal share of a half:
one that sends more is shed, and the others go on as if it were not there.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import TYPE_CHECKING

import numpy as np
from numba import types

from sekisho.core.kernels import kernel, warm
from sekisho.wire.datagrams import Datagrams

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATAGRAM_OCTETS = 64
"""What a datagram costs beside its payload; tiny ones would otherwise fill the memory with their columns."""

_TOTAL, _ACTIVE = 0, 1


@kernel
def admit(
    payload: NDArray[np.uint8],
    offset: NDArray[np.int64],
    length: NDArray[np.int64],
    exporter: NDArray[np.int64],
    half: int,
    held: NDArray[np.int64],
    sums: NDArray[np.int64],
    shed: NDArray[np.int64],
    copy: NDArray[np.uint8],
    kept: NDArray[np.int64],
) -> tuple[int, int]:
    """Copy the datagrams that find room, side by side; how many were copied, and their octets.

    Args:
        payload: of the datagrams.
        offset: where each stands in it.
        length: octets of each.
        exporter: code of each one's exporter.
        half: octets, half of the queue.
        held: octets in the queue by exporter.
        sums: all of them, and how many exporters hold some.
        shed: datagrams that found no room, by exporter.
        copy: as long as all the payloads together, written.
        kept: numbers of the datagrams that were copied, written.
    """
    count = end = 0
    for i in range(len(offset)):
        code, octets = exporter[i], length[i]
        cost = octets + DATAGRAM_OCTETS
        is_new = held[code] == 0
        share = half // max(sums[_ACTIVE] + is_new, 1)
        if sums[_TOTAL] + cost > half and held[code] + cost > share:
            shed[code] += 1
            continue
        sums[_ACTIVE] += is_new
        sums[_TOTAL] += cost
        held[code] += cost
        copy[end : end + octets] = payload[offset[i] : offset[i] + octets]
        kept[count] = i
        count += 1
        end += octets
    return count, end


@kernel
def release(
    length: NDArray[np.int64], exporter: NDArray[np.int64], held: NDArray[np.int64], sums: NDArray[np.int64]
) -> None:
    """Give back the room of datagrams that leave the queue."""
    for i in range(len(length)):
        cost = length[i] + DATAGRAM_OCTETS
        held[exporter[i]] -= cost
        sums[_TOTAL] -= cost
        sums[_ACTIVE] -= held[exporter[i]] == 0


_WORD, _WORDS, _OCTETS = types.int64, types.int64[::1], types.uint8[::1]
KERNELS = (
    (admit, (_OCTETS, _WORDS, _WORDS, _WORDS, _WORD, _WORDS, _WORDS, _WORDS, _OCTETS, _WORDS)),
    (release, (_WORDS, _WORDS, _WORDS, _WORDS)),
)


class FairQueue:
    """Any number of threads put in, one takes out.

    Args:
        exporters: codes stay below this.
        octets: of payload held at most.
    """

    def __init__(self, exporters: int, *, octets: int) -> None:
        self._half = octets // 2
        self._held, self._shed = (np.zeros(max(exporters, 1), np.int64) for _ in range(2))
        self._sums = np.zeros(2, np.int64)
        self._waiting: deque[Datagrams] = deque()
        self._changed = threading.Condition()

    def start(self) -> None:
        """Compile."""
        warm((KERNELS,))

    def __len__(self) -> int:
        """Batches that wait."""
        return len(self._waiting)

    @property
    def shed(self) -> Counter[int]:
        """Datagrams that found no room, by code of the exporter."""
        return Counter({int(code): int(self._shed[code]) for code in np.flatnonzero(self._shed)})

    def put(self, datagrams: Datagrams) -> None:
        """Take in a copy of what finds room, and count the rest."""
        copy = np.empty(int(datagrams.length.sum()), np.uint8)
        kept = np.empty(len(datagrams), np.int64)
        with self._changed:
            count, end = admit(
                datagrams.payload,
                datagrams.offset,
                datagrams.length,
                datagrams.exporter,
                self._half,
                self._held,
                self._sums,
                self._shed,
                copy,
                kept,
            )
            if not count:
                return
            kept = kept[:count]
            length = datagrams.length[kept]
            self._waiting.append(
                Datagrams(
                    payload=copy[:end],
                    offset=np.cumsum(length) - length,
                    length=length,
                    received_at=datagrams.received_at[kept],
                    exporter=datagrams.exporter[kept],
                    source_port=datagrams.source_port[kept],
                )
            )
            self._changed.notify()

    def get(self, timeout_ms: int) -> Datagrams | None:
        """The batch that waits longest; None where none comes in time."""
        with self._changed:
            if not self._waiting and not self._changed.wait_for(lambda: self._waiting, timeout_ms / 1000):
                return None
            taken = self._waiting.popleft()
            release(taken.length, taken.exporter, self._held, self._sums)
            return taken
