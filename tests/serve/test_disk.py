"""`sekisho serve` whose flow store is on a disk that fills, and that becomes read-only: detection goes on."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from namespaces import needs_namespaces
from sekisho.serve.status import told
from steady_exports import sending, serving, sum_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DISK_OCTETS, BALLAST_OCTETS = 16 << 20, (16 << 20) - (128 << 10)
"""A hundred kilobytes are left: some seconds of flows."""

RECORDS_PER_S = 2_000
WAIT_S = 60.0
"""A refused disk is asked again every ten seconds, and a process tells of itself every five."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of the store on a disk of its own."""
    needs_namespaces()
    folder = tmp_path / "flows"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def refused(folder: Path) -> str:
    """Why no flow is stored at present, as the alarm has it; "" while all is well."""
    status = told(folder / "state", "collector")
    alarms = status.alarms if status is not None else ()
    return next((alarm["en"] for alarm in alarms if alarm["condition"] == "flows_not_stored"), "")


def number(folder: Path, name: str) -> float:
    return sum_of(told(folder / "state", "collector"), name)


def until(holds: Callable[[], object]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end_s, holds
        time.sleep(0.2)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def lines_with_a_case(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "cases.db")) as database:
        return {line for (line,) in database.execute("select line_id from subscriber_case")}


@pytest.mark.prove
def test_a_disk_that_refuses_costs_flows_and_no_detection(tmp_path: Path, disk: Path):
    """Full, then read-only, then with room again: each is said, cases open all the time, and flows come back."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(BALLAST_OCTETS))
    with serving(tmp_path) as port, sending(port, records_per_s=RECORDS_PER_S):
        until(lambda: "disk_full" in refused(tmp_path))
        remount(disk, "ro")
        until(lambda: "read_only" in refused(tmp_path))
        until(lambda: lines_with_a_case(tmp_path) == {"L0"})
        assert number(tmp_path, "not_stored_records_total") > 0
        remount(disk, "rw")
        ballast.unlink()
        until(lambda: not refused(tmp_path))
        stored = number(tmp_path, "stored_records_total")
        until(lambda: number(tmp_path, "stored_records_total") > stored + 5 * RECORDS_PER_S)
        assert number(tmp_path, "shed_total") == number(tmp_path, "kernel_drops_total") == 0
