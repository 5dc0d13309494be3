"""Where the case database may be, and what is said where it cannot be used."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import sekisho.cases
from cases.documents import NOW_MS, content, detection, document
from sekisho.cases import database
from sekisho.cases.database import REVISIONS, reading, writing
from sekisho.cases.record import record_analysis
from sekisho.cases.tables import METADATA, VERSION_TABLE
from sekisho.core.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cases.db"


def refused(url: str) -> str:
    with pytest.raises(InputError) as caught:
        record_analysis(url, document(detection()), now_ms=NOW_MS)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert caught.value.exit_status == 2
    return sentence


@pytest.mark.parametrize("url", ["cases.db", "sqlite://", "sqlite:///", "mysql://host/db", ""])
def test_a_wrong_url_is_told_with_a_right_one(url: str) -> None:
    """The sentence shows what a URL looks like."""
    assert "sqlite:///cases.db" in refused(url)


def test_a_password_in_a_url_is_not_repeated() -> None:
    """What stands behind the scheme of a wrong URL never reaches a log."""
    assert "geheim" not in refused("postgresql://sekisho:geheim@db/cases")


def test_a_folder_that_is_not_there_and_a_folder_as_file(tmp_path: Path) -> None:
    """Both are refused before anything is made."""
    assert "folder that exists" in refused(f"sqlite:///{tmp_path}/no/cases.db")
    assert "folder that exists" in refused(f"sqlite:///{tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_left_as_it_is(file: Path) -> None:
    """A text file at the place of the database is refused and not touched."""
    file.write_text("this is no database, only a line of text that is long enough\n" * 20)
    before = file.read_bytes()
    assert "another kind of file" in refused(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_database_of_another_program_is_left_as_it_is(file: Path) -> None:
    """Somebody's own SQLite database gets no table of ours, not even another journal mode."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
    before = file.read_bytes()
    assert "another program" in refused(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_an_empty_file_becomes_a_database(file: Path) -> None:
    """A file that was made beforehand, for its rights, is used."""
    file.touch()
    assert record_analysis(f"sqlite:///{file}", document(detection()), now_ms=NOW_MS).opened == 1


def test_a_later_version_is_refused(file: Path) -> None:
    """An older program does not write into what it does not understand."""
    record_analysis(f"sqlite:///{file}", document(), now_ms=NOW_MS)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    assert "later version (9999)" in refused(f"sqlite:///{file}")
    with pytest.raises(InputError, match="later version"), reading(f"sqlite:///{file}"):
        pass


def test_an_earlier_version_is_upgraded_by_who_writes_and_named_to_who_reads(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking never changes the database."""
    record_analysis(f"sqlite:///{file}", document(), now_ms=NOW_MS)
    monkeypatch.setattr(database, "REVISIONS", (*REVISIONS, "next"))
    with pytest.raises(InputError, match="earlier version"), reading(f"sqlite:///{file}"):
        pass


def test_a_locked_database_is_named(file: Path) -> None:
    """Another process that does not let go: one sentence after the time-out, nothing written."""
    url = f"sqlite:///{file}"
    record_analysis(url, document(), now_ms=NOW_MS)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InputError, match="another process"), writing(url, busy_timeout_ms=1):
            pass


def test_who_reads_is_not_held_up_by_who_writes(file: Path) -> None:
    """The console shows cases while an analysis writes others."""
    url = f"sqlite:///{file}"
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    with writing(url) as writer:
        writer.exec_driver_sql("DELETE FROM case_measure")
        with reading(url, busy_timeout_ms=1) as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM case_measure").scalar() == 6


def test_reading_makes_no_database(file: Path) -> None:
    """A misspelt name is told, not created."""
    with pytest.raises(InputError, match="found nothing"), reading(f"sqlite:///{file}"):
        pass
    assert not file.exists()


def test_reading_cannot_write(file: Path) -> None:
    """Who only looks has no way to change anything."""
    record_analysis(f"sqlite:///{file}", document(detection()), now_ms=NOW_MS)
    with pytest.raises(InputError, match="read-only"), reading(f"sqlite:///{file}") as connection:
        connection.exec_driver_sql("DELETE FROM case_history")


def test_a_read_only_place_is_named(tmp_path: Path) -> None:
    """A folder that nobody can write to, root included: one sentence."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("a mount namespace of our own is needed (root, unshare)")
    record_analysis(f"sqlite:///{tmp_path}/cases.db", document(), now_ms=NOW_MS)
    program = (
        "import sys; sys.path.insert(0, sys.argv[2]);"
        "from sekisho.cases.record import record_analysis; from sekisho.core.errors import InputError\n"
        "from cases.documents import document\n"
        "for name in ('cases.db', 'new.db'):\n"
        "    try: record_analysis(f'sqlite:///{sys.argv[1]}/{name}', document(), now_ms=1)\n"
        "    except InputError as error: print(error)\n"
    )
    mount = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path} && "
    run = f'exec {sys.executable} -c "$0" {tmp_path} {Path(__file__).parents[1]}'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount + run, program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sentences = done.stdout.splitlines()
    assert len(sentences) == 2
    assert all("written" in sentence for sentence in sentences)


def test_the_migrations_make_the_tables_of_the_code(file: Path) -> None:
    """Column by column, index by index: what a migration forgot would be found only in operation."""
    url = f"sqlite:///{file}"
    record_analysis(url, document(), now_ms=NOW_MS)
    with reading(url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_every_migration_is_known_to_the_program() -> None:
    """The list by which versions are told apart is the list of files, in order."""
    folder = Path(sekisho.cases.__file__).with_name("migrations")
    steps = [step.revision for step in ScriptDirectory(str(folder)).walk_revisions()]
    assert tuple(reversed(steps)) == REVISIONS


def test_a_failing_migration_leaves_no_half_of_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are made in the transaction of the first analysis, and go with it."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("sekisho.cases.record._in_order", fail)
    with pytest.raises(RuntimeError, match="killed"):
        record_analysis(f"sqlite:///{file}", document(), now_ms=NOW_MS)
    assert [line for line in content(file) if line.startswith("CREATE")] == []
