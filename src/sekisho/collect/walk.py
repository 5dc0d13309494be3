"""What the walkers of capture formats have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sekisho.collect.frames import Frames

MAX_SNAPLEN = 262_144
"""libpcap's largest snapshot length; a longer frame in a file is damage."""

MORE, AGAIN, CORRUPT = 0, 1, 2
"""The rest needs more octets; call again from there; from there on the file is damaged."""


class Walked(NamedTuple):
    """How far a walk came.

    Attributes:
        status: ``MORE``, ``AGAIN`` or ``CORRUPT``.
        at: where to go on; behind the octets at hand where a block is to be skipped.
        frames: how many were entered.
    """

    status: int
    at: int
    frames: int


class Walker(Protocol):
    """Finds frames in the octets of a capture file."""

    file_header_octets: int
    """Octets at the start of the file that hold no frame."""

    def walk(self, octets: NDArray[np.uint8], at: int, frames: Frames) -> Walked:
        """Enter the frames that are complete in ``octets`` from ``at`` into ``frames``."""
        ...
