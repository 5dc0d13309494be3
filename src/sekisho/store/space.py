"""Room on the disk: below a floor no raw flow is written, so that cases, audit and logs still find room."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from sekisho.core.reasons import StoreReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_FLOOR_OCTETS = 5 << 30
"""A busy day of a case database, its audit log and the system's own logs fit in it."""

RESUME_SHARE = 10
"""Raw flows come back when a tenth more is free: at the floor itself they would stop and start by the second."""

_REASONS = {
    errno.ENOSPC: StoreReason.DISK_FULL,
    errno.EDQUOT: StoreReason.DISK_FULL,
    errno.EROFS: StoreReason.READ_ONLY,
    errno.EACCES: StoreReason.READ_ONLY,
    errno.EPERM: StoreReason.READ_ONLY,
}


def free_octets(folder: Path) -> int:
    """What an unprivileged process may still write there.

    Raises:
        OSError: nobody can tell.
    """
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


class SpaceFloor:
    """Whether there is room for raw flows.

    Args:
        folder: on the disk in question.
        floor_octets: what stays free.
        measure: tells the free octets of a folder.
    """

    def __init__(self, folder: Path, floor_octets: int, *, measure: Callable[[Path], int] = free_octets) -> None:
        self._folder, self._floor_octets, self._measure = folder, floor_octets, measure
        self._is_below = False

    def look(self) -> StoreReason | None:
        """Why nothing may be written now; None where something may."""
        try:
            free = self._measure(self._folder)
        except FileNotFoundError:
            # The folder may be on a disk that was not there yet: who writes next makes it, or is told why not.
            return None
        except OSError as error:
            return reason_of(error)
        margin = self._floor_octets // RESUME_SHARE if self._is_below else 0
        self._is_below = free < self._floor_octets + margin
        return StoreReason.SPACE_FLOOR if self._is_below else None


def reason_of(error: OSError) -> StoreReason:
    """The reason that an operating system's refusal is counted under."""
    return _REASONS.get(error.errno or 0, StoreReason.WRITE_FAILED)
