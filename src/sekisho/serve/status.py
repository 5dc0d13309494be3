"""What a process tells of itself: one small file that it replaces every few seconds."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.core.metrics import Sample
from sekisho.core.time import iso
from sekisho.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sekisho.core.alarms import Alarm

EVERY_S = 5.0
"""How often a process tells of itself."""

STALE_MS = 60_000
"""A process that has not told anything for so long hangs, whatever its pid does."""

_FOLDER = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The latest word of one process.

    Attributes:
        at_ms: when it was said, milliseconds UTC.
        alarms: conditions that hold, each with its texts.
        about: further facts for people, such as what was taken over at the start.
    """

    process: str
    at_ms: int
    samples: tuple[Sample, ...]
    alarms: tuple[dict[str, Any], ...]
    about: dict[str, Any]


def tell(
    directory: Path,
    process: str,
    *,
    at_ms: int,
    samples: Iterable[Sample] = (),
    alarms: Iterable[Alarm] = (),
    about: dict[str, Any] | None = None,
) -> None:
    """Replace the status of this process; its use of the machine is added.

    Raises:
        OSError: the disk refuses.
    """
    content = {
        "process": process,
        "at": iso(at_ms),
        "at_ms": at_ms,
        "pid": os.getpid(),
        "samples": [[s.name, list(s.labels), s.value] for s in (*samples, *_usage(process))],
        "alarms": [alarm.to_json() for alarm in alarms],
        "about": about or {},
    }
    write_whole(_path(directory, process), json.dumps(content, ensure_ascii=False, indent=1).encode())


def told(directory: Path, process: str) -> Status | None:
    """The latest status of a process; None where it has not told any that can be read."""
    try:
        content = json.loads(_path(directory, process).read_bytes())
        return Status(
            process=process,
            at_ms=content["at_ms"],
            samples=tuple(Sample(name, tuple(labels), value) for name, labels, value in content["samples"]),
            alarms=tuple(content["alarms"]),
            about=content["about"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(directory: Path, process: str) -> Path:
    return directory / _FOLDER / f"{process}.json"


def _usage(process: str) -> Iterable[Sample]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample("process_cpu_seconds_total", (process,), used.ru_utime + used.ru_stime)
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 (a pseudo-file, not a path of ours)
        resident_pages = int(statm.read().split()[1])
    yield Sample("process_resident_octets", (process,), resident_pages * resource.getpagesize())
