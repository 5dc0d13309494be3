"""Unsigned integers out of octets, for the kernels of this folder.

Octets are widened before they are shifted: numba makes a floating-point number of uint64 and int64 together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@kernel
def u16(octets: NDArray[np.uint8], at: int) -> np.int64:
    """Two octets in network order."""
    return np.int64(octets[at]) << 8 | np.int64(octets[at + 1])


@kernel
def u32(octets: NDArray[np.uint8], at: int) -> np.int64:
    """Four octets in network order."""
    return np.int64(u16(octets, at)) << 16 | np.int64(u16(octets, at + 2))


@kernel
def u64(octets: NDArray[np.uint8], at: int) -> np.int64:
    """Eight octets in network order, as the signed integer of the same bits."""
    return np.int64(u32(octets, at)) << 32 | np.int64(u32(octets, at + 4))


@kernel
def u16_of(octets: NDArray[np.uint8], at: int, is_big_endian: bool) -> np.int64:
    """Two octets in the order of the machine that wrote them."""
    first, second = np.int64(octets[at]), np.int64(octets[at + 1])
    return first << 8 | second if is_big_endian else second << 8 | first


@kernel
def u32_of(octets: NDArray[np.uint8], at: int, is_big_endian: bool) -> np.int64:
    """Four octets in the order of the machine that wrote them."""
    first = np.int64(u16_of(octets, at, is_big_endian))
    second = np.int64(u16_of(octets, at + 2, is_big_endian))
    return first << 16 | second if is_big_endian else second << 16 | first
