"""The SQL that ships, as each engine is asked: a change of it, by hand or by another translator, is seen in review.

``SEKISHO_SNAPSHOTS=write pytest tests/query/test_snapshots.py`` writes them anew.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlglot

from sekisho.detect import daily, weak
from sekisho.detect.question import screen_sql
from sekisho.detect.registry import DETECTORS
from sekisho.pipeline import narrowing
from sekisho.query import ENGINES
from sekisho.query.portable import DIALECT
from sekisho.windows.sql import LINE_TARGET_SQL, LINE_WINDOW_SQL

FOLDER = Path(__file__).parent / "snapshots"


def statements() -> dict[str, Mapping[str, str]]:
    """File -> what it is called there -> statement."""
    found: dict[str, Mapping[str, str]] = {
        "tables": {"line_window": LINE_WINDOW_SQL, "line_target": LINE_TARGET_SQL},
        "narrowing": {name: sql for name, sql in sorted(vars(narrowing).items()) if name.endswith("_SQL")},
        "daily": {name: sql for name, sql in sorted(vars(daily).items()) if name.endswith("_SQL")},
        "weak": {"suspects": weak.SUSPECTS, "shares": weak.SQL},
    }
    for detector in DETECTORS:
        found[detector.name] = {
            "screen": screen_sql({detector.name: detector.least(detector.screen)}),
            "suspects": detector.least(detector.suspects),
            "candidates": detector.candidates,
            "targets": detector.targets,
        }
    return found


STATEMENTS = statements()


def written(name: str) -> str:
    """A file of statements, as the default engine is asked."""
    return "".join(f"-- {what}\n{sql.strip()};\n\n" for what, sql in STATEMENTS[name].items() if sql)


def translated(dialect: str) -> str:
    """What the translator changes in each of them, a clause a line."""
    changes = ""
    for name, parts in sorted(STATEMENTS.items()):
        for what, sql in parts.items():
            here, there = (sqlglot.transpile(sql, read=DIALECT, write=to, pretty=True)[0] for to in (DIALECT, dialect))
            diff = list(difflib.unified_diff(here.splitlines(), there.splitlines(), n=0, lineterm=""))
            lines = [line for line in diff[2:] if not line.startswith("@@")]
            changes += "".join(f"{line}\n" for line in (f"# {name}, {what}", *lines, "")) if lines else ""
    return changes


def as_reviewed(path: Path, text: str) -> None:
    if os.environ.get("SEKISHO_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), "SEKISHO_SNAPSHOTS=write writes it"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_as_reviewed(name: str):
    """What is asked is what stands in the file that was read when it last changed."""
    as_reviewed(FOLDER / f"{name}.sql", written(name))


@pytest.mark.parametrize("dialect", sorted(set(ENGINES) - {DIALECT}))
def test_translated_as_reviewed(dialect: str):
    """Another engine is asked the same but for the changes in its file."""
    as_reviewed(FOLDER / f"{dialect}.diff", translated(dialect))


def test_no_file_outlives_its_statement():
    """A detector that is gone takes its file along."""
    there = {path.name for path in FOLDER.iterdir()}
    assert there == {f"{name}.sql" for name in STATEMENTS} | {f"{dialect}.diff" for dialect in set(ENGINES) - {DIALECT}}
