"""From IP packets to what a link carries: flows count IP octets, links and their counters whole frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME_OCTETS = 18
"""Ethernet header and check sequence (IEEE 802.3, 3.1.1), which ifHCInOctets counts (RFC 2863)."""

LEAST_FRAME_OCTETS = 64
"""A shorter frame is padded (IEEE 802.3, 3.2.8): a flood of SYN of 40 octets fills a link more than IP octets tell."""


def frame_octets(octets: NDArray[np.float64], packets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Octets on the wire of so many IP octets in so many packets, all alike in size."""
    return np.asarray(np.maximum(octets + FRAME_OCTETS * packets, LEAST_FRAME_OCTETS * packets))
