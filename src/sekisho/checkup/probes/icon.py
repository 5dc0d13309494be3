"""The number that search engines of devices give a page's icon: MurmurHash3 (x86, 32 bits) of its MIME Base64 text.

No table of such numbers comes with this program: the public ones contradict each other. The number is shown, so that a
person can look an unknown device up, and a matcher may read it.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes import http

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate

_PATH = "/favicon.ico"
_MASK = 0xFFFFFFFF
_C1, _C2 = 0xCC9E2D51, 0x1B873593


@dataclass(frozen=True, slots=True)
class IconAnswer:
    """The number of the icon."""

    number: int


async def run(job: Job, gate: Gate) -> IconAnswer:
    """GET of the icon without credentials.

    Raises:
        NoAnswer: there is none; a page that says so is no icon.
    """
    answer = await http.run(replace(job, argument=_PATH), gate)
    if answer.status != 200 or not answer.body or answer.body.lstrip().startswith(b"<"):
        raise NoAnswer(Status.GARBLED, "no icon")
    return IconAnswer(icon_hash(answer.body))


def icon_hash(octets: bytes) -> int:
    """The number of an icon, as a signed integer."""
    (number,) = struct.unpack("<i", struct.pack("<I", murmur3(base64.encodebytes(octets))))
    return int(number)


def murmur3(octets: bytes) -> int:
    """MurmurHash3_x86_32 with seed 0."""
    state = 0
    whole = len(octets) & ~3
    for (word,) in struct.iter_unpack("<I", octets[:whole]):
        state = (_rotate(state ^ _mixed(word), 13) * 5 + 0xE6546B64) & _MASK
    state ^= _mixed(int.from_bytes(octets[whole:], "little")) ^ len(octets)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = ((state ^ state >> shift) * factor) & _MASK
    return state ^ state >> 16


def _mixed(word: int) -> int:
    return (_rotate(word * _C1 & _MASK, 15) * _C2) & _MASK


def _rotate(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _MASK
