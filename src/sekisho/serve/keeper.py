"""The process that looks after the flow store: compaction, retention, what a killed collector left."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.errors import Unavailable
from sekisho.core.log import logger
from sekisho.core.time import now_ms
from sekisho.pipeline.checkpoint import STATE, lines_with_tracks
from sekisho.serve.ending import Asked
from sekisho.serve.status import EVERY_S, tell
from sekisho.store import watched
from sekisho.store.compact import Compactor
from sekisho.store.layout import HOUR_MS
from sekisho.store.retention import Retention

if TYPE_CHECKING:
    from pathlib import Path

RUN_EVERY_S = 30.0
"""Segments are closed once a minute and wait for others; looking costs next to nothing."""

NAME = "keeper"


def main(config_file: Path) -> int:
    """Run until asked to end.

    Raises:
        ConfigError: a wrong configuration.
    """
    asked = Asked()
    config = load_config(config_file, os.environ)
    directory = config.serve.state_beside(config_file)
    root = config.store.directory
    assert root is not None, "the supervisor starts a keeper only where there is a store"
    compactor = Compactor(
        root,
        clock=now_ms,
        retention=Retention(
            raw_ms=round(config.store.raw_hours * HOUR_MS), kept_ms=round(config.store.kept_hours * HOUR_MS)
        ),
        lines_to_keep=lambda: watched.everybody(root),
    )
    alarms = Alarms(now_ms)
    next_run = time.monotonic()
    while not asked.end.is_set():
        if time.monotonic() >= next_run:
            next_run = time.monotonic() + RUN_EVERY_S
            try:
                watched.tell(root, config.serve.collector, lines_with_tracks(directory / STATE))
                compactor.run()
                alarms.look(Condition.FLOWS_NOT_STORED, {})
            except Unavailable as error:
                alarms.look(Condition.FLOWS_NOT_STORED, {"": {"reason": str(error)}})
        tell(directory, NAME, at_ms=now_ms(), alarms=alarms)
        asked.end.wait(EVERY_S)
    logger().info("the keeper ends")
    return 0
