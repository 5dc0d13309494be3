"""Whether a line began a new session, asked by another process while the history is written."""

from __future__ import annotations

from pathlib import Path

from attribution.history.test_history import MINUTE, T, begin, confirm, told
from sekisho.attribution.history.began import began_after


def test_a_session_that_began_later_is_found(tmp_path: Path) -> None:
    """The latest of the line's own, after the instant, while the writer has the file open."""
    file = tmp_path / "history.db"
    with told(begin(0), begin(MINUTE, "s2"), begin(2 * MINUTE, "s3", "L2"), path=file):
        assert began_after(file, "L1", T) == T + MINUTE
        assert began_after(file, "L1", T + MINUTE) is None
        assert began_after(file, "L2", T) == T + 2 * MINUTE
        assert began_after(file, "L9", T) is None


def test_a_session_only_heard_of_did_not_begin(tmp_path: Path) -> None:
    """An interim record without its start says nothing about when."""
    file = tmp_path / "history.db"
    held = begin(0).held
    with told(confirm(MINUTE, "s1", holder="L1", held=held), path=file):
        assert began_after(file, "L1", T - MINUTE) is None


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    """No file, or another one."""
    assert began_after(tmp_path / "none.db", "L1", T) is None
    (tmp_path / "other.db").write_text("no database")
    assert began_after(tmp_path / "other.db", "L1", T) is None
    assert not (tmp_path / "none.db").exists()
