"""The processes of `sekisho serve`, in the order in which they are started and, backwards, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sekisho.core.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process.

    Attributes:
        name: of the process, in logs, metrics and its status.
        module: has ``main(config_file) -> exit status``.
        needs: what it cannot do without.
        is_wanted: whether the configuration asks for it.
    """

    name: str
    module: str
    needs: str
    is_wanted: Callable[[Config], bool]


PROCESSES: tuple[Process, ...] = (
    Process(
        name="keeper",
        module="sekisho.serve.keeper",
        needs="[store] directory",
        is_wanted=lambda config: config.store.directory is not None,
    ),
    Process(
        name="sender",
        module="sekisho.serve.sender",
        needs="[cases] url",
        is_wanted=lambda config: config.cases.url is not None,
    ),
    Process(
        name="case_events",
        module="sekisho.serve.case_events",
        needs="a [[case_webhook]]",
        is_wanted=lambda config: bool(config.case_webhook),
    ),
    Process(
        name="console",
        module="sekisho.serve.console",
        needs="[console] listen",
        is_wanted=lambda config: config.console.listen is not None,
    ),
    Process(
        name="portal",
        module="sekisho.serve.portal",
        needs="[portal] listen",
        is_wanted=lambda config: config.portal.listen is not None,
    ),
    Process(
        name="collector",
        module="sekisho.serve.collector",
        needs="at least one [[exporter]]",
        is_wanted=lambda config: bool(config.exporter),
    ),
)
"""A new process is one file and one row, and its name in ``core/config_serve.py``."""


def processes_of(config: Config, config_file: Path) -> tuple[Process, ...]:
    """The processes of this host, in their order.

    Raises:
        ConfigError: one that is named lacks what it needs; or none is named, and there is no exporter: a host that
            receives nothing by mistake would look as if nothing happened in the network.
    """
    named = config.serve.processes
    if not named and not config.exporter:
        expected = "at least one [[exporter]], or under [serve] the processes of a host that receives nothing"
        raise ConfigError(config_file, "exporter", expected=expected, found=0)
    for process in PROCESSES:
        if process.name in named and not process.is_wanted(config):
            expected = f"{process.needs} for the process {process.name}"
            raise ConfigError(config_file, "serve.processes", expected=expected, found=list(named))
    return tuple(p for p in PROCESSES if (p.name in named if named else p.is_wanted(config)))
