"""What people open in a spreadsheet: text that is never computed."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "＝", "＋", "－", "＠")
"""A spreadsheet takes what begins like this for a formula, the full-width signs too."""


def inert(cell: str) -> str:
    """A cell that no spreadsheet computes."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
