"""Validity of an assignment or a rule: from inclusive, to exclusive, either end may be open."""

from __future__ import annotations

OPEN_FROM_MS = -(1 << 62)
"""No known beginning; far enough from the end of int64 that a clock margin never overflows it."""

OPEN_TO_MS = 1 << 62
"""Still valid."""
