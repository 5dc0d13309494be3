"""Cases from a live run: with their exporter, over a database that is away, and never silently none."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cases.documents import detection, document
from sekisho.core.alarms import Condition
from sekisho.serve import recorder as module
from sekisho.serve.recorder import CaseRecorder


def until(holds: Callable[[], Any]) -> None:
    end_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def cases(file: Path) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(file)) as database:
        try:
            return database.execute("select line_id, exporter from subscriber_case order by line_id").fetchall()
        except sqlite3.OperationalError:
            return []


def test_a_case_knows_the_exporter_of_its_line(tmp_path: Path):
    """Holding an exporter's notices, and braking for one, need it."""
    recorder = CaseRecorder(f"sqlite:///{tmp_path / 'cases.db'}")
    recorder.start()
    recorder.hand_over(document(detection(line_id="L1"), detection(line_id="L2")), {"L1": "192.0.2.1"})
    recorder.close(wait_s=20)
    assert cases(tmp_path / "cases.db") == [("L1", "192.0.2.1"), ("L2", None)]


def test_a_database_that_is_away_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is said while it lasts; when it is back the newest document, which holds everything, is written."""
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.05)
    folder = tmp_path / "not there yet"
    recorder = CaseRecorder(f"sqlite:///{folder / 'cases.db'}")
    recorder.start()
    recorder.hand_over(document(detection(line_id="L1")), {})
    until(lambda: recorder.look()[Condition.CASES_UNAVAILABLE])
    recorder.hand_over(document(detection(line_id="L1"), detection(line_id="L2")), {})
    folder.mkdir()
    until(lambda: cases(folder / "cases.db"))
    recorder.close(wait_s=20)
    assert [line for line, _ in cases(folder / "cases.db")] == ["L1", "L2"]
    assert not recorder.look()[Condition.CASES_UNAVAILABLE]


def test_a_mistake_of_ours_is_not_kept_quiet(tmp_path: Path):
    """The collector ends with what ended the thread, and is started again."""
    recorder = CaseRecorder(f"sqlite:///{tmp_path / 'cases.db'}")
    recorder.start()
    recorder.hand_over({"no": "document"}, {})
    until(lambda: recorder.failed)
    assert isinstance(recorder.failed, KeyError)
