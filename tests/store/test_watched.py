"""Whose flows are kept longer, of all collectors of a store."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sekisho.core.errors import Unavailable
from sekisho.store.watched import FORGOTTEN_S, everybody, tell


def test_what_any_collector_watches_is_kept(tmp_path: Path) -> None:
    """Each replaces its own; one that is gone for a month is forgotten."""
    assert everybody(tmp_path) == set()
    tell(tmp_path, "c1", {1, 2})
    tell(tmp_path, "c2", {2, 3})
    assert everybody(tmp_path) == {1, 2, 3}
    tell(tmp_path, "c1", set())
    assert everybody(tmp_path) == {2, 3}
    old_s = time.time() - FORGOTTEN_S - 1
    os.utime(tmp_path / "watched" / "c2.lines", (old_s, old_s))
    assert everybody(tmp_path) == set()


def test_a_disk_that_refuses_is_no_end(tmp_path: Path) -> None:
    """It is asked again later, as for the flows themselves."""
    (tmp_path / "watched").write_bytes(b"")
    with pytest.raises(Unavailable, match="watched"):
        tell(tmp_path, "c1", {1})
