"""Who asked what of the store, and what for: one JSON object a line, only ever appended.

Each entry holds the SHA-256 of the line before, so that nothing before the end can be changed unseen.
"""

from __future__ import annotations

import fcntl
import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sekisho.core.errors import Refused
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AUDIT = "audit.jsonl"
START = "0" * 64

LONGEST = 1 << 20
"""No entry is longer, octets: it holds what was asked and how much was answered, never the answer."""


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
    try:
        _append(path, entry)
    except OSError as error:
        raise Refused(f"{path}: nothing is answered that cannot be recorded here: {error.strerror}") from error


def first_break(path: Path, *, expect: str | None = None) -> int | None:
    """The first line that does not name the one before, counted from 1; the line after the last where one is missing.

    Args:
        path: the audit file.
        expect: digest of a line that must be there, as ``digest_of_end`` told it once.

    Raises:
        OSError: it cannot be read.
    """
    previous, seen, number = START, set(), 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.rstrip(b"\n")
            if not _names(line, previous):
                return number
            previous = sha256(line).hexdigest()
            seen.add(previous)
    return number + 1 if expect is not None and expect not in seen else None


def digest_of_end(path: Path) -> str:
    """What the next entry will name; kept elsewhere it shows that none of today's lines went."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _digest_of_last(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def _names(line: bytes, previous: str) -> bool:
    try:
        return bool(json.loads(line)["previous"] == previous)
    except (ValueError, KeyError, TypeError):
        # An entry that a crash cut short names nothing; the next names it.
        return not line.endswith(b"}")


def _digest_of_last(descriptor: int, size: int) -> str:
    if not size:
        return START
    tail = os.pread(descriptor, min(size, LONGEST), max(0, size - LONGEST))
    return sha256(tail.rstrip(b"\n").rpartition(b"\n")[2]).hexdigest()


def _append(path: Path, entry: Mapping[str, Any]) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        whole = {**entry, "previous": _digest_of_last(descriptor, size)}
        line = (json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            # A crash cut the last entry short; it must not swallow this one.
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(None, "the disk took only a part of it")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
