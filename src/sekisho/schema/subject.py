"""What a key in ``line_window`` and ``line_target`` stands for: a line, an address without one, or an interface.

Lines have positive keys (keyed BLAKE2b-64 >> 1). What sends without a line being known has a negative one, so that the
same windows and detectors look at it; nothing else of the system ever sees such a key.
"""

from __future__ import annotations

INTERFACE_BELOW = 1 << 61
"""Negated keys below it are interfaces, those from it on are addresses."""


def is_line(key: int) -> bool:
    """A line's key."""
    return key > 0


def is_interface(key: int) -> bool:
    """The key of an interface at which packets with sources outside our prefixes came in."""
    return -INTERFACE_BELOW < key < 0


def is_address(key: int) -> bool:
    """The key of an address of ours that no line could be tied to."""
    return key <= -INTERFACE_BELOW
