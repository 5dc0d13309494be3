"""How far a detection may reach: its level, what capped it, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

from sekisho.schema.detection import Cap, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.schema.detection import Quality

INFERRED_SHARE = 0.05
"""Share of the line's packets with an inferred holder from which the whole episode counts as inferred."""

UNKNOWN_SAMPLING_SHARE = 0.05
"""Share of the line's exported packets with an unknown sampling interval from which its rates mean nothing."""

PLAUSIBLE = 1.2
"""Times the contracted speed that even the lower limit may not exceed: access networks police a little above it."""

COVERED = (0.8, 1.2)
"""Flow octets over interface counters; outside it the exporter's numbers are under alarm."""

FORGED_SOURCES = 16
"""Networks that forged sources lie in, at least: homes with two providers leak from one address each."""

LOST_ANSWERS = 1e-4
"""Chance that every record of the answers was lost on the way, from which their absence proves nothing."""

RECORDS_A_DATAGRAM = 30
"""Records are lost by the datagram, and those of one conversation leave together."""

RECORD_EVERY_MS = 60_000
"""A conversation that goes on is reported once a minute by most exporters: as often its answers could have arrived."""

SURE_SAMPLED_PACKETS = 20.0
"""Sampled packets at which statistical sureness reaches 1 - 1/e."""

ONE_WAY_CONFIDENCE = 0.85
"""What is left of the confidence where answers cannot be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInfo:
    """What is known about a line when a detector judges it.

    Attributes:
        line_id: its name; "" where none is known.
        group: home, business, building, reseller or server: chooses the thresholds.
        up_bps: contracted upstream speed, 0 where it is not known.
        sees: what its exporter shows, ``both`` or ``outbound``; "" = told from the rows themselves.
        inside_visible: False where all of a household is one tunnel seen from outside.
        source: address or prefix to show.
        sources: distinct networks that an interface's forged sources were seen in, at least.
    """

    line_id: str = ""
    group: str = "home"
    up_bps: int = 0
    sees: str = ""
    inside_visible: bool = True
    source: str = ""
    sources: int = 0


def caps(
    *,
    line: LineInfo,
    quality: Quality,
    low_bps: float,
    inferred_share: float,
    unknown_sampling_share: float,
    is_interface: bool = False,
    answers_lost: float = 0.0,
    acts: bool = True,
) -> tuple[Cap, ...]:
    """Every reason to keep a detection at ``watch``; none means that it may open a case.

    ``low_bps`` is the lower 95 % limit of the fastest window, bits a second; the two shares are of the line's packets
    in the episode's windows, 0 to 1; ``answers_lost`` is the chance that all answers were; ``acts`` is whether the
    detector takes what it saw for enough.
    """

    def apply() -> Iterator[Cap]:
        if inferred_share > INFERRED_SHARE:
            yield Cap.ATTRIBUTION_INFERRED
        if unknown_sampling_share > UNKNOWN_SAMPLING_SHARE:
            yield Cap.SAMPLING_UNKNOWN
        if not line.inside_visible:
            yield Cap.INSIDE_NOT_VISIBLE
        if 0 < line.up_bps * PLAUSIBLE < low_bps:
            yield Cap.FASTER_THAN_LINE
        if quality.coverage is not None and not COVERED[0] <= quality.coverage <= COVERED[1]:
            yield Cap.COVERAGE_ALARM
        if is_interface and line.sources < FORGED_SOURCES:
            yield Cap.FEW_SOURCES
        if answers_lost > LOST_ANSWERS:
            yield Cap.ANSWERS_MAY_BE_LOST
        if not acts:
            yield Cap.FOR_A_PERSON

    return tuple(apply())


def answers_lost(*, loss: float, records: float, duration_ms: int) -> float:
    """Chance that all answers to what a line sent were lost: each datagram that could have brought one was."""
    chances = max(records / RECORDS_A_DATAGRAM, 1 + duration_ms // RECORD_EVERY_MS)
    return float(loss**chances) if loss > 0 else 0.0


def level(reasons: tuple[Cap, ...]) -> Level:
    """``act`` where nothing speaks against it."""
    return Level.WATCH if reasons else Level.ACT


def confidence(*, sampled_packets: float, two_way: bool, loss: float, reasons: tuple[Cap, ...]) -> float:
    """0 to 1, to sort by; not a probability.

    The product of statistical sureness ``1 - exp(-sampled / 20)``, of what could be seen (1 with both directions, else
    0.85), of the share of records that arrived, and of one half for every reason that capped the level.
    """
    sure = 1 - exp(-sampled_packets / SURE_SAMPLED_PACKETS)
    return sure * (1.0 if two_way else ONE_WAY_CONFIDENCE) * (1 - loss) * 0.5 ** len(reasons)
