"""``[contacts]``, ``[mail]``, ``[letter]``, ``[webhook]``, ``[drop]``: what may stand in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.core.config import load_config
from sekisho.core.config_review import require_files
from sekisho.core.errors import ConfigError

SIGNED = 'dkim_domain = "isp.example"\ndkim_selector = "s1"\ndkim_key_file = "dkim.pem"\n'
MAIL = '[mail]\nhost = "mx.isp.example"\nfrom_address = "abuse@mail.isp.example"\n'


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "sekisho.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[mail]\nhost = "mx"\n', "a from_address"),
        (MAIL, "dkim_key_file, or dkim_required = false"),
        (MAIL + SIGNED.replace("isp.example", "other.example"), "aligned with from_address"),
        (MAIL + SIGNED + 'return_path = "b@bulk.example"\n', "return_path that is aligned"),
        (MAIL + SIGNED + 'user = "u"\n', "both user and password_file"),
        (MAIL.replace("abuse@", "abuse\\r\\n@"), "a mail address"),
        ('[webhook]\nurl = "https://crm.isp.example/in"\n', "a key_file"),
        ('[webhook]\nurl = "http://crm.isp.example/in"\nkey_file = "k"\n', "https"),
        ('[webhook]\nurl = "https://u:p@crm.isp.example/in"\nkey_file = "k"\n', "without a user name"),
        ('[contacts]\nbook = "b"\n', "a key_file beside the book"),
        ('[contacts]\nbook = "b"\nkey_file = "k"\nurl = "https://crm.isp.example"\n', "one of book and url"),
        ("[letter]\nwindow_width_mm = 5.0\n", "50"),
    ],
)
def test_what_would_not_reach_anybody_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """Each sentence names the file and what was expected."""
    with pytest.raises(ConfigError) as error:
        load_config(written(tmp_path, text), {})
    assert expected in str(error.value)
    assert "sekisho.toml" in str(error.value)


@pytest.mark.parametrize("more", [SIGNED, "dkim_required = false\n", SIGNED + 'return_path = "b@isp.example"\n'])
def test_mail_is_signed_unless_told_otherwise(tmp_path: Path, more: str) -> None:
    """From below the domain that signs is aligned, and so is a return path beside it; RFC 7489 section 3.1."""
    mail = load_config(written(tmp_path, MAIL + more), {}).mail
    assert mail.signs is ("dkim_domain" in more)
    assert mail.envelope_from == ("b@isp.example" if "return_path" in more else "abuse@mail.isp.example")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/in", "http://[::1]/in", "http://localhost/in"])
def test_plain_http_is_for_this_machine(tmp_path: Path, url: str) -> None:
    """What stays on the machine needs no TLS."""
    assert load_config(written(tmp_path, f'[webhook]\nurl = "{url}"\nkey_file = "k"\n'), {}).webhook.url == url


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The check names the key; a start would fail in the night."""
    config = load_config(written(tmp_path, MAIL + SIGNED), {})
    with pytest.raises(ConfigError, match=r"mail\.dkim_key_file: expected a file that exists"):
        require_files(config, tmp_path / "sekisho.toml")
