"""Whose flows are kept longer, of every collector that writes to a store: any of their keepers may let files go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.errors import Unavailable
from sekisho.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FOLDER = "watched"

FORGOTTEN_S = 30 * 86_400
"""A collector that has not told anything for a month is gone, and so is what it watched."""


def tell(root: Path, collector: str, lines: Collection[int]) -> None:
    """Replace what a collector watches.

    Raises:
        Unavailable: the disk refuses.
    """
    file = root / FOLDER / f"{collector}.lines"
    try:
        write_whole(file, np.sort(np.fromiter(lines, np.int64, len(lines))).tobytes())
    except OSError as error:
        raise Unavailable(f"{file}: {error.strerror}") from error


def everybody(root: Path) -> set[int]:
    """Keys of the lines that any collector watches."""
    lines: set[int] = set()
    for file in sorted((root / FOLDER).glob("*.lines")):
        if time.time() - file.stat().st_mtime < FORGOTTEN_S:
            lines.update(np.frombuffer(file.read_bytes(), np.int64).tolist())
    return lines
