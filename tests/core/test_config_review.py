"""Origins of values, the effective configuration as TOML, and warnings about what is risky."""

from __future__ import annotations

import tomllib

import pytest

from sekisho.core.config import load_config, validate
from sekisho.core.config_layers import read_layers
from sekisho.core.config_review import as_toml, require_files, settings_of, warnings_of
from sekisho.core.errors import ConfigError

COMPLETE = """
[network]
prefixes = ["192.0.2.0/24"]

[[exporter]]
address = "192.0.2.1"
active_timeout_s = 60
sampling_default = 100
boundary = "access"
interface = [{ index = 1, role = "core" }, { default = true }]

[detect.scan]
peers = 20

[files]
lines = ["lines.csv"]
"""

SECOND_OF_THE_SAME = """
[[exporter]]
address = "192.0.2.1"
sampling_forced = 1
boundary = "b"
inactive_timeout_s = 1
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "lines.csv").touch()
    path = tmp_path / "sekisho.toml"
    path.write_text(COMPLETE)
    return path


def settings(path, environ):
    layers = read_layers(path, environ)
    return settings_of(validate(layers), layers)


def test_every_value_has_its_origin(path):
    """Values of the file, the environment and the defaults stand side by side, each with its origin."""
    found = {s.as_dict()["key"]: (s.value, s.origin) for s in settings(path, {"SEKISHO_DETECT__SCAN__PEERS": "30"})}
    assert found["detect.scan.peers"] == (30, "environment")
    assert found["exporter[0].interface[0].role"] == ("core", "file")
    assert found["attribution.clock_margin_s"] == (2.0, "default")
    assert found["exporter[0].sampling_forced"] == (None, "default")


def test_the_shown_toml_is_the_same_configuration(path):
    """What is shown can be written to a file and gives the same configuration."""
    text = as_toml(settings(path, {}))
    again = path.with_name("again.toml")
    again.write_text(text)
    assert load_config(again, {}) == load_config(path, {})
    assert tomllib.loads(text)["exporter"][0]["interface"][0]["index"] == 1
    assert 'boundary = "access"  # file' in text
    assert "clock_margin_s = 2.0  # default" in text
    assert "# sampling_forced is not set" in text


def test_a_complete_configuration_has_no_warning(path):
    """Nothing is warned about where everything that matters is told."""
    assert warnings_of(load_config(path, {})) == []


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ('boundary = "access"', "", "has no boundary"),
        ("sampling_default = 100", "", "has no sampling_default"),
        ("active_timeout_s = 60", "", "has no timeouts"),
        ('prefixes = ["192.0.2.0/24"]', "", "network.prefixes is empty"),
        (
            "[detect.scan]",
            SECOND_OF_THE_SAME + "[detect.scan]",
            "several exporters have the address 192.0.2.1",
        ),
    ],
)
def test_what_is_risky_is_warned_about(path, old, new, warning):
    """Each risk by itself gives one sentence."""
    path.write_text(COMPLETE.replace(old, new))
    (found,) = warnings_of(load_config(path, {}))
    assert warning in found


def test_no_exporter_is_warned_about(path):
    """Without exporters `serve` would take in nothing."""
    path.write_text('[network]\nprefixes = ["192.0.2.0/24"]\n')
    assert warnings_of(load_config(path, {})) == [
        "no exporter is configured: analyze accepts every exporter, serve none"
    ]


def test_files_must_be_there(path):
    """A configured file that is missing is named with its key; a directory is no file."""
    require_files(load_config(path, {}), path)
    (path.parent / "lines.csv").unlink()
    with pytest.raises(ConfigError, match=r"files.lines\[0\]: expected a file that exists, found .*lines.csv"):
        require_files(load_config(path, {}), path)
    with pytest.raises(ConfigError, match="key_file"):
        require_files(load_config(None, {"SEKISHO_PRIVACY__KEY_FILE": str(path.parent)}), path)
