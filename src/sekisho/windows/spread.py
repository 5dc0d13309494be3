"""How a flow is spread over windows or blocks: evenly over its duration, all of it at its end where it has none."""

from __future__ import annotations

from sekisho.core.kernels import inlined_kernel as inlined


@inlined
def first_open(start: int, open_from: int, oldest: int, length_ms: int) -> int:
    """The first window that a flow reaches and that is not closed: its end + lateness is not behind the clock.

    Args:
        start: of the flow, milliseconds.
        open_from: the clock - lateness, milliseconds.
        oldest: number of the oldest window that is kept.
        length_ms: of a window or block.
    """
    return max(start // length_ms, -(-open_from // length_ms) - 1, oldest)


@inlined
def last_reached(start: int, end: int, length_ms: int) -> int:
    """The last window that a flow reaches; one that ends where the next begins does not reach that one."""
    return (end - (end > start)) // length_ms


@inlined
def share_inside(start: int, end: int, number: int, length_ms: int) -> float:
    """The part of a flow inside a window."""
    if start == end:
        return 1.0
    inside = min(end, (number + 1) * length_ms) - max(start, number * length_ms)
    return inside / (end - start)


@inlined
def late_part(start: int, end: int, opens_ms: int) -> float:
    """The part of a flow before the first open window."""
    if start >= opens_ms:
        return 0.0
    return 1.0 if end <= opens_ms else (opens_ms - start) / (end - start)
