"""Whether a line began a new session, asked beside the one who writes the history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_QUERY = (
    "select max(began_ms) from session join line on line.id = session.line "
    "where line.name = ? and begun = 1 and began_ms > ?"
)
"""``begun``: its beginning was told; of a session that was only heard of later nobody knows when it began."""


def began_after(file: Path, line: str, since_ms: int) -> int | None:
    """When the line last began a session after an instant; None where none is known, or there is no history to read.

    Args:
        file: SQLite file of the history; it is opened for reading only.
        line: name of the line.
        since_ms: milliseconds UTC.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as database:
            row = database.execute(_QUERY, (line, since_ms)).fetchone()
    except sqlite3.Error:
        # Not there yet, or of another version: then nothing can be seen from here, which is what the page says.
        return None
    return None if row[0] is None else int(row[0])
