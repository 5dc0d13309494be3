"""The process that answers operators and their programs: pages and the API, in one application."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sekisho.cases.database import require_usable, writing
from sekisho.cases.policy import load_policy
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError
from sekisho.core.time import now_ms
from sekisho.serve.answering import answer
from sekisho.serve.ending import Asked
from sekisho.serve.processes import PROCESSES
from sekisho.serve.status import told
from sekisho.web.base.server import WebServer
from sekisho.web.console.app import console_app
from sekisho.web.console.state import Console

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sekisho.core.config import Config
from sekisho.serve.status import Status

NAME = "console"


def main(config_file: Path) -> int:
    """Answer until asked to end.

    Raises:
        ConfigError: a wrong configuration, or no case database.
        InputError: the database or the policy cannot be used, or the address cannot be had.
    """
    asked = Asked()
    config = load_config(config_file, os.environ)
    directory = config.serve.state_beside(config_file)
    console = console_of(config, config_file, statuses=lambda: statuses(directory))
    return answer(NAME, WebServer(console_app(console), config.console), asked=asked, directory=directory)


def console_of(config: Config, config_file: Path, *, statuses: Callable[[], list[Status]]) -> Console:
    """Everything that pages need; the database is made or brought to its present form.

    Raises:
        ConfigError: no case database is configured.
        InputError: it cannot be used, or the policy cannot be read.
    """
    if config.cases.url is None:
        raise ConfigError(config_file, "cases.url", expected="a case database for the console", found=None)
    require_usable(config.cases.url)
    with writing(config.cases.url):
        pass
    policy = load_policy(config.cases.policy)
    return Console(url=config.cases.url, config=config, policy=policy, clock=now_ms, statuses=statuses)


def statuses(directory: Path) -> list[Status]:
    """The latest word of every process that has told one."""
    names = ("supervisor", *(process.name for process in PROCESSES))
    return [status for name in names if (status := told(directory, name)) is not None]
