"""Who asked what of the store, and what for: one JSON object a line, only ever appended."""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

from sekisho.core.errors import Refused
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AUDIT = "audit.jsonl"


def record(path: Path, *, at_ms: int, who: str, action: str, purpose: str, details: Mapping[str, Any]) -> None:
    """Append an entry and wait until it is on the disk. What cannot be recorded is not answered.

    Args:
        path: the audit file.
        at_ms: now, milliseconds UTC.
        who: the person who asks, as the system knows them.
        action: such as ``hunt``.
        purpose: code of the purpose.
        details: what was asked, and how much was answered.

    Raises:
        Refused: the entry cannot be written.
    """
    entry = {"at": iso(at_ms), "who": who, "action": action, "purpose": purpose, **details}
    line = (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    try:
        _append(path, line)
    except OSError as error:
        raise Refused(f"{path}: nothing is answered that cannot be recorded here: {error.strerror}") from error


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            # A crash cut the last entry short; it must not swallow this one.
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(None, "the disk took only a part of it")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
