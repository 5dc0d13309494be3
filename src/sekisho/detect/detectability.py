"""What can be seen at all: the chance that traffic of a kind, a rate and a length gets its verdict under sampling.

Sampled packets of steady traffic are Poisson; records that were lost thin them. Periods that the clock begins are
averaged over when the traffic begins in them. Where a flood is one flow, a minute on the clock holds parts of two
records, each of which tells the mean of its own. The chances of several conditions are multiplied although packets that
meet one help with the others. It is a model: ``python -m evaluate`` compares it with simulated attacks.
"""

from __future__ import annotations

from math import ceil, log, log1p, prod
from typing import TYPE_CHECKING

from sekisho.detect.interval import at_least
from sekisho.detect.needs import NEEDS
from sekisho.detect.registry import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sekisho.detect.detector import Detector
    from sekisho.detect.needs import Look, Needs

SURE = 0.95
"""Chance from which traffic counts as seen."""

LONGEST_H = 720.0
"""Thirty days: nobody waits longer for silence to mean something."""

HIGHEST_PPS = 1e8
"""Beyond the smallest packets on a line of 40 Gb/s."""

_OF_TWO_RECORDS = 2
"""Times its own length of which a minute shows the mean, where half of it is one record's and half the next one's."""

_OFFSETS = 6
"""Beginnings of the traffic within a period that are averaged over."""

_STEPS_A_DOUBLING = 4
_BISECTIONS = 60
_SHORTEST_S = 10.0


def lowest_rate_pps(
    kind: str,
    sampling: float,
    window_s: float,
    *,
    loss: float = 0.0,
    group: str = "home",
    two_way: bool = True,
    detectors: Sequence[Detector] = DETECTORS,
) -> float | None:
    """Lowest rate that is seen with 95 % if it lasts for a time.

    Args:
        kind: of a detection.
        sampling: 1 in N packets.
        window_s: how long the traffic lasts; the verdict may follow when the exporter's timeouts have passed.
        loss: share of the records that do not arrive.
        group: of the line, which decides the thresholds.
        two_way: the exporter shows what the line receives as well.
        detectors: with the operator's thresholds.

    Returns:
        Packets a second that the line sends; None where no rate is seen within that time, or nothing is known of the
        kind: those of own detectors, and ``volume_anomaly``.
    """
    ways = _ways(kind, sampling, group, detectors, two_way=two_way)
    thinned = _arriving(sampling, loss)
    if _chance(ways, sampling, HIGHEST_PPS * thinned, window_s) < SURE:
        return None
    low, high = 1e-9, HIGHEST_PPS
    for _ in range(_BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if _chance(ways, sampling, middle * thinned, window_s) >= SURE else (middle, high)
    return high


def seen_within_hours(
    kind: str,
    pps: float,
    sampling: float,
    loss: float,
    *,
    group: str = "home",
    two_way: bool = True,
    detectors: Sequence[Detector] = DETECTORS,
) -> float | None:
    """Hours within which steady traffic of a rate is seen with 95 %.

    Args:
        kind: of a detection.
        pps: packets a second, on average over the time in which they are sent; the highest window's lower limit is far
            below it where samples are few.
        sampling: 1 in N packets.
        loss: share of the records that do not arrive.
        group: of the line, which decides the thresholds.
        two_way: the exporter shows what the line receives as well.
        detectors: with the operator's thresholds.

    Returns:
        None where thirty days are not enough, or nothing is known of the kind.
    """
    ways = _ways(kind, sampling, group, detectors, two_way=two_way)
    arriving = pps * _arriving(sampling, loss)
    found = [hours for way in ways if (hours := _hours(way, max(sampling, 1.0), arriving)) is not None]
    return min(found, default=None)


def _ways(kind: str, sampling: float, group: str, detectors: Sequence[Detector], *, two_way: bool) -> tuple[Needs, ...]:
    needs = NEEDS.get(kind)
    detector = next((each for each in detectors if kind in each.kinds), None)
    if needs is None or detector is None:
        return ()
    return needs(detector.params.get(group, detector.params["home"]), max(sampling, 1.0), two_way)


def _arriving(sampling: float, loss: float) -> float:
    """Sampled packets in the records that arrive, of each packet sent."""
    return (1 - min(max(loss, 0.0), 1.0)) / max(sampling, 1.0)


def _hours(way: Needs, sampling: float, sampled_pps: float) -> float | None:
    """Time within which one way sees it."""
    span_s = _span_s(way)
    step = 2 ** (1 / _STEPS_A_DOUBLING)
    time_s = max(_SHORTEST_S, way.least_s)
    while time_s < span_s:
        if _chance_within(way, sampling, sampled_pps, time_s) >= SURE:
            return time_s / 3600
        time_s *= step
    once = _chance_within(way, sampling, sampled_pps, span_s)
    if once >= SURE:
        return span_s / 3600
    if once <= 0:
        return None
    hours = ceil(log(1 - SURE) / log1p(-once)) * span_s / 3600
    return hours if hours <= LONGEST_H else None


def _chance(ways: Sequence[Needs], sampling: float, sampled_pps: float, time_s: float) -> float:
    """Of the best way."""
    return max((_chance_of(way, max(sampling, 1.0), sampled_pps, time_s) for way in ways), default=0.0)


def _chance_of(way: Needs, sampling: float, sampled_pps: float, time_s: float) -> float:
    if time_s < way.least_s:
        return 0.0
    span_s = _span_s(way)
    if time_s <= span_s:
        return _chance_within(way, sampling, sampled_pps, time_s)
    # Spans that follow each other are chances of their own; what is left of a span is left out.
    once = _chance_within(way, sampling, sampled_pps, span_s)
    return float(1 - (1 - once) ** (time_s // span_s))


def _span_s(way: Needs) -> float:
    """The longest period of a way."""
    return max(look.period_s for look in (*way.opens, *way.rests_on))


def _chance_within(way: Needs, sampling: float, sampled_pps: float, time_s: float) -> float:
    """Within one span."""
    # The same packets are added up over short and long periods: the best period counts, not their chances together.
    opens = max(_met(look, sampling, sampled_pps, time_s) for look in way.opens)
    return float(opens * prod(_met(look, sampling, sampled_pps, time_s) for look in way.rests_on))


def _met(look: Look, sampling: float, sampled_pps: float, time_s: float) -> float:
    """Chance that one period of the time meets a condition, whenever the traffic began."""

    def missed(length_s: float) -> float:
        # A sum of roundings may pass one, and no fraction of a power is taken of what is below nothing.
        return max(0.0, 1 - at_least(look.needs(sampling, length_s), sampled_pps * look.share * length_s))

    if sampled_pps * look.share * look.alone_s > 1:
        return 0.0
    if look.slides:
        whole = missed(look.period_s) ** (time_s // look.period_s) if time_s >= look.period_s else missed(time_s)
        return float(1 - whole)
    offsets = [(number + 0.5) / _OFFSETS for number in range(_OFFSETS)]
    return float(
        sum(1 - prod(missed(s) ** times for s, times in _parts(look, time_s, at)) for at in offsets) / _OFFSETS
    )


def _parts(look: Look, time_s: float, offset: float) -> Iterator[tuple[float, float]]:
    """(seconds, how often) of the parts that a time falls into, if it begins so far before a period's end."""
    first = min(time_s, offset * look.period_s)
    whole, last = divmod(time_s - first, look.period_s)
    longer = _OF_TWO_RECORDS if look.one_flow else 1
    yield from ((first, 1), (look.period_s * longer, whole / longer), (last, 1))
