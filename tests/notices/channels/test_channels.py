"""The table of channels."""

from __future__ import annotations

from pathlib import Path

from sekisho.core.config import Config
from sekisho.core.config_delivery import Drop, Letter, Mail, Webhook
from sekisho.notices.channels import CHANNELS, channels_of


def test_a_channel_is_there_where_it_is_configured(tmp_path: Path) -> None:
    """Each by its name; nothing is connected or made by asking."""
    assert channels_of(Config()) == {}
    config = Config(
        mail=Mail(host="mx.isp.example", from_address="a@isp.example", dkim_required=False),
        letter=Letter(directory=tmp_path / "letters"),
        webhook=Webhook(url="https://crm.isp.example/in", key_file=tmp_path / "key"),
        drop=Drop(directory=tmp_path / "drop"),
    )
    assert set(channels_of(config)) == set(CHANNELS) == {"mail", "letter", "webhook", "drop"}
    assert list(tmp_path.iterdir()) == []
