"""Sources of assignments, a file or folder each, by the kind that ``[[source]]`` names.

A module has ``open_source(entry)``, which makes the ``Source`` of a configured entry; it reads nothing yet.
"""

from __future__ import annotations

SOURCES: dict[str, str] = {}
"""Kind -> module of this folder."""
