"""The SQL that ships, as each engine is asked: a change of it, by hand or by another translator, is seen in review.

``SEKISHO_SNAPSHOTS=write pytest tests/query/test_snapshots.py`` writes them anew.
"""

from __future__ import annotations

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


def asked(sql: str, dialect: str) -> str:
    """The statement as an engine of that dialect gets it; what was translated has a clause a line here."""
    return sql.strip() if dialect == DIALECT else sqlglot.transpile(sql, read=DIALECT, write=dialect, pretty=True)[0]


def written(name: str, dialect: str) -> str:
    """A file of statements."""
    return "".join(f"-- {what}\n{asked(sql, dialect)};\n\n" for what, sql in STATEMENTS[name].items() if sql)


@pytest.mark.parametrize("dialect", sorted(ENGINES))
@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_as_reviewed(name: str, dialect: str):
    """What an engine is asked is what stands in the file that was read when it last changed."""
    path = FOLDER / dialect / f"{name}.sql"
    text = written(name, dialect)
    if os.environ.get("SEKISHO_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), "SEKISHO_SNAPSHOTS=write writes it"
    assert text == path.read_text(encoding="utf-8")


def test_no_file_outlives_its_statement():
    """A detector that is gone takes its files along."""
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.sql")}
    assert there == {f"{dialect}/{name}.sql" for dialect in ENGINES for name in STATEMENTS}
