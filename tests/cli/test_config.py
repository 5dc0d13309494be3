"""``sekisho config``: data on standard output, warnings on standard error, mistakes as errors of ours."""

from __future__ import annotations

import json
import tomllib

import pytest
from typer.testing import CliRunner

from sekisho.cli.config import app
from sekisho.core.errors import ConfigError

GOOD = """
[network]
prefixes = ["192.0.2.0/24"]
[[exporter]]
address = "192.0.2.1"
active_timeout_s = 60
sampling_default = 100
boundary = "access"
"""


OWN = """
name = "x_gre"
[title]
ja = "GRE トンネル"
en = "GRE tunnel"
[simple]
packets = "gre_packets"
octets = "gre_octets"
[thresholds.packets_per_s]
value = 200
unit = "packets/s"
why = "no home of ours has a tunnel"
"""


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "sekisho.toml"

    def run(command, text, *options, environ=None):
        path.write_text(text)
        return CliRunner().invoke(app, [command, str(path), *options], env=environ or {})

    return run


def test_a_good_file_is_one_sentence(run):
    """A file without mistakes and risks is OK."""
    result = run("check", GOOD)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("sekisho.toml: OK, 1 exporter\n")


def test_risks_are_warnings(run):
    """A risky file is OK, and each risk stands on standard error."""
    result = run("check", GOOD.replace('boundary = "access"', ""))
    assert result.exit_code == 0
    assert "has no boundary" in result.stderr
    assert "boundary" not in result.stdout


def test_a_mistake_is_an_error_of_ours(run):
    """The error is left to the command line, which gives it one sentence and exit status 2."""
    result = run("check", GOOD.replace("60", "-60"))
    assert isinstance(result.exception, ConfigError)
    assert result.stdout == ""


def test_show_as_toml(run):
    """The effective configuration is TOML again."""
    result = run("show", GOOD, environ={"SEKISHO_ATTRIBUTION__CLOCK_MARGIN_S": "7"})
    assert tomllib.loads(result.stdout)["attribution"]["clock_margin_s"] == 7
    assert "clock_margin_s = 7.0  # environment" in result.stdout


def test_show_as_json(run):
    """For programs each value is an object with key, value and origin."""
    found = {entry["key"]: entry for entry in json.loads(run("show", GOOD, "--format", "json").stdout)}
    assert found["exporter[0].boundary"] == {"key": "exporter[0].boundary", "value": "access", "origin": "file"}


def test_show_without_a_file():
    """The defaults can be looked at without a file."""
    result = CliRunner().invoke(app, ["show"], env={})
    assert (result.exit_code, "clock_margin_s = 2.0  # default" in result.stdout) == (0, True)


def test_the_processes_of_a_host_are_checked(run):
    """What one of them lacks is found before `serve` starts; a host that receives nothing needs no exporter."""
    portal = '[serve]\nprocesses = ["portal"]\n'
    with pytest.raises(ConfigError, match=r"\[portal\] listen for the process portal"):
        raise run("check", portal).exception
    result = run("check", f'{portal}[portal]\nlisten = "127.0.0.1:8080"\nproxies = ["127.0.0.1/32"]\n')
    assert result.exit_code == 0
    assert "no exporter" not in result.stderr


def test_what_a_case_webhook_needs_is_checked(run):
    """Its key is there."""
    text = '[cases]\nurl = "sqlite:///c.db"\n[[case_webhook]]\nname = "a"\nurl = "https://x.example/"\nkey_file = "k"\n'
    with pytest.raises(ConfigError, match=r"case_webhook\[0\]\.key_file: expected a file that exists"):
        raise run("check", text).exception


def test_a_proxy_on_the_same_machine_is_warned_about(run):
    """Every program there could name anybody."""
    text = f'{GOOD}[console]\nproxy_user_header = "X-Forwarded-User"\ntrusted_proxies = ["127.0.0.1"]\n'
    assert "every program on it can be anybody" in run("check", text).stderr


def test_own_detectors_are_checked(run, tmp_path):
    """A directory beside the file; a mistake in one of them, or in a name that configures one, is an error of ours."""
    (tmp_path / "detectors.d").mkdir()
    (tmp_path / "detectors.d" / "gre.toml").write_text(OWN)
    text = GOOD + '[detect]\ndirectory = "detectors.d"\nact = ["x_gre"]\n[detect.x_gre]\npackets_per_s = 300.0\n'
    assert run("check", text).exit_code == 0
    wrong = run("check", text.replace("packets_per_s = ", "packets = ")).exception
    assert isinstance(wrong, ConfigError)
    assert "x_gre has no threshold 'packets'" in str(wrong)
    stranger = run("check", text.replace('act = ["x_gre"]', 'act = ["volume_anomaly"]')).exception
    assert "detect.act: expected names of own detectors (x_gre), found 'volume_anomaly'" in str(stranger)
    (tmp_path / "detectors.d" / "gre.toml").write_text(OWN.replace("gre_octets", "gre_octet"))
    mistake = run("check", text).exception
    assert isinstance(mistake, ConfigError)
    assert (mistake.file, mistake.key) == (str(tmp_path / "detectors.d" / "gre.toml"), "simple.octets")


def test_indicators_must_be_there_and_a_baseline_need_not(run):
    """Indicators come from elsewhere, a baseline is learnt."""
    assert run("check", GOOD + '[detect]\nbaseline = "baseline.parquet"\n').exit_code == 0
    missing = run("check", GOOD + '[detect]\nindicators = ["feed.csv"]\n').exception
    assert isinstance(missing, ConfigError)
    assert missing.key == "detect.indicators[0]"
