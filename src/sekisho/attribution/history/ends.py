"""Until when millions of sessions held what they hold: ``spans._ends`` as a kernel over whole columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numba import types

from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.kernels import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sekisho.attribution.history.columns import Sessions

NEVER = (1 << 63) - 1
"""In the place of an instant that nobody told."""

ON, ENDED, LAPSED = range(3)
"""State of a session: nothing is against it but a restart; its end was told; its confirmations stay away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What else is known of n sessions.

    Attributes:
        otherwise_ms: when one counts as over whose confirmations stay away; else when its server started again.
    """

    otherwise_ms: NDArray[np.int64]
    state: NDArray[np.uint8]


@kernel
def same_held(realm: Any, hi: Any, lo: Any, what: Any, one: int, other: int) -> bool:
    """Whether two sessions hold the same prefix and ports."""
    return bool(
        hi[one] == hi[other] and lo[one] == lo[other] and what[one] == what[other] and realm[one] == realm[other]
    )


@kernel
def _contradicted(order: Any, began_ms: Any, first: int, end: int, at_ms: int) -> int:
    """When the first session of a stretch of the order begins that begins at ``at_ms`` or later."""
    low, high = first, end
    while low < high:
        middle = (low + high) >> 1
        if began_ms[order[middle]] < at_ms:
            low = middle + 1
        else:
            high = middle
    return int(began_ms[order[low]]) if low < end else OPEN_TO_MS


@kernel
def _end(row: int, to: int, certain_ms: Any, to_ms: Any, otherwise_ms: Any, state: Any) -> None:
    """Both ends of a session whose end was not told and which another one bounds at ``to``."""
    if to_ms[row] <= to:
        # The end of its lease.
        certain_ms[row] = to_ms[row]
        return
    if state[row] == LAPSED:
        to = min(to, otherwise_ms[row])
    to_ms[row] = to
    if to == OPEN_TO_MS:
        certain_ms[row] = min(otherwise_ms[row], OPEN_TO_MS)


@kernel
def _find(
    order: Any,
    realm: Any,
    hi: Any,
    lo: Any,
    what: Any,
    began_ms: Any,
    certain_ms: Any,
    to_ms: Any,
    otherwise_ms: Any,
    state: Any,
) -> None:
    first = 0
    while first < order.size:
        end = first + 1
        while end < order.size and same_held(realm, hi, lo, what, order[first], order[end]):
            end += 1
        for place in range(first, end):
            row = order[place]
            if state[row] != ENDED:
                # One that began after the last sign of this, or at the same instant and is known later.
                since = max(certain_ms[row], began_ms[row] + 1)
                to = _contradicted(order, began_ms, place + 1, end, since)
                _end(row, to, certain_ms, to_ms, otherwise_ms, state)
        first = end


def find_ends(sessions: Sessions, signs: Signs, order: NDArray[np.int64]) -> None:
    """Turn last signs into ends, in place; ``warm(KERNELS)`` comes first.

    ``order`` puts the sessions that hold the same next to each other, by their beginning.
    """
    s = sessions
    _find(order, s.realm, s.hi, s.lo, s.what, s.began_ms, s.certain_ms, s.to_ms, signs.otherwise_ms, signs.state)


_WORDS = types.int64[::1]

KERNELS = (
    (
        _find,
        (
            _WORDS,
            types.int32[::1],
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            _WORDS,
            types.uint8[::1],
        ),
    ),
)
