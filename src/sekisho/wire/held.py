"""Data sets that came before their template: kept a few seconds, then counted as not decodable.

The set is kept with its message header, so that it can be walked as a datagram of its own later.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.reasons import WireReason
from sekisho.wire import ipfix, v9

if TYPE_CHECKING:
    from sekisho.wire.limits import Limits
    from sekisho.wire.templates import Source

SET_HEADER_OCTETS = 4


@dataclass(slots=True, kw_only=True)
class HeldSet:
    """One set and what is needed to decode it later.

    Attributes:
        payload: message header and the set, a valid datagram by itself.
        is_waiting: False once its template came.
    """

    source: Source
    template_id: int
    port: int
    received_at: int
    payload: bytes
    is_waiting: bool = True


def as_datagram(header: bytes, version: int, set_octets: bytes) -> bytes:
    """A datagram of one set; the length in IPFIX's header becomes its own."""
    if version != ipfix.VERSION:
        return header + set_octets
    length = len(header) + len(set_octets)
    return header[:2] + length.to_bytes(2, "big") + header[4:] + set_octets


HEADER_OCTETS = {v9.VERSION: v9.HEADER_OCTETS, ipfix.VERSION: ipfix.HEADER_OCTETS}


class HeldSets:
    """Sets that wait, bounded in octets for each exporter and in time."""

    def __init__(self, limits: Limits, drops: Counter[WireReason]) -> None:
        self._limits = limits
        self._drops = drops
        self._queue: deque[HeldSet] = deque()
        self._waiting: dict[tuple[Source, int], list[HeldSet]] = {}
        self._octets: Counter[int] = Counter()

    def __len__(self) -> int:
        return sum(len(sets) for sets in self._waiting.values())

    def hold(self, held: HeldSet) -> None:
        """Keep a set, or count it where its exporter has used up its share."""
        self.expire(held.received_at)
        exporter = held.source.exporter
        if self._octets[exporter] + len(held.payload) > self._limits.held_octets_per_exporter:
            self._drops[WireReason.HELD_LIMIT] += 1
            return
        self._octets[exporter] += len(held.payload)
        self._queue.append(held)
        self._waiting.setdefault((held.source, held.template_id), []).append(held)

    def take(self, source: Source, template_id: int) -> list[HeldSet]:
        """The sets that waited for a template, in the order they came."""
        taken = self._waiting.pop((source, template_id), [])
        for held in taken:
            held.is_waiting = False
            self._octets[source.exporter] -= len(held.payload)
        return taken

    def expire(self, now_ms: int) -> None:
        """Count the sets that waited too long in stream time."""
        oldest = now_ms - self._limits.held_ms
        while self._queue and (not self._queue[0].is_waiting or self._queue[0].received_at < oldest):
            held = self._queue.popleft()
            if held.is_waiting:
                self._expire(held)

    def _expire(self, held: HeldSet) -> None:
        key = (held.source, held.template_id)
        self._waiting[key].remove(held)
        if not self._waiting[key]:
            del self._waiting[key]
        self._octets[held.source.exporter] -= len(held.payload)
        self._drops[WireReason.UNKNOWN_TEMPLATE] += 1
