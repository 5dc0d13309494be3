"""The process that answers subscribers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sekisho.cases.database import require_usable
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.core.time import now_ms
from sekisho.measures.model import Language
from sekisho.notices.contacts.join import NoContacts, source_of
from sekisho.notices.operator import sender
from sekisho.serve.answering import answer
from sekisho.serve.ending import Asked
from sekisho.web.base.server import WebServer
from sekisho.web.portal.app import portal_app
from sekisho.web.portal.state import Portal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.core.config import Config

NAME = "portal"


def main(config_file: Path) -> int:
    """Run until asked to end.

    Raises:
        ConfigError: a wrong configuration: no case database, or an operator without a name.
        InputError: the address cannot be listened at, the database cannot be used.
    """
    asked = Asked()
    config = load_config(config_file, os.environ)
    portal = portal_of(config, config_file)
    require_usable(portal.url)
    return answer(
        NAME,
        WebServer(portal_app(portal), config.portal),
        asked=asked,
        directory=config.serve.state_beside(config_file),
        samples=lambda: samples_of(portal),
    )


def portal_of(config: Config, config_file: Path) -> Portal:
    """The portal of a configuration.

    Raises:
        ConfigError: something is missing without which nobody could be let in, or told by whom.
    """
    if config.cases.url is None:
        raise ConfigError(config_file, "cases.url", expected="a case database beside portal.listen", found=None)
    for language in Language:
        if missing := sender(config.operator, language).missing:
            raise ConfigError(config_file, missing[0], expected="the operator's own words", found=None)
    source = source_of(config)
    if source is None:
        logger().warning("no [contacts]: nobody can be made sure of, so nobody gets into the portal")
    return Portal(
        url=config.cases.url,
        source=source or NoContacts(),
        operator=config.operator,
        history=config.attribution.history,
        clock=now_ms,
    )


def samples_of(portal: Portal) -> Iterator[Sample]:
    """How often somebody was let in, or was not and why."""
    for outcome, count in portal.counts.copy().items():
        yield Sample("portal_entries_total", (outcome,), count)
