"""A sender that is killed at any instant neither loses a notice nor delivers another one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cases.documents import NOW_MS, detection, document
from cases.sending import act, policy, same
from sekisho.cases import outbox
from sekisho.cases.database import reading, writing
from sekisho.cases.ladder import propose
from sekisho.cases.outbox import LEASE_MS, NoticeState
from sekisho.cases.record import record_analysis

ROOT = Path(__file__).parents[2]
LONGEST_S = 0.06
"""A notice takes about 20 ms from its claim to its record."""


def kill_between(url: str, folder: Path, kills: int) -> list[outbox.Notice]:
    """One notice at a time is approved while a sender waits; it is killed at a random instant after that."""
    draw = random.Random(20261124)
    record_analysis(url, document(*(detection(f"L{n}") for n in range(kills))), now_ms=NOW_MS)
    with writing(url) as connection:
        numbers = propose(connection, policy(), NOW_MS)
    at_ms = NOW_MS
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"}
    for number in numbers:
        at_ms += LEASE_MS
        command = [
            sys.executable,
            Path(__file__).with_name("killed_sender.py"),
            url,
            folder,
            str(at_ms),
            "something leaves",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as sender:
            assert sender.stdout is not None
            assert sender.stdout.readline() == b"ready\n"
            with writing(url) as connection:
                outbox.approve(connection, number, act(at_ms), policy(), same)
            time.sleep(draw.uniform(0, LONGEST_S))
            sender.kill()
    # Somebody starts it again, and every claim has run out.
    command[-2:] = [str(at_ms + LEASE_MS), "all has left"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=60)
    with reading(url) as connection:
        return outbox.of_cases(connection)


def require_each_once(notices: list[outbox.Notice], folder: Path) -> None:
    assert {notice.state for notice in notices} == {NoticeState.SENT}
    assert sorted(path.name for path in folder.iterdir()) == sorted(notice.message_id for notice in notices)


def test_five_kills(database: str, tmp_path: Path) -> None:
    """Each notice is there exactly once, whole."""
    folder = tmp_path / "drop"
    folder.mkdir()
    require_each_once(kill_between(database, folder, 5), folder)


@pytest.mark.prove
def test_two_hundred_kills(database: str, tmp_path: Path) -> None:
    """The same, often enough to hit every instant between claim and record."""
    folder = tmp_path / "drop"
    folder.mkdir()
    require_each_once(kill_between(database, folder, 200), folder)
