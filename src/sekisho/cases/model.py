"""A case as everything that shows it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.cases.states import OPEN, State
from sekisho.core.time import iso
from sekisho.measures.model import MeasureState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.measures.model import MeasureId


_AGAIN = frozenset({State.OPEN, State.NOTIFIED})
"""Where a case that was observed goes when the traffic is seen again; other steps are a person's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One detection of a case; the fields are those of ``sekisho.analysis/1``.

    Attributes:
        event_id: number of the event in this database, None where it is part of none.
        held: all that the line had seemed to hold: ``prefix``, ``realm``, a ``port`` where it is shared, ``from`` and
            ``to``, between which records may have been taken for the line's by it.
    """

    kind: str
    first_seen_ms: int
    last_seen_ms: int
    detected_at_ms: int
    source: str
    packets: int
    octets: int
    peak_pps: float
    peak_pps_interval_95: tuple[float, float]
    peak_bps: float
    sampled_packets: int
    targets: int
    top_targets: tuple[Mapping[str, Any], ...]
    confidence: float
    loss: float
    coverage: float | None
    numbers: Mapping[str, Any]
    event_id: int | None
    held: tuple[Mapping[str, Any], ...] = ()

    @property
    def ports(self) -> tuple[int, ...]:
        """Destination ports, the most used first."""
        return tuple(target["port"] for target in self.top_targets if target["port"])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kind": self.kind,
            "first_seen": iso(self.first_seen_ms),
            "last_seen": iso(self.last_seen_ms),
            "detected_at": iso(self.detected_at_ms),
            "source": self.source,
            "packets": self.packets,
            "octets": self.octets,
            "peak_pps": self.peak_pps,
            "peak_pps_interval_95": list(self.peak_pps_interval_95),
            "peak_bps": self.peak_bps,
            "sampled_packets": self.sampled_packets,
            "targets": self.targets,
            "confidence": self.confidence,
            "quality": {"loss": self.loss, "coverage": self.coverage},
            "event": self.event_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one measure is."""

    measure: MeasureId
    state: MeasureState
    changed_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the history."""

    at_ms: int
    actor: str
    purpose: str
    before: State | None
    after: State
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case with its evidence, the most harmful first."""

    number: int
    line_id: str
    state: State
    opened_at_ms: int
    predecessor: int | None
    closed_at_ms: int | None
    closing: str | None
    evidence: tuple[Evidence, ...]
    measures: tuple[Progress, ...]
    history: tuple[Step, ...]

    @property
    def is_open(self) -> bool:
        """Whether it still waits for something."""
        return self.state in OPEN

    @property
    def kinds(self) -> tuple[str, ...]:
        """What was seen, the most harmful first, each once."""
        return tuple(dict.fromkeys(evidence.kind for evidence in self.evidence))

    @property
    def first_seen_ms(self) -> int:
        """Start of the first episode."""
        return min(evidence.first_seen_ms for evidence in self.evidence)

    @property
    def last_seen_ms(self) -> int:
        """End of the last episode."""
        return max(evidence.last_seen_ms for evidence in self.evidence)

    @property
    def came_back_ms(self) -> int | None:
        """When what had stopped was seen again; None where it was not, or has stopped once more."""
        back_ms = None
        for step in self.history:
            if step.after is State.OBSERVING:
                back_ms = None
            elif step.after is State.RELAPSED or (step.before is State.OBSERVING and step.after in _AGAIN):
                back_ms = step.at_ms
        return back_ms if self.is_open else None

    def is_stale(self, progress: Progress) -> bool:
        """Whether a measure was said to be done before the traffic came back: it is asked for once more."""
        back_ms = self.came_back_ms
        return back_ms is not None and progress.state is MeasureState.CLAIMED and progress.changed_at_ms < back_ms

    @property
    def harm(self) -> tuple[float, float]:
        """What it takes of the network at its worst: bits, then packets a second."""
        return harm(self.evidence[0])

    def to_json(self) -> dict[str, Any]:
        """For programs; where the traffic went is not in it."""
        return {
            "case": self.number,
            "line_id": self.line_id,
            "state": self.state,
            "opened_at": iso(self.opened_at_ms),
            "predecessor": self.predecessor,
            "closed_at": None if self.closed_at_ms is None else iso(self.closed_at_ms),
            "closing": self.closing,
            "detections": [evidence.to_json() for evidence in self.evidence],
            "measures": {progress.measure: progress.state for progress in self.measures},
            "history": [
                {
                    "at": iso(step.at_ms),
                    "actor": step.actor,
                    "purpose": step.purpose,
                    "from": step.before,
                    "to": step.after,
                    "reason": step.reason,
                }
                for step in self.history
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What happened to many lines at once, of one event or in a period, without anything that names a line or a target.

    Attributes:
        kinds: what was seen, the most harmful first.
        lines: how many lines took part.
        links: names of the links that were hit; empty where none is known.
    """

    kinds: tuple[str, ...]
    first_seen_ms: int
    last_seen_ms: int
    lines: int
    links: tuple[str, ...]


def harm(evidence: Evidence) -> tuple[float, float]:
    """What one episode takes of the network at its worst: bits, then packets a second."""
    return evidence.peak_bps, evidence.peak_pps
