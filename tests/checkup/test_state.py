"""What outlives a run: whole lines only, and one writer at a time."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from sekisho.checkup.state import append_line, one_at_a_time, read_lines, write_json
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("left", ["", '{"n": 2', '{"n": 2}', "\n"])
def test_what_a_crash_left_of_a_line_is_cut_off_before_the_next_one(tmp_path: Path, left: str) -> None:
    """The file stays readable however a line was torn; a whole line that lacks its end was never acted upon."""
    path = tmp_path / "a.jsonl"
    append_line(path, {"n": 1})
    with path.open("a") as file:
        file.write(left)
    append_line(path, {"n": 3})
    assert path.read_text() in ('{"n": 1}\n{"n": 3}\n', '{"n": 1}\n\n{"n": 3}\n')
    assert read_lines(path) == [{"n": 1}, {"n": 3}]


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    """Consents, tries and reports are nobody else's business."""
    append_line(tmp_path / "state" / "a.jsonl", {})
    write_json(tmp_path / "state" / "b.json", {})
    for path in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_processes_do_not_hold_one_lock(tmp_path: Path) -> None:
    """The second one is refused at once, and may go on when the first one has ended."""
    path = tmp_path / "attempts.lock"
    with one_at_a_time(path), pytest.raises(Refused, match=r"attempts\.lock"), one_at_a_time(path):
        pass
    with one_at_a_time(path):
        pass
