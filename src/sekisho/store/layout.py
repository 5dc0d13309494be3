"""Where everything stands in a store, and the names that files carry.

::

    segments/<opened ms>-<collector>-<token>.open           being written, locked by its writer
    segments/<opened ms>-<collector>-<token>.<rows>.arrow   closed, not yet compacted
    flows/<hour>/<exporter>/<name>.parquet                  compacted, by hour of reception
    kept/<hour>/<exporter>/<name>.parquet                   what is kept longer, of some lines only
    commits/<name>.json                                     which files took the place of which

Folders are not named ``key=value``: engines would take that for further columns. Nor do they hold colons, which
Hadoop refuses.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.time import to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_MS = 3_600_000
FILES_LOCK = ".files.lock"
OPEN, CLOSED, PARQUET, PART = ".open", ".arrow", ".parquet", ".part"
_SEGMENT = re.compile(
    r"(?P<stem>(?P<opened>\d{13})-(?P<collector>[a-z0-9_]+)-[0-9a-f]{8})(?:\.open|\.(?P<rows>\d+)\.arrow)"
)
_COLLECTOR = re.compile(r"[a-z0-9_]{1,32}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of a store."""

    root: Path

    @property
    def segments(self) -> Path:
        """What collectors write."""
        return self.root / "segments"

    @property
    def flows(self) -> Path:
        """Compacted flows of every line."""
        return self.root / "flows"

    @property
    def kept(self) -> Path:
        """Compacted flows of the lines that are kept longer."""
        return self.root / "kept"

    @property
    def commits(self) -> Path:
        """Which files took the place of which."""
        return self.root / "commits"

    def make(self) -> None:
        """Make the folders that are not there; nobody else of the machine may look into them.

        Raises:
            OSError: they cannot be made.
        """
        for folder in (self.root, self.segments, self.flows, self.kept, self.commits):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.root / FILES_LOCK).touch(mode=0o600)

    def parts(self) -> Iterator[Path]:
        """Parquet files that have not got their name yet."""
        for folder in (self.flows, self.kept):
            yield from folder.glob(f"*/*/*{PARQUET}{PART}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment by its name.

    Attributes:
        stem: what stays the same when it is closed.
        rows: None while it is open.
    """

    path: Path
    stem: str
    opened_ms: int
    collector: str
    rows: int | None


def new_stem(opened_ms: int, collector: str) -> str:
    """A name that no segment had before: the clock may be set back, and a name that was compacted must not return.

    Raises:
        ValueError: the collector's name cannot be part of a file name.
    """
    if not _COLLECTOR.fullmatch(collector):
        raise ValueError(f"a collector is named by a-z, 0-9 and _, not {collector!r}")
    return f"{opened_ms:013d}-{collector}-{secrets.token_hex(4)}"


def new_name(at_ms: int) -> str:
    """A name for the files of one commit."""
    return f"{at_ms:013d}-{secrets.token_hex(4)}"


def segments_of(layout: Layout) -> list[Segment]:
    """Every segment, the oldest first; files of other names are left alone."""
    if not layout.segments.is_dir():
        return []
    found = []
    for path in layout.segments.iterdir():
        if match := _SEGMENT.fullmatch(path.name):
            rows = int(match["rows"]) if match["rows"] is not None else None
            opened_ms, collector = int(match["opened"]), match["collector"]
            found.append(Segment(path=path, stem=match["stem"], opened_ms=opened_ms, collector=collector, rows=rows))
    return sorted(found, key=lambda segment: segment.stem)


def partition(hour_ms: int, exporter: str) -> str:
    """Folder of an hour and an exporter, below ``flows`` or ``kept``."""
    return f"{to_datetime(hour_ms):%Y-%m-%dT%HZ}/{exporter.replace(':', '-')}"


def sync_folder(folder: Path) -> None:
    """Make names in a folder outlast a loss of power.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
