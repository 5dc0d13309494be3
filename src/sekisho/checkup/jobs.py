"""Jobs and attempts: what a check wants to know, and what came of asking. Both are values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Answer = TypeVar("Answer")


class Status(StrEnum):
    """What came of one job."""

    ANSWERED = "answered"
    CLOSED = "closed"
    SILENT = "silent"
    GARBLED = "garbled"
    REFUSED = "refused"


class NoAnswer(Exception):
    """A device did not answer as its protocol says; the job ends with this status."""

    def __init__(self, status: Status, reason: str = "") -> None:
        self.status, self.reason = status, reason
        super().__init__(f"{status}: {reason}" if reason else str(status))


@dataclass(frozen=True, slots=True)
class Job:
    """One question to one port of one address, at most one connection.

    Attributes:
        probe: row of ``probes.PROBES``.
        argument: what the probe needs besides, such as a path; never a secret.
    """

    probe: str
    address: str
    port: int
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a job; ``answer`` is the probe's own type when the status is ``ANSWERED``."""

    job: Job
    status: Status
    at_ms: int
    answer: object = None
    reason: str = ""


@dataclass(slots=True)
class Seen:
    """Every attempt of a run so far; checks read it and never ask twice.

    Attributes:
        cut_short: addresses of devices that had more to be asked than the limits allow.
    """

    attempts: dict[Job, Attempt] = field(default_factory=dict)
    cut_short: set[str] = field(default_factory=set)

    def add(self, attempt: Attempt) -> None:
        """Keep one attempt."""
        self.attempts[attempt.job] = attempt

    def of(self, addresses: Iterable[str]) -> Iterator[Attempt]:
        """Attempts on any of the addresses, in a stable order."""
        wanted = frozenset(addresses)
        found = [attempt for attempt in self.attempts.values() if attempt.job.address in wanted]
        yield from sorted(found, key=lambda a: (a.job.address, a.job.port, a.job.probe, a.job.argument))

    def answers(self, addresses: Iterable[str], kind: type[Answer]) -> Iterator[tuple[Job, Answer]]:
        """Answers of one type on any of the addresses."""
        for attempt in self.of(addresses):
            if isinstance(attempt.answer, kind):
                yield attempt.job, attempt.answer

    def get(self, job: Job, kind: type[Answer]) -> Answer | None:
        """The answer to one job, None while there is none."""
        attempt = self.attempts.get(job)
        return attempt.answer if attempt is not None and isinstance(attempt.answer, kind) else None
