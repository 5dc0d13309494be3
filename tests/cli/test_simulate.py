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
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        *("attacks", "bench", "demo", "demo-live", "look-alikes", "quick")
    ]


def test_no_scenario_is_a_usage_error(app):
    """Without a scenario the command says which there are and leaves with status 2."""
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "quick" in result.output


def test_unknown_scenario_is_an_input_error(app):
    """A wrong name becomes the error whose exit status is 2 and whose text lists the scenarios."""
    result = CliRunner().invoke(app, ["nosuch"])
    assert isinstance(result.exception, InputError)
    assert "attacks, bench, demo, demo-live, look-alikes, quick" in str(result.exception)


def test_duration_and_seed_are_taken(app, tmp_path):
    """A shortened run writes the six files and says what it wrote."""
    result = CliRunner().invoke(app, ["quick", "-o", str(tmp_path / "out"), "--duration", "10", "--seed", "7"])
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out").iterdir())) == 6
    assert "records in" in result.stderr


def test_values_of_the_scenario_are_replaced(app, tmp_path):
    """--set reaches the exporters, as text or as TOML; a key that is none is named."""
    out = tmp_path / "out"
    values = ("--set", "exporter.sampling_interval=50", "--set", "exporter.bng-1.sees=outbound", "--duration", "5")
    result = CliRunner().invoke(app, ["quick", "-o", str(out), *values])
    assert result.exit_code == 0, result.output
    written = (out / "sekisho.toml").read_text()
    assert written.count("sampling_default = 50.0") == 2
    assert written.count('sees = "outbound"') == 1
    wrong = CliRunner().invoke(app, ["quick", "-o", str(out), "--set", "exporter.speed=1"])
    assert "speed" in str(wrong.exception)
    assert CliRunner().invoke(app, ["quick", "--set", "loss"]).exit_code == 2


def test_a_wrong_collector_is_refused_before_anything_runs(app, tmp_path):
    """--to a public address ends with an error and writes nothing."""
    result = CliRunner().invoke(app, ["quick", "-o", str(tmp_path / "out"), "--to", "203.0.113.1.:9"])
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "out").exists()
