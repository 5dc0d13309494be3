"""CPU seconds and memory of a piece of work, and of a child process."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_LOOK_S = 0.005
"""How often a child's memory is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a piece of work took.

    Attributes:
        cpu_s: user and system time.
        wall_s: elapsed time.
        max_rss_mib: largest resident size of the process until then, without that of its children.
    """

    cpu_s: float
    wall_s: float
    max_rss_mib: float


def peak_rss_mib(process: int | str = "self") -> float:
    """Largest resident size of a running process so far, MiB; 0 where it has none any more.

    What ``getrusage`` tells of a child is never less than what its parent held when it was started: Linux carries
    that over.
    """
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def of_child(command: Sequence[str], **options: object) -> Cost:
    """Cost of one child process; its standard output is dropped.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before, started, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, **options) as process:  # type: ignore[call-overload]
        while process.poll() is None:
            peak = max(peak, peak_rss_mib(process.pid))
            time.sleep(_LOOK_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(cpu_s=cpu, wall_s=time.perf_counter() - started, max_rss_mib=peak)


def best_of(times: int, work: Callable[[], object]) -> Cost:
    """The cheapest of several runs in this process: what disturbs a run only makes it slower."""
    return min((_once(work) for _ in range(times)), key=lambda cost: cost.cpu_s)


def machine() -> dict[str, object]:
    """What a figure has to be read with."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip(),
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def show(name: str, cost: Cost, **figures: object) -> dict[str, object]:
    """Print and return one result."""
    result = {"name": name, **figures, **asdict(cost)}
    print(json.dumps(result))
    return result


def _once(work: Callable[[], object]) -> Cost:
    before, started = time.process_time(), time.perf_counter()
    work()
    return Cost(cpu_s=time.process_time() - before, wall_s=time.perf_counter() - started, max_rss_mib=peak_rss_mib())
