"""Cases from a live run: with their exporter, over a database that is away, and never silently none."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cases.documents import MINUTE_MS, T0_MS, detection, document
from cases.sending import policy
from sekisho.cases import brake
from sekisho.cases.database import reading
from sekisho.cases.quiet import LineMinute, stored_minutes
from sekisho.cases.read import get_case
from sekisho.cases.states import State
from sekisho.cases.work import Told
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


def told(*lines: str, at_ms: int = T0_MS, exporter_of: dict[str, str] | None = None) -> Told:
    found = document(*(detection(line_id=line) for line in lines))
    return Told(at_ms=at_ms, document=found, exporter_of=exporter_of or {}, lines_of={"192.0.2.1": 50})


def recorder_of(folder: Path, **rules: Any) -> CaseRecorder:
    return CaseRecorder(f"sqlite:///{folder / 'cases.db'}", policy(**rules), lambda *_: 1.0)


def minutes_of(line: str, count: int) -> list[LineMinute]:
    end_ms = T0_MS + 5 * MINUTE_MS
    state = {"online": True, "delivered": True, "covered": True}
    return [LineMinute(line_id=line, at_ms=end_ms + n * MINUTE_MS, **state) for n in range(count)]


def test_a_case_knows_the_exporter_of_its_line(tmp_path: Path):
    """Holding an exporter's notices, and braking for one, need it."""
    recorder = recorder_of(tmp_path)
    recorder.start()
    recorder.hand_over(told("L1", "L2", exporter_of={"L1": "192.0.2.1"}))
    recorder.close(wait_s=20)
    assert recorder.open_lines == {"L1": "192.0.2.1", "L2": None}
    assert cases(tmp_path / "cases.db") == [("L1", "192.0.2.1"), ("L2", None)]


def test_a_database_that_is_away_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is said while it lasts; when it is back the newest document, which holds everything, is written."""
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.05)
    folder = tmp_path / "not there yet"
    recorder = recorder_of(folder)
    recorder.start()
    recorder.hand_over(told("L1"), minutes=minutes_of("L1", 2))
    until(lambda: recorder.look()[Condition.CASES_UNAVAILABLE])
    recorder.hand_over(told("L1", "L2"), minutes=minutes_of("L1", 3))
    folder.mkdir()
    until(lambda: cases(folder / "cases.db"))
    recorder.close(wait_s=20)
    assert [line for line, _ in cases(folder / "cases.db")] == ["L1", "L2"]
    assert not recorder.look()[Condition.CASES_UNAVAILABLE]
    with reading(f"sqlite:///{folder / 'cases.db'}") as connection:
        assert stored_minutes(connection, "L1") == 3


def test_a_mistake_of_ours_is_not_kept_quiet(tmp_path: Path):
    """The collector ends with what ended the thread, and is started again."""
    recorder = recorder_of(tmp_path)
    recorder.start()
    recorder.hand_over(Told(at_ms=T0_MS, document={"no": "document"}, exporter_of={}, lines_of={}))
    until(lambda: recorder.failed)
    assert isinstance(recorder.failed, KeyError)


def test_many_lines_at_once_are_braked_in_the_same_breath(tmp_path: Path):
    """There is no instant in which their cases are open and sending is not held."""
    recorder = recorder_of(tmp_path, brake={"new_lines": 2, "exporter_share": 1.0})
    recorder.start()
    recorder.hand_over(told("L1", "L2", "L3"), exports_changed={"192.0.2.1": "sampling"})
    recorder.close(wait_s=20)
    with reading(f"sqlite:///{tmp_path / 'cases.db'}") as connection:
        held = brake.holds(connection, 0)
    assert [(hold.exporter, hold.reason.split(",")[0]) for hold in held] == [
        ("192.0.2.1", "sampling"),
        (None, "3 new lines at act within ten minutes"),
    ]


def test_silence_in_which_the_line_was_seen_becomes_a_recovery(tmp_path: Path):
    """Quiet begins after an hour; the review is asked once a minute of stream time, not at every tick."""
    recorder = recorder_of(tmp_path)
    recorder.start()
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    recorder.hand_over(told("L1"))
    until(lambda: recorder.open_lines)
    end_ms = T0_MS + 65 * MINUTE_MS
    recorder.hand_over(told("L1", at_ms=end_ms), minutes=minutes_of("L1", 60))
    recorder.close(wait_s=20)
    with reading(url) as connection:
        assert get_case(connection, 1).state is State.OBSERVING
