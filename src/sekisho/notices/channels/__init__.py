"""The ways to a subscriber: one file each, one row in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.core.config import Config
    from sekisho.notices.delivery import Channel


def _mail(config: Config) -> Channel | None:
    from sekisho.notices.channels.smtp import SmtpChannel

    return SmtpChannel(config.mail, config.operator) if config.mail.host is not None else None


def _letter(config: Config) -> Channel | None:
    from sekisho.notices.channels.letter_queue import LetterQueue

    return LetterQueue(config.letter.directory) if config.letter.directory is not None else None


def _webhook(config: Config) -> Channel | None:
    from sekisho.notices.channels.webhook import WebhookChannel

    return WebhookChannel(config.webhook) if config.webhook.url is not None else None


def _drop(config: Config) -> Channel | None:
    from sekisho.notices.channels.drop import DropChannel

    return DropChannel(config.drop.directory) if config.drop.directory is not None else None


CHANNELS: Mapping[str, Callable[[Config], Channel | None]] = {
    "mail": _mail,
    "letter": _letter,
    "webhook": _webhook,
    "drop": _drop,
}
"""Name -> what makes it of a configuration; None where it is not configured."""


def channels_of(config: Config) -> Mapping[str, Channel]:
    """The channels that are configured; nothing is connected yet."""
    return {name: channel for name, make in CHANNELS.items() if (channel := make(config)) is not None}
