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


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSet:
    """One set and what is needed to decode it later.

    Attributes:
        payload: message header and the set, a valid datagram by itself.
    """

    source: Source
    template_id: int
    port: int
    received_at: int
    payload: bytes


def as_datagram(header: bytes, version: int, set_octets: bytes) -> bytes:
    """A datagram of one set; the length in IPFIX's header becomes its own."""
    if version != ipfix.VERSION:
        return header + set_octets
    length = len(header) + len(set_octets)
    return header[:2] + length.to_bytes(2, "big") + header[4:] + set_octets


HEADER_OCTETS = {v9.VERSION: v9.HEADER_OCTETS, ipfix.VERSION: ipfix.HEADER_OCTETS}


CHECK_EVERY_MS = 1000
"""Stream time between two looks for sets that waited too long."""


class HeldSets:
    """Sets that wait, bounded in octets for each exporter and in time."""

    def __init__(self, limits: Limits, drops: Counter[WireReason]) -> None:
        self._limits = limits
        self._drops = drops
        self._waiting: dict[tuple[Source, int], deque[HeldSet]] = {}
        self._octets: Counter[int] = Counter()
        self._checked_ms = 0

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
        self._waiting.setdefault((held.source, held.template_id), deque()).append(held)

    def take(self, source: Source, template_id: int) -> list[HeldSet]:
        """The sets that waited for a template, in the order they came."""
        taken = list(self._waiting.pop((source, template_id), ()))
        self._octets[source.exporter] -= sum(len(held.payload) for held in taken)
        return taken

    def expire(self, now_ms: int) -> None:
        """Count the sets that waited too long in stream time."""
        if abs(now_ms - self._checked_ms) < CHECK_EVERY_MS:
            return
        self._checked_ms = now_ms
        for key, sets in list(self._waiting.items()):
            while sets and now_ms - sets[0].received_at > self._limits.held_ms:
                self._octets[key[0].exporter] -= len(sets.popleft().payload)
                self._drops[WireReason.UNKNOWN_TEMPLATE] += 1
            if not sets:
                del self._waiting[key]
