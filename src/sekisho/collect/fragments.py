"""IP fragments put together again: export datagrams larger than the path's MTU do happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sekisho.collect.frames import NO_TIME, Fragment, export_time_ms
from sekisho.core.reasons import FrameReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMEOUT_MS = 30_000
"""Stream time after which the missing fragment of a datagram is not waited for; Linux waits as long."""

MAX_INCOMPLETE = 256
"""Datagrams put together at once, at most 16 MiB; another one makes the oldest leave, counted ``fragment_limit``."""

MAX_DATAGRAM_OCTETS = 65_535

MAX_FRAGMENTS = 128
"""Fragments of one datagram: 64 KiB in pieces of 576 octets, the smallest MTU an IPv4 path need carry."""

_UDP_HEADER_OCTETS = 8

_VERSION_WORDS = (b"\0\5", b"\0\x09", b"\0\x0a")
_SFLOW_VERSION_WORD = b"\0\0\0\5"

Key = tuple[int, int, int, int, int]
"""Source, destination and identification: RFC 791, section 3.2; RFC 8200, section 4.5. All of them carry UDP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassembled:
    """A UDP datagram of several fragments.

    Attributes:
        row: number of datagrams of the block that stand before it.
        payload: octets behind the UDP header.
        received_at: when the fragment that completed it was captured, milliseconds UTC.
    """

    row: int
    source_hi: int
    source_lo: int
    source_port: int
    payload: bytes
    received_at: int


@dataclass(slots=True, kw_only=True)
class _Incomplete:
    first_seen_ms: int
    frames: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)
    total: int | None = None

    def add(self, offset: int, octets: bytes, *, has_more: bool) -> bool:
        """Take a fragment in; False if it overlaps what is there, reaches beyond the end, or is one too many."""
        self.frames += 1
        if self.parts.get(offset) == octets:
            return True
        end = offset + len(octets)
        if not has_more:
            self.total = end
        is_apart = all(end <= start or offset >= start + len(part) for start, part in self.parts.items())
        self.parts[offset] = octets
        last_end = max(start + len(part) for start, part in self.parts.items())
        is_within = len(self.parts) <= MAX_FRAGMENTS and last_end <= (
            self.total if self.total is not None else MAX_DATAGRAM_OCTETS
        )
        return is_apart and is_within

    def datagram(self) -> bytes | None:
        """The whole, once nothing is missing."""
        if self.total is None or sum(map(len, self.parts.values())) != self.total:
            return None
        return b"".join(self.parts[offset] for offset in sorted(self.parts))


class Reassembly:
    """Holds what is incomplete, bounded in number and in stream time.

    Attributes:
        drops: frames that came to nothing, by reason.
    """

    def __init__(self) -> None:
        self.drops: Counter[FrameReason] = Counter()
        self._incomplete: dict[Key, _Incomplete] = {}
        self._now_ms = NO_TIME

    def take(self, octets: NDArray[np.uint8], fragments: NDArray[np.int64]) -> list[Reassembled]:
        """Take fragments ((n, 11) rows of ``Fragment``) in; returns the datagrams that they completed, in order."""
        whole = (self._take(octets, Fragment(*fragment)) for fragment in fragments.tolist())
        return [datagram for datagram in whole if datagram is not None]

    def finish(self) -> None:
        """Nothing follows: what is incomplete is counted."""
        for key in list(self._incomplete):
            self._drop(key, FrameReason.FRAGMENT_INCOMPLETE)

    def _take(self, octets: NDArray[np.uint8], fragment: Fragment) -> Reassembled | None:
        self._expire(fragment.received_at)
        key = fragment[:5]
        incomplete = self._incomplete.setdefault(key, _Incomplete(first_seen_ms=self._now_ms))
        part = bytes(octets[fragment.at : fragment.at + fragment.length])
        if not incomplete.add(fragment.fragment_offset, part, has_more=bool(fragment.has_more)):
            # RFC 5722, section 4: a datagram with overlapping fragments is an attack, all of it is discarded.
            self._drop(key, FrameReason.BAD_IP_HEADER)
            return None
        datagram = incomplete.datagram()
        if datagram is None:
            return None
        if (reason := _problem(datagram)) is not None:
            self._drop(key, reason)
            return None
        del self._incomplete[key]
        return _reassembled(fragment, datagram)

    def _expire(self, received_at: int) -> None:
        self._now_ms = max(self._now_ms, received_at)
        oldest = next(iter(self._incomplete), None)
        while oldest is not None and self._now_ms - self._incomplete[oldest].first_seen_ms > TIMEOUT_MS:
            self._drop(oldest, FrameReason.FRAGMENT_INCOMPLETE)
            oldest = next(iter(self._incomplete), None)
        if oldest is not None and len(self._incomplete) >= MAX_INCOMPLETE:
            self._drop(oldest, FrameReason.FRAGMENT_LIMIT)

    def _drop(self, key: Key, reason: FrameReason) -> None:
        self.drops[reason] += self._incomplete.pop(key).frames


def _reassembled(fragment: Fragment, datagram: bytes) -> Reassembled:
    payload = datagram[_UDP_HEADER_OCTETS : int.from_bytes(datagram[4:6], "big")]
    received_at = fragment.received_at
    if received_at == NO_TIME:
        received_at = export_time_ms(np.frombuffer(bytearray(payload), dtype=np.uint8), 0, len(payload))
    return Reassembled(
        row=fragment.row,
        source_hi=fragment.source_hi,
        source_lo=fragment.source_lo,
        source_port=int.from_bytes(datagram[:2], "big"),
        payload=payload,
        received_at=received_at,
    )


def _problem(datagram: bytes) -> FrameReason | None:
    """Why a whole UDP datagram is no export, as ``frames.read_udp`` says it of those in one piece."""
    length = int.from_bytes(datagram[4:6], "big")
    if not _UDP_HEADER_OCTETS <= length <= len(datagram):
        return FrameReason.BAD_UDP_HEADER
    payload = datagram[_UDP_HEADER_OCTETS:length]
    is_export = payload[:2] in _VERSION_WORDS or payload[:4] == _SFLOW_VERSION_WORD
    return None if is_export else FrameReason.NOT_AN_EXPORT
