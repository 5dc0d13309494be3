"""The process that answers subscribers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sekisho.cases.database import require_usable
from sekisho.core.alarms import Alarms
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.core.time import now_ms
from sekisho.measures.model import Language
from sekisho.notices.contacts.join import NoContacts, source_of
from sekisho.notices.operator import sender
from sekisho.serve.ending import Asked
from sekisho.serve.status import EVERY_S, tell
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
    server = WebServer(portal_app(portal), config.portal)
    server.start()
    logger().info("the portal answers", listen=str(config.portal.listen))
    directory, alarms = config.serve.state_beside(config_file), Alarms(now_ms)
    while not asked.end.is_set() and server.failed is None:
        tell(directory, NAME, at_ms=now_ms(), samples=samples_of(portal), alarms=alarms)
        asked.end.wait(EVERY_S)
    server.close()
    if server.failed is not None:
        raise server.failed
    logger().info("the portal ends")
    return 0


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
