"""IP prefixes from text, millions at once: the strictness of ``ipaddress`` as a kernel over Arrow's string buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_DOT, _SLASH, _ZERO, _NINE, _COLON = (ord(c) for c in "./09:")
_MALFORMED = -1


@kernel
def _ipv4(text: Any, first: int, last: int) -> int:
    """32-bit value of ``text[first:last]`` in dotted decimal, or malformed; no leading zeros (they may mean octal)."""
    value, octet, dots = 0, -1, 0
    for i in range(first, last):
        c: Any = np.int64(text[i])
        if _ZERO <= c <= _NINE and octet != 0:
            octet = max(octet, 0) * 10 + c - _ZERO
            if octet > 255:
                return _MALFORMED
        elif c == _DOT and octet >= 0 and dots < 3:
            value, octet, dots = value << 8 | octet, -1, dots + 1
        else:
            return _MALFORMED
    return value << 8 | octet if dots == 3 and octet >= 0 else _MALFORMED


@kernel
def _hex_digit(c: int) -> int:
    if _ZERO <= c <= _NINE:
        return c - _ZERO
    lower = c | 0x20
    return lower - 87 if 97 <= lower <= 102 else _MALFORMED


@kernel
def _group(text: Any, first: int, last: int) -> tuple[int, int]:
    """Value of the hexadecimal digits from ``first`` on, and the place after them (five digits are too many)."""
    i, value = first, 0
    while i < last and i - first <= 4 and _hex_digit(np.int64(text[i])) >= 0:
        value = value << 4 | _hex_digit(np.int64(text[i]))
        i += 1
    return value, i


@kernel
def _spread(groups: Any, count: int, gap: int) -> bool:
    """Move the groups after ``::`` to the end; whether their number is right."""
    if gap < 0:
        return count == 8
    for k in range(count - gap):
        groups[7 - k], groups[count - 1 - k] = groups[count - 1 - k], 0
    return count < 8


@kernel
def _ipv6(text: Any, first: int, last: int, groups: Any) -> bool:
    """Eight 16-bit groups of ``text[first:last]`` (RFC 4291, section 2.2), or False if malformed."""
    groups[:] = 0
    count, gap, i = 0, -1, first
    if last - first >= 2 and text[first] == _COLON and text[first + 1] == _COLON:
        gap, i = 0, first + 2
    while i < last:
        value, after = _group(text, i, last)
        if after < last and text[after] == _DOT:
            value = _ipv4(text, i, last)
            if value < 0 or count > 6:
                return False
            groups[count], groups[count + 1] = value >> 16, value & 0xFFFF
            return bool(_spread(groups, count + 2, gap))
        if not 0 < after - i <= 4 or count > 7:
            return False
        groups[count] = value
        count, i = count + 1, after + 1
        if after < last and (text[after] != _COLON or i == last):
            return False
        if i < last and text[i] == _COLON:
            if gap >= 0:
                return False
            gap, i = count, i + 1
    return bool(_spread(groups, count, gap))


@kernel
def _length(text: Any, first: int, last: int, most: int) -> int:
    """Prefix length in ``text[first:last]``, 0 to ``most``, or malformed."""
    if not 0 < last - first <= 3:
        return _MALFORMED
    value = 0
    for i in range(first, last):
        c: Any = np.int64(text[i])
        if not _ZERO <= c <= _NINE:
            return _MALFORMED
        value = value * 10 + c - _ZERO
    return value if value <= most else _MALFORMED


@kernel
def _host_bits(hi: int, lo: int, length: int) -> bool:
    if length >= 64:
        return length < 128 and lo & ((1 << (128 - length)) - 1) != 0 if length > 64 else lo != 0
    return lo != 0 or hi & ((1 << (64 - length)) - 1 if length else -1) != 0


@kernel
def _read(text: Any, offsets: Any, hi: Any, lo: Any, length: Any) -> int:
    """Words and length of every prefix; returns the first malformed row, or -1."""
    groups = np.zeros(8, np.int64)
    for row in range(hi.size):
        first: Any = np.int64(offsets[row])
        last: Any = np.int64(offsets[row + 1])
        slash, family_6 = last, False
        for i in range(first, last):
            family_6 = family_6 or text[i] == _COLON
            if text[i] == _SLASH:
                slash = i
                break
        if family_6:
            if not _ipv6(text, first, slash, groups):
                return row
            hi[row] = groups[0] << 48 | groups[1] << 32 | groups[2] << 16 | groups[3]
            lo[row] = groups[4] << 48 | groups[5] << 32 | groups[6] << 16 | groups[7]
        else:
            value = _ipv4(text, first, slash)
            if value < 0:
                return row
            hi[row], lo[row] = 0, 0xFFFF << 32 | value
        most, base = (128, 0) if family_6 else (32, 96)
        bits = _length(text, slash + 1, last, most) if slash < last else most
        if bits < 0 or _host_bits(hi[row], lo[row], base + bits):
            return row
        length[row] = base + bits
    return -1


_WORDS = types.int64[::1]
_TEXT = types.Array(types.uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(types.int32, 1, "C", readonly=True)

KERNELS = ((_read, (_TEXT, _OFFSETS, _WORDS, _WORDS, _WORDS)),)


def read_prefixes(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Prefixes of a string array without nulls; ``warm(KERNELS)`` comes first.

    Returns:
        Upper words, lower words, lengths (0 to 128, IPv4 counted from 96), and the number of the first row that is
        neither an address nor a prefix without host bits, -1 if there is none.
    """
    n = len(texts)
    hi, lo, length = (np.zeros(n, np.int64) for _ in range(3))
    _, offset_buffer, text_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, n + 1, texts.offset * 4)
    text = np.frombuffer(text_buffer or b"", np.uint8)
    # An array of our own would be writable, that is another kernel signature.
    for array in (offsets, text):
        array.flags.writeable = False
    return hi, lo, length, int(_read(text, offsets, hi, lo, length))
