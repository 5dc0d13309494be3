"""The processes of `sekisho serve`, in the order in which they are started and, backwards, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.core.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process.

    Attributes:
        name: of the process, in logs, metrics and its status.
        module: has ``main(config_file) -> exit status``.
        is_wanted: whether the configuration asks for it.
    """

    name: str
    module: str
    is_wanted: Callable[[Config], bool]


PROCESSES: tuple[Process, ...] = (
    Process(name="keeper", module="sekisho.serve.keeper", is_wanted=lambda config: config.store.directory is not None),
    Process(name="sender", module="sekisho.serve.sender", is_wanted=lambda config: config.cases.url is not None),
    Process(name="case_events", module="sekisho.serve.case_events", is_wanted=lambda config: bool(config.case_webhook)),
    Process(name="console", module="sekisho.serve.console", is_wanted=lambda config: config.console.listen is not None),
    Process(name="portal", module="sekisho.serve.portal", is_wanted=lambda config: config.portal.listen is not None),
    Process(name="collector", module="sekisho.serve.collector", is_wanted=lambda config: bool(config.exporter)),
)
"""A new process is one file and one row."""
