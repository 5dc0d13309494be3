"""Two locks of a store: one compactor at a time, and no file moves while somebody reads."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sekisho.core.errors import Unavailable
from sekisho.store.layout import FILES_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMPACTOR = ".compactor.lock"


@contextmanager
def compacting(root: Path) -> Iterator[None]:
    """Be the only compactor.

    Raises:
        Unavailable: another process is.
    """
    with _opened(root / _COMPACTOR) as descriptor:
        if not _locked(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise Unavailable(f"{root}: another process compacts this store")
        yield


@contextmanager
def moving(root: Path) -> Iterator[bool]:
    """Move and remove files; False while somebody reads: then it waits for the next time."""
    with _opened(root / FILES_LOCK) as descriptor:
        yield _locked(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def reading(root: Path) -> Iterator[None]:
    """Read without a file being moved or removed meanwhile; also on a read-only disk, where nobody can."""
    try:
        descriptor = os.open(root / FILES_LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        # Nobody ever wrote or compacted here.
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    return True
