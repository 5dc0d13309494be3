"""NetFlow v5: a fixed header and fixed records, read by the same kernels as a template would be.

Source: Cisco "NetFlow Export Datagram Format", version 5 header and record tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.wire.layout import BAD_COUNT, TRUNCATED_HEADER, At, Of, Status
from sekisho.wire.octets import u16, u32
from sekisho.wire.templates import Field, Template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Tape, Word

VERSION = 5
HEADER_OCTETS = 24
RECORD_OCTETS = 48

RATE_BITS = 0x3FFF
"""The upper two bits of the sampling word are the mode, not part of the rate (Akvorado takes all sixteen)."""

RECORD = Template(
    template_id=0,
    fields=tuple(
        Field(element=element, length=length)
        for element, length in (
            (8, 4),
            (12, 4),
            (15, 4),
            (10, 2),
            (14, 2),
            (2, 4),
            (1, 4),
            (22, 4),
            (21, 4),
            (7, 2),
            (11, 2),
            (210, 1),
            (6, 1),
            (4, 1),
            (5, 1),
            (16, 2),
            (17, 2),
            (9, 1),
            (13, 1),
            (210, 2),
        )
    ),
)
"""The v5 record in the terms of a v9 template; 210 is paddingOctets."""


@borrowing_kernel
def open_message(tape: Tape, state: NDArray[np.int64], drops: NDArray[np.int64]) -> Word:
    """Read the header of datagram ``state[At.DATAGRAM]``; DONE, or SKIP where the datagram is dropped.

    The count must fit the octets: v5 has nothing else that tells a record from what follows it.
    """
    i = state[At.DATAGRAM]
    at = tape.offset[i]
    length = tape.length[i]
    if length < HEADER_OCTETS:
        drops[TRUNCATED_HEADER] += 1
        return Status.SKIP
    count = u16(tape.payload, at + 2)
    end = HEADER_OCTETS + count * RECORD_OCTETS
    if count == 0 or end > length:
        drops[BAD_COUNT] += 1
        return Status.SKIP
    state[At.LENGTH_DIFFERS] = end < length
    state[At.UPTIME_MS] = u32(tape.payload, at + 4)
    state[At.EXPORT_MS] = u32(tape.payload, at + 8) * 1000 + u32(tape.payload, at + 12) // 1_000_000
    state[At.SEQUENCE] = u32(tape.payload, at + 16)
    state[At.DOMAIN] = u16(tape.payload, at + 20)
    state[At.SET_ID] = -1
    state[At.SET_START] = state[At.RECORD] = at + HEADER_OCTETS
    state[At.SET_END] = state[At.NEXT_SET] = state[At.MESSAGE_END] = at + end
    return Status.DONE


@borrowing_kernel
def note_rate(tape: Tape, source: NDArray[np.int64], state: NDArray[np.int64]) -> None:
    """Take the sampling interval from the header: low fourteen bits, 0 = not announced."""
    rate = u16(tape.payload, tape.offset[state[At.DATAGRAM]] + 22) & RATE_BITS
    bits = np.float64(rate).view(np.int64)
    if source[Of.RATE] != bits:
        source[Of.RATE_CHANGES] += source[Of.RATE] != 0
        source[Of.RATE] = bits
