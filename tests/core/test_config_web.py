"""``[portal]``: what may stand in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.core.config import load_config
from sekisho.core.config_layers import read_layers
from sekisho.core.config_review import as_toml, require_files, settings_of, warnings_of
from sekisho.core.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "sekisho.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('listen = "0.0.0.0:443"', "a certificate and a key_file"),
        ('listen = "[::]:443"', "a certificate and a key_file"),
        ('listen = "127.0.0.1:443"\ncertificate = "c.pem"', "both certificate and key_file"),
        ('listen = "localhost:443"', "ADDRESS:PORT"),
        ("connections = 1", "10"),
        ('proxies = ["10.0.0.1/8"]', "a prefix without host bits"),
    ],
)
def test_what_would_carry_a_session_in_clear_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """And other mistakes; the sentence says what was expected."""
    with pytest.raises(ConfigError, match=expected):
        load_config(written(tmp_path, f"[portal]\n{text}\n"), {})


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    """An address with its port is one text, as it was written."""
    file = written(tmp_path, '[portal]\nlisten = "[::1]:8080"\n[receive]\nlisten = ["0.0.0.0:2055"]\n')
    config = load_config(file, {})
    shown = tmp_path / "shown.toml"
    shown.write_text(as_toml(settings_of(config, read_layers(file, {}))), encoding="utf-8")
    assert load_config(shown, {}) == config


def test_the_certificate_has_to_be_there(tmp_path: Path) -> None:
    """``config check`` looks."""
    file = written(tmp_path, '[portal]\ncertificate = "c.pem"\nkey_file = "k.pem"\n')
    with pytest.raises(ConfigError, match=r"portal\.certificate"):
        require_files(load_config(file, {}), file)


def test_a_proxy_that_is_not_believed_is_warned_about(tmp_path: Path) -> None:
    """Behind it everybody has one address, which is limited as one."""
    listen = '[portal]\nlisten = "127.0.0.1:8080"\n'
    for more, is_told in (("", True), ('proxies = ["127.0.0.1/32"]\n', False)):
        found = warnings_of(load_config(written(tmp_path, listen + more), {}))
        assert any("portal.proxies" in warning for warning in found) is is_told
