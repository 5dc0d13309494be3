"""Conditions that rows of line_target are tried by where they lie, so that the others are not copied.

A condition is a part of portable SQL, so that a statement can hold the same text:
``protocol = 17 and answered_packets * 100 <= packets``. A protocol comes first, a port and a comparison of two sums may
follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sekisho.windows.columns import TARGET_COLUMNS, is_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASK, VALUE, SMALL, LARGE = range(4)
"""Rows of ``Conditions.cells``: which bits of the service count and what they are; the cells that are compared."""

_TEXT = re.compile(
    r"protocol = (?P<protocol>-?\d+)(?: and port = (?P<port>\d+))?"
    r"(?: and (?P<small>\w+) \* (?P<factor>[\d.e+-]+) <= (?P<large>\w+))?"
)
_PROTOCOL_BITS, _PORT_BITS = 0xFFFF, 0xFFFF0000


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a kernel tries a row by: (4, n) cells and (n,) factors, of which one condition must hold."""

    cells: NDArray[np.int64]
    factors: NDArray[np.float64]


@cache
def conditions(texts: tuple[str, ...]) -> Conditions:
    """Conditions of which one must hold; without any, every row is let through.

    Raises:
        ValueError: a text that is none.
    """
    rows = [_parsed(text) for text in texts]
    cells = np.array([row[:4] for row in rows], dtype=np.int64).reshape(-1, 4)
    return Conditions(np.ascontiguousarray(cells.T), np.array([row[4] for row in rows], dtype=np.float64))


def _parsed(text: str) -> tuple[int, int, int, int, float]:
    match = _TEXT.fullmatch(text)
    names = [match["small"] or "packets", match["large"] or "packets"] if match else []
    if match is None or not all(name in TARGET_COLUMNS and is_sum(TARGET_COLUMNS[name]) for name in names):
        raise ValueError(f"expected 'protocol = N [and port = N] [and sum * number <= sum]', found {text!r}")
    mask, value = _PROTOCOL_BITS, int(match["protocol"]) & _PROTOCOL_BITS
    if match["port"]:
        mask, value = mask | _PORT_BITS, value | int(match["port"]) << 16
    small, large = (TARGET_COLUMNS[name].cell for name in names)
    return mask, value, small, large, float(match["factor"] or 1)
