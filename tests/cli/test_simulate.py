"""The command ``sekisho simulate``."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from sekisho.cli import simulate as command
from sekisho.core.errors import InputError


@pytest.fixture
def app():
    made = typer.Typer()
    made.command("simulate", epilog=command.EXAMPLES)(command.simulate)
    return made


def test_list_names_every_scenario(app):
    """--list prints a name and a title a line, on standard output."""
    result = CliRunner().invoke(app, ["--list"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["bench", "demo", "quick"]


def test_no_scenario_is_a_usage_error(app):
    """Without a scenario the command says which there are and leaves with status 2."""
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "quick" in result.output


def test_unknown_scenario_is_an_input_error(app):
    """A wrong name becomes the error whose exit status is 2 and whose text lists the scenarios."""
    result = CliRunner().invoke(app, ["nosuch"])
    assert isinstance(result.exception, InputError)
    assert "bench, demo, quick" in str(result.exception)


def test_duration_and_seed_are_taken(app, tmp_path):
    """A shortened run writes the six files and says what it wrote."""
    result = CliRunner().invoke(app, ["quick", "-o", str(tmp_path / "out"), "--duration", "10", "--seed", "7"])
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out").iterdir())) == 6
    assert "records in" in result.stderr


def test_a_wrong_collector_is_refused_before_anything_runs(app, tmp_path):
    """--to a public address ends with an error and writes nothing."""
    result = CliRunner().invoke(app, ["quick", "-o", str(tmp_path / "out"), "--to", "203.0.113.1.:9"])
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "out").exists()
