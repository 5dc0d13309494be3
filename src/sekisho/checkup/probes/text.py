"""Octets from a device as text that is safe to print: no control characters, bounded length."""

from __future__ import annotations

EVIDENCE_LENGTH = 200


def printable(octets: bytes | str, length: int = EVIDENCE_LENGTH) -> str:
    """The first printable characters; everything that a terminal could act on becomes a space."""
    text = octets.decode("utf-8", "replace") if isinstance(octets, bytes) else octets
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * length]).split())[:length]
