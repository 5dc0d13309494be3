"""Where a run keeps what must outlive it: consents, the attempt ledger, baselines, reports, data sets."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sekisho.core.errors import Refused
from sekisho.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

_BINARY = getattr(os, "O_BINARY", 0)
"""Windows would write two octets for a line's end, and a signed or chained line must stay as it is."""


def default_state_directory() -> Path:
    """``$SEKISHO_CHECKUP_DIR``, else the system's place for a program's state."""
    if value := os.environ.get("SEKISHO_CHECKUP_DIR"):
        return Path(value)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sekisho" / "checkup"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "sekisho" / "checkup"


def write_json(path: Path, value: Any) -> None:
    """Replace a file as a whole, so that a crash leaves the old or the new one, readable by its owner only."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; the system lets go of it when the process ends, however it ends.

    Raises:
        Refused: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            raise Refused(f"another check-up holds {path}") from error
        yield


def append_line(path: Path, value: Any) -> None:
    """Append one JSON line and wait until it is on disk: what follows may only happen after it is recorded.

    What a crash left of a line is cut off first: it was never whole, so nothing followed it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY, 0o600)
    try:
        _cut_torn_line(descriptor)
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> list[Any]:
    """Every whole JSON line; what a crash left of a last one is not."""
    if not path.exists():
        return []
    whole = path.read_text("utf-8").split("\n")[:-1]
    return [json.loads(line) for line in whole if line]


def _cut_torn_line(descriptor: int) -> None:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, max(size - 1, 0), os.SEEK_SET)
    if os.read(descriptor, 1) in (b"", b"\n"):
        return
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, os.read(descriptor, size).rfind(b"\n") + 1)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
