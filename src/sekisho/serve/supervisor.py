"""Starts the processes, starts them again when they end, and passes on what signals ask for.

SIGTERM and SIGINT end everything: each process keeps what it knows and has ten seconds for it. SIGHUP reads the
configuration anew: a wrong one is refused as a whole and everything goes on as it was; with a right one each process is
ended and started again, one after the other. What arrives while the collector has no socket is lost, and shows as gaps.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.core.time import now_ms
from sekisho.serve.ending import Asked
from sekisho.serve.metrics import MetricsServer
from sekisho.serve.processes import processes_of
from sekisho.serve.status import tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sekisho.core.config import Config
    from sekisho.serve.processes import Process

GRACE_S = 10.0
"""What a process has to keep what it knows; service managers allow much longer."""

BEGIN_ANEW = 75
"""Exit status (EX_TEMPFAIL of sysexits.h) of a process that asks to be started again at once."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
STEADY_S = 60.0
"""A process that ran for this long had no trouble starting: the next wait is the first again."""

LOOK_EVERY_S = 0.2

NAME = "supervisor"


@dataclass(slots=True)
class _Child:
    """A process and how it fares."""

    process: Process
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_s: float = 0.0
    wait_s: float = FIRST_WAIT_S
    due_s: float = 0.0
    is_failing: bool = False


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """All processes of one configuration.

    Attributes:
        config_file: of the configuration.
    """

    config_file: Path
    _children: list[_Child] = field(default_factory=list)

    def run(self) -> int:
        """Look after everything until asked to end; the exit status.

        Raises:
            ConfigError: the configuration is wrong, or asks for nothing.
            InputError: a file that cannot be used.
        """
        config, processes = self._load()
        asked, alarms = Asked(), Alarms(now_ms)
        directory = config.serve.state_beside(self.config_file)
        metrics = MetricsServer(config.serve.metrics, directory=directory)
        metrics.start()
        self._children = [_Child(process) for process in processes]
        logger().info("serving", processes=[child.process.name for child in self._children])
        told_s = 0.0
        try:
            while not asked.end.is_set():
                if asked.take_reload():
                    self._reload()
                for child in self._children:
                    self._look_after(child)
                failing = {c.process.name: {"wait_s": c.wait_s} for c in self._children if c.is_failing}
                alarms.look(Condition.PROCESS_FAILING, failing)
                if time.monotonic() - told_s >= 1.0:
                    told_s = time.monotonic()
                    tell(directory, NAME, at_ms=now_ms(), samples=self._samples(), alarms=alarms)
                asked.end.wait(LOOK_EVERY_S)
        finally:
            self._end(self._children)
            metrics.close()
        logger().info("ended")
        return 0

    def _load(self) -> tuple[Config, tuple[Process, ...]]:
        config = load_config(self.config_file, os.environ)
        return config, processes_of(config, self.config_file)

    def _reload(self) -> None:
        try:
            _, processes = self._load()
        except (ConfigError, InputError) as error:
            logger().error("the configuration is refused as a whole; everything goes on as before", why=str(error))
            return
        logger().info("the configuration is read anew", file=str(self.config_file))
        # One after the other: while one is away the others work.
        kept = {child.process.name: child for child in self._children}
        self._children = [kept.get(process.name, _Child(process)) for process in processes]
        self._end([child for name, child in kept.items() if child not in self._children])
        for child in self._children:
            self._end([child])
            child.wait_s, child.due_s = FIRST_WAIT_S, 0.0
            self._look_after(child)

    def _look_after(self, child: _Child) -> None:
        now_s = time.monotonic()
        if child.running is None:
            if now_s >= child.due_s:
                self._start(child)
            return
        if (status := child.running.poll()) is None:
            if now_s - child.started_s >= STEADY_S:
                child.wait_s, child.is_failing = FIRST_WAIT_S, False
            return
        child.running = None
        if status == BEGIN_ANEW:
            child.due_s = now_s
            return
        child.due_s = now_s + child.wait_s
        child.is_failing = child.wait_s > FIRST_WAIT_S
        logger().error("a process ended", process=child.process.name, status=status, again_in_s=child.wait_s)
        child.wait_s = min(2 * child.wait_s, LONGEST_WAIT_S)

    def _start(self, child: _Child) -> None:
        command = [sys.executable, "-m", "sekisho.serve", child.process.name, str(self.config_file)]
        # A group of its own: Ctrl-C in a terminal reaches the supervisor, which ends the others in their order.
        child.running = subprocess.Popen(command, process_group=0)  # noqa: S603 (our own program)
        child.starts += 1
        child.started_s = time.monotonic()

    def _end(self, children: Sequence[_Child]) -> None:
        """The collector first: who writes ends before who reads."""
        for child in reversed(children):
            if child.running is None:
                continue
            child.running.terminate()
            try:
                child.running.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                logger().error("a process did not end in time and is killed", process=child.process.name)
                child.running.kill()
                child.running.wait()
            child.running = None

    def _samples(self) -> Iterator[Sample]:
        for child in self._children:
            is_up = child.running is not None and child.running.poll() is None
            yield Sample("process_up", (child.process.name,), float(is_up))
            yield Sample("process_starts_total", (child.process.name,), child.starts)
