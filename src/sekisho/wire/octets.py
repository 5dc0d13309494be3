"""Big-endian integers out of octets, for kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Word

# Unsigned indices: a signed one makes numba check each access for Python's counting from the end.


@borrowing_kernel
def u16(payload: NDArray[np.uint8], at: int) -> Word:
    """Two octets."""
    i = np.uint64(at)
    return np.int64(payload[i]) << 8 | np.int64(payload[i + np.uint64(1)])


@borrowing_kernel
def u32(payload: NDArray[np.uint8], at: int) -> Word:
    """Four octets."""
    i = np.uint64(at)
    return (
        np.int64(payload[i]) << 24
        | np.int64(payload[i + np.uint64(1)]) << 16
        | np.int64(payload[i + np.uint64(2)]) << 8
        | np.int64(payload[i + np.uint64(3)])
    )


@borrowing_kernel
def u64(payload: NDArray[np.uint8], at: int) -> Word:
    """Eight octets as a bit pattern: negative from 2**63 on."""
    i = np.uint64(at)
    return u32(payload, i) << 32 | u32(payload, i + np.uint64(4))


@borrowing_kernel
def uint(payload: NDArray[np.uint8], at: int, length: int) -> Word:
    """Any number of octets, the last eight of them where there are more."""
    value = np.int64(0)
    for i in range(at, at + length):
        value = value << 8 | np.int64(payload[np.uint64(i)])
    return value


@borrowing_kernel
def all_zero(payload: NDArray[np.uint8], at: int, end: int) -> Word:
    """Whether octets ``at`` (inclusive) to ``end`` (exclusive) are padding."""
    for i in range(at, end):  # noqa: SIM110 - numba compiles no generator expression
        if payload[np.uint64(i)] != 0:
            return False
    return True
