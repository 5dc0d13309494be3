"""The pcap file format (draft-ietf-opsawg-pcap): one header, then a record a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numba

from sekisho.collect.frames import FRAMES_TYPE, OCTETS
from sekisho.collect.octets import u32_of
from sekisho.collect.walk import AGAIN, CORRUPT, MAX_SNAPLEN, MORE, Walked
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sekisho.collect.frames import Frames

FILE_HEADER_OCTETS = 24
RECORD_HEADER_OCTETS = 16

MAGICS = {
    0xA1B2C3D4: 1_000,
    0xA1B23C4D: 1_000_000,
}
"""Magic number -> ticks a millisecond; read in the other octet order, the file is of the other order."""


class Header(NamedTuple):
    """What the records' meaning depends on."""

    is_big_endian: bool
    ticks_per_ms: int
    link_type: int


@kernel
def walk_records(octets: NDArray[np.uint8], at: int, header: Header, frames: Frames) -> tuple[int, int, int]:
    """Enter the complete records from ``at`` into ``frames``; returns status, where it stopped, number of frames."""
    is_big_endian, ticks_per_ms, link_type = header
    frame_at, captured, wire, time_ms, link_types = frames
    count = 0
    while at + RECORD_HEADER_OCTETS <= len(octets):
        if count == len(frame_at):
            return AGAIN, at, count
        captured_length = u32_of(octets, at + 8, is_big_endian)
        if captured_length > MAX_SNAPLEN:
            return CORRUPT, at, count
        if at + RECORD_HEADER_OCTETS + captured_length > len(octets):
            break
        fraction_ms = u32_of(octets, at + 4, is_big_endian) // ticks_per_ms
        frame_at[count] = at + RECORD_HEADER_OCTETS
        captured[count] = captured_length
        # Some writers put the captured length into both fields, others zero into the second.
        wire[count] = max(u32_of(octets, at + 12, is_big_endian), captured_length)
        time_ms[count] = u32_of(octets, at, is_big_endian) * 1000 + fraction_ms
        link_types[count] = link_type
        at += RECORD_HEADER_OCTETS + captured_length
        count += 1
    return MORE, at, count


_HEADER: Any = numba.types.BaseTuple.from_types(  # type: ignore[no-untyped-call]
    (numba.boolean, numba.int64, numba.int64), Header
)
KERNELS = ((walk_records, (OCTETS, numba.int64, _HEADER, FRAMES_TYPE)),)


class PcapWalker:
    """Walks the records of one file; ``head`` holds at least its first 24 octets."""

    file_header_octets = FILE_HEADER_OCTETS

    def __init__(self, head: bytes) -> None:
        is_big_endian = int.from_bytes(head[:4], "big") in MAGICS
        order: Literal["big", "little"] = "big" if is_big_endian else "little"
        self._header = Header(
            is_big_endian=is_big_endian,
            ticks_per_ms=MAGICS[int.from_bytes(head[:4], order)],
            # The upper bits of the field tell the length of the frame check sequence.
            link_type=int.from_bytes(head[20:24], order) & 0xFFFF,
        )

    def walk(self, octets: NDArray[np.uint8], at: int, frames: Frames) -> Walked:
        """Enter the complete records from ``at`` into ``frames``."""
        return Walked(*walk_records(octets, at, self._header, frames))

    @staticmethod
    def recognises(head: bytes) -> bool:
        """The file starts like a pcap file, in either octet order."""
        magic = head[:4]
        return int.from_bytes(magic, "big") in MAGICS or int.from_bytes(magic, "little") in MAGICS
