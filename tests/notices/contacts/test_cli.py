"""``sekisho contacts``: a key, a book, and the cases that nothing reaches."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cases.documents import NOW_MS, detection, document
from notices.contacts.test_contacts import HEADER, PERSONAL, ROW
from notices.samples import LINE_ID
from sekisho.cases.record import record_analysis
from sekisho.cli.contacts import app
from sekisho.core.errors import InputError

CONFIG = '[contacts]\nbook = "contacts.book"\nkey_file = "contacts.key"\n[cases]\nurl = "sqlite:///cases.db"\n'


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={})


def test_from_a_key_to_the_missing_contacts(tmp_path: Path) -> None:
    """The lines of open cases that the book does not reach; no name is shown on the way."""
    config, source = tmp_path / "sekisho.toml", tmp_path / "contacts.csv"
    config.write_text(CONFIG, encoding="utf-8")
    source.write_text(HEADER + ROW, encoding="utf-8")
    record_analysis(f"sqlite:///{tmp_path / 'cases.db'}", document(detection(LINE_ID), detection("L7")), now_ms=NOW_MS)
    results = [
        run("key", str(tmp_path / "contacts.key")),
        run("import", str(source), "--config", str(config)),
        run("missing", "--config", str(config)),
    ]
    assert [result.exit_code for result in results] == [0, 0, 0], results
    assert results[1].stdout.endswith(": 1 contact\n")
    assert results[2].stdout == "2\tL7\tno_contact\n"
    for result in results:
        assert not [part for part in PERSONAL if part in result.output]


@pytest.mark.parametrize("command", [("import", "x.csv"), ("missing",)])
def test_without_a_source_the_command_says_what_it_needs(command: tuple[str, ...]) -> None:
    """One sentence that names the section."""
    result = run(*command)
    assert isinstance(result.exception, InputError)
    assert "[contacts] book" in str(result.exception)
