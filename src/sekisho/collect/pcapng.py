"""The pcapng file format (draft-ietf-opsawg-pcapng): sections, interfaces and their clocks, packets in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from sekisho.collect.frames import FRAMES_TYPE, NO_TIME, OCTETS
from sekisho.collect.octets import u16_of, u32_of
from sekisho.collect.walk import AGAIN, CORRUPT, MAX_SNAPLEN, MORE, Walked
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sekisho.collect.frames import Frames

SECTION_HEADER, INTERFACE_DESCRIPTION, PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
BYTE_ORDER_MAGIC = 0x1A2B3C4D
MAX_DESCRIPTION_OCTETS = 65_536
"""A section header or an interface description with its options; a longer one is damage."""
MAX_PACKET_BLOCK_OCTETS = MAX_SNAPLEN + 65_536
"""A packet with its options; blocks of other kinds may be longer and are skipped."""
MAX_INTERFACES = 4096
MAX_TIME_MS = 253_402_300_800_000
"""Year 10000: a later time stamp, or an offset of more than that, is damage."""

_DESCRIPTION = 3
"""Status beside those of ``walk``: a section or interface has to be read first."""

_IF_TSRESOL, _IF_TSOFFSET, _END_OF_OPTIONS = 9, 14, 0
_DEFAULT_TSRESOL = 6
_NO_SHIFT = -1

_LINK_TYPE, _SNAPLEN, _MULTIPLIER, _DIVISOR, _SHIFT, _OFFSET_MS = range(6)


@kernel
def packet_time_ms(high: int, low: int, interface: NDArray[np.int64]) -> int:
    """Milliseconds of a 64-bit time stamp in the units of its interface."""
    ticks = high << 32 | low
    shift = interface[_SHIFT]
    if shift == _NO_SHIFT:
        return int(ticks * interface[_MULTIPLIER] // interface[_DIVISOR] + interface[_OFFSET_MS])
    # Binary resolutions, such as 2^-32 s: the fraction is cut to 32 bits, so that its product stays within 64.
    fraction = ticks & ((1 << shift) - 1)
    kept = min(shift, 32)
    return int((ticks >> shift) * 1000 + ((fraction >> (shift - kept)) * 1000 >> kept) + interface[_OFFSET_MS])


@kernel
def enter_packet(
    octets: NDArray[np.uint8],
    block: tuple[int, int, int, bool],
    interfaces: NDArray[np.int64],
    frames: Frames,
    row: int,
) -> bool:
    """Enter the packet of a block (kind, start, end, octet order) as row ``row``; False if the block is damaged."""
    frame_at, captured, wire, time_ms, link_type = frames
    kind, at, end, is_big_endian = block
    first = at + 28 if kind != SIMPLE_PACKET else at + 12
    if first + 4 > end or len(interfaces) == 0:
        return False
    number = 0
    if kind == SIMPLE_PACKET:
        wire[row] = u32_of(octets, at + 8, is_big_endian)
        limit = interfaces[0, _SNAPLEN]
        captured[row] = min(wire[row], limit) if limit > 0 else wire[row]
    else:
        number = u32_of(octets, at + 8, is_big_endian)
        if kind == PACKET:
            number = u16_of(octets, at + 8, is_big_endian)
        captured[row] = u32_of(octets, at + 20, is_big_endian)
        wire[row] = max(u32_of(octets, at + 24, is_big_endian), captured[row])
    if number >= len(interfaces) or first + captured[row] + 4 > end:
        return False
    time_ms[row] = NO_TIME
    if kind != SIMPLE_PACKET:
        high, low = u32_of(octets, at + 12, is_big_endian), u32_of(octets, at + 16, is_big_endian)
        time_ms[row] = packet_time_ms(high, low, interfaces[number])
        if not 0 <= time_ms[row] < MAX_TIME_MS:
            return False
    frame_at[row], link_type[row] = first, interfaces[number, _LINK_TYPE]
    return True


@kernel
def walk_blocks(
    octets: NDArray[np.uint8], at: int, is_big_endian: bool, interfaces: NDArray[np.int64], frames: Frames
) -> tuple[int, int, int]:
    """Enter the packets of the complete blocks from ``at``; returns status, where it stopped, number of frames."""
    count = 0
    while at + 12 <= len(octets):
        kind = u32_of(octets, at, is_big_endian)
        if kind in (SECTION_HEADER, INTERFACE_DESCRIPTION):
            return _DESCRIPTION, at, count
        length = u32_of(octets, at + 4, is_big_endian)
        if length < 12 or length % 4 != 0:
            return CORRUPT, at, count
        if kind in (PACKET, SIMPLE_PACKET, ENHANCED_PACKET):
            if length > MAX_PACKET_BLOCK_OCTETS:
                return CORRUPT, at, count
            if at + length > len(octets):
                break
            if count == len(frames.at):
                return AGAIN, at, count
            if not enter_packet(octets, (kind, at, at + length, is_big_endian), interfaces, frames, count):
                return CORRUPT, at, count
            count += 1
        at += length
    return MORE, at, count


_TABLE = numba.int64[:, ::1]
KERNELS = ((walk_blocks, (OCTETS, numba.int64, numba.boolean, _TABLE, FRAMES_TYPE)),)


class PcapngWalker:
    """Walks the blocks of one file; a section starts with no interface and may change the octet order."""

    file_header_octets = 0

    def __init__(self, _head: bytes) -> None:
        self._is_big_endian = False
        self._interfaces = _no_interfaces()

    def walk(self, octets: NDArray[np.uint8], at: int, frames: Frames) -> Walked:
        """Enter the packets of the complete blocks from ``at`` up to the next description into ``frames``."""
        status, stop, count = walk_blocks(octets, at, self._is_big_endian, self._interfaces, frames)
        if status != _DESCRIPTION:
            return Walked(status, stop, count)
        status, stop = self._describe(octets, stop)
        return Walked(status, stop, count)

    @staticmethod
    def recognises(head: bytes) -> bool:
        """The file starts with a section header block."""
        magic = {BYTE_ORDER_MAGIC.to_bytes(4, "big"), BYTE_ORDER_MAGIC.to_bytes(4, "little")}
        return head[:4] == SECTION_HEADER.to_bytes(4, "big") and head[8:12] in magic

    def _describe(self, octets: NDArray[np.uint8], at: int) -> tuple[int, int]:
        is_section = bytes(octets[at : at + 4]) == SECTION_HEADER.to_bytes(4, "big")
        if is_section:
            self._is_big_endian = bytes(octets[at + 8 : at + 12]) == BYTE_ORDER_MAGIC.to_bytes(4, "big")
            self._interfaces = _no_interfaces()
        length = self._number(bytes(octets[at + 4 : at + 8]))
        if not 20 <= length <= MAX_DESCRIPTION_OCTETS or length % 4 or len(self._interfaces) == MAX_INTERFACES:
            return CORRUPT, at
        if at + length > len(octets):
            return MORE, at
        if not is_section:
            row = self._interface(bytes(octets[at + 8 : at + length - 4]))
            if abs(row[_OFFSET_MS]) > MAX_TIME_MS:
                return CORRUPT, at
            self._interfaces = np.vstack([self._interfaces, np.array(row, dtype=np.int64)])
        return AGAIN, at + length

    def _interface(self, body: bytes) -> list[int]:
        resolution, offset_s = _DEFAULT_TSRESOL, 0
        for code, value in self._options(body[8:]):
            if code == _IF_TSRESOL and len(value) == 1:
                resolution = value[0]
            elif code == _IF_TSOFFSET and len(value) == 8:
                offset_s = self._number(value, is_signed=True)
        return [self._number(body[:2]), self._number(body[4:8]), *_units(resolution), offset_s * 1000]

    def _options(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 4 <= len(octets):
            code, length = self._number(octets[at : at + 2]), self._number(octets[at + 2 : at + 4])
            if code == _END_OF_OPTIONS:
                return
            yield code, octets[at + 4 : at + 4 + length]
            at += 4 + (length + 3) // 4 * 4

    def _number(self, octets: bytes, *, is_signed: bool = False) -> int:
        return int.from_bytes(octets, "big" if self._is_big_endian else "little", signed=is_signed)


def _no_interfaces() -> NDArray[np.int64]:
    return np.empty((0, _OFFSET_MS + 1), dtype=np.int64)


def _units(resolution: int) -> tuple[int, int, int]:
    """Multiplier and divisor from ticks to milliseconds, or shift to seconds, of an if_tsresol octet."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        # More than 62 bits of fraction leave no room for a second within 64.
        return 1, 1, min(exponent, 62)
    return 10 ** max(3 - exponent, 0), 10 ** min(max(exponent - 3, 0), 18), _NO_SHIFT
