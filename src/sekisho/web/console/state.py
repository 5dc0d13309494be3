"""What one console works with: database, configuration, clock, and the words of the other processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sekisho.pipeline.settling import FreshResolver
from sekisho.web.base.files import StaticFiles
from sekisho.web.base.limits import RateLimiter
from sekisho.web.base.pages import BASE, Pages
from sekisho.web.console.words import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sekisho.cases.policy import Policy
    from sekisho.core.config import Config
    from sekisho.core.metrics import Sample

PACKAGE = "sekisho.web.console"

FAILURES, PERIOD_MS = 10, 15 * 60_000
"""Wrong passwords from one network, or for one name, within a quarter of an hour; the next has to wait."""


class ProcessStatus(Protocol):
    """What a process of ``serve`` last told of itself (``serve/status.py``)."""

    @property
    def process(self) -> str:
        """Its name."""

    @property
    def at_ms(self) -> int:
        """When it was said, milliseconds UTC."""

    @property
    def samples(self) -> Sequence[Sample]:
        """Its numbers."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Further facts for people."""

    @property
    def alarms(self) -> Sequence[dict[str, Any]]:
        """Conditions that hold, each with its texts."""


@dataclass(slots=True, kw_only=True)
class Console:
    """Everything that pages and the API share.

    Attributes:
        url: of the case database.
        clock: milliseconds UTC.
        statuses: the latest word of every process that has told one.
        resolve: whose line it was.
    """

    url: str
    config: Config
    policy: Policy
    clock: Callable[[], int]
    statuses: Callable[[], Sequence[ProcessStatus]]
    pages: Pages = field(init=False)
    static: StaticFiles = field(init=False)
    failures: RateLimiter = field(init=False)
    resolve: FreshResolver = field(init=False)

    def __post_init__(self) -> None:
        self.resolve = FreshResolver(self.config)
        self.static = StaticFiles(BASE, PACKAGE)
        self.pages = Pages(PACKAGE, self.static, shared=SHARED)
        self.failures = RateLimiter(FAILURES, PERIOD_MS, clock=self.clock)
