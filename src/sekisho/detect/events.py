"""Events: several lines that flood one target are one thing to look at, not as many as there are lines.

Detections of floods are gathered by the network, port and protocol that got most of their packets. A popular
destination alone is none: only traffic that a detector, or ``detect/weak.py``, found is gathered.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sekisho.schema.detection import Cap, Event, Target
from sekisho.schema.line_window import WINDOW_MS
from sekisho.schema.subject import is_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.detect.episodes import Network, Window
    from sekisho.schema.detection import Detection

FLOODS = frozenset(
    (
        *("udp_flood", "tcp_syn_flood", "tcp_flood", "icmp_flood", "gre_flood"),
        *("fragment_flood", "http_flood", "dns_flood", "reflection"),
    )
)
"""Kinds that have a target which suffers; a scan, a spam run or a beacon has many, or none."""

MAIN_SHARE = 0.3
"""Share of a detection's packets that its first target must have: floods in turns have three targets at most."""

GAP_MS = 1_800_000
"""Silence up to which attacks on one target are one event: bots are sent again within minutes."""

LINES = 2
"""Lines that make an event."""

_HOUR_MS = 3_600_000
_WINDOW_S = WINDOW_MS / 1000


class JointRates:
    """The highest ten seconds of all lines together, by target; windows are handed over as they settle."""

    def __init__(self) -> None:
        self._highest: dict[tuple[Network, int], tuple[float, float]] = {}

    def settle(self, windows: Iterable[tuple[Network, Window]]) -> None:
        """Take in windows that cannot change any more; all lines' windows of one time come together."""
        for (network, start_ms), (packets, octets) in _sums(windows).items():
            key = network, start_ms // _HOUR_MS
            before = self._highest.get(key, (0.0, 0.0))
            self._highest[key] = max(before[0], packets), max(before[1], octets)

    def forget(self, before_ms: int) -> None:
        """Let go what lies before a time."""
        self._highest = {key: value for key, value in self._highest.items() if (key[1] + 1) * _HOUR_MS > before_ms}

    def rows(self) -> list[list[Any]]:
        """Everything known, as plain values: the five numbers of a network, hour, packets, octets."""
        return [[*network, hour, *highest] for (network, hour), highest in self._highest.items()]

    def restore(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take back what ``rows`` gave."""
        for hi, lo, bits, port, protocol, hour, packets, octets in rows:
            self._highest[(hi, lo, bits, port, protocol), hour] = packets, octets

    def peak(
        self, network: Network, first_ms: int, last_ms: int, windows: Iterable[tuple[Network, Window]]
    ) -> tuple[float, float]:
        """Packets and bits a second of the highest ten seconds in a time; ``windows`` are those not settled yet."""
        hours = range(first_ms // _HOUR_MS, last_ms // _HOUR_MS + 1)
        sums = [self._highest.get((network, hour), (0.0, 0.0)) for hour in hours]
        sums += [s for (key, start), s in _sums(windows).items() if key == network and first_ms <= start <= last_ms]
        packets, octets = (max(column) for column in zip(*sums, strict=True))
        return packets / _WINDOW_S, octets * 8 / _WINDOW_S


def main_target(detection: Detection) -> Target | None:
    """The target that an event would be about; None where the kind has none or no target stands out."""
    if detection.kind not in FLOODS or not detection.top_targets or detection.top_targets[0].share < MAIN_SHARE:
        return None
    return detection.top_targets[0]


def gather(
    detections: Sequence[Detection], rates: JointRates, windows: Sequence[tuple[Network, Window]]
) -> tuple[list[Detection], list[Event]]:
    """The detections with the id of their event, and the events by first_seen.

    Args:
        detections: all of a run.
        rates: settled joint rates.
        windows: of running episodes, with their episode's main network.
    """
    event_of: dict[int, str] = {}
    events = []
    for target, members in _incidents(detections):
        event = _event(target, [detections[place] for place in members], rates, windows)
        events.append(event)
        event_of |= dict.fromkeys(members, event.id)
    named = [replace(each, event=event_of.get(place)) for place, each in enumerate(detections)]
    return named, sorted(events, key=lambda event: (event.first_seen_ms, event.id))


def _incidents(detections: Sequence[Detection]) -> Iterator[tuple[Target, list[int]]]:
    """Targets with the places of the detections that belong together in time, of at least two lines."""
    by_target: defaultdict[Network, list[int]] = defaultdict(list)
    for place, detection in enumerate(detections):
        if target := main_target(detection):
            by_target[network_of(target)].append(place)
    for places in by_target.values():
        places.sort(key=lambda place: detections[place].first_seen_ms)
        for run in _runs(detections, places):
            if len({detections[place].line for place in run if is_line(detections[place].line)}) >= LINES:
                yield detections[run[0]].top_targets[0], run


def _runs(detections: Sequence[Detection], places: Iterable[int]) -> Iterator[list[int]]:
    run: list[int] = []
    last_ms = 0
    for place in places:
        if run and detections[place].first_seen_ms > last_ms + GAP_MS:
            yield run
            run = []
        run.append(place)
        last_ms = max(last_ms, detections[place].last_seen_ms)
    yield run


def _event(
    target: Target, members: Sequence[Detection], rates: JointRates, windows: Iterable[tuple[Network, Window]]
) -> Event:
    first_ms, last_ms = min(d.first_seen_ms for d in members), max(d.last_seen_ms for d in members)
    lines = sorted({detection.line for detection in members if is_line(detection.line)})
    peak_pps, peak_bps = rates.peak(network_of(target), first_ms, last_ms, windows)
    # A weak line has no windows of its own, only its mean rate.
    weak = [detection for detection in members if Cap.WEAK_ALONE in detection.caps]
    return Event(
        id=_id(target, min(detection.detected_at_ms for detection in members)),
        target=target,
        first_seen_ms=first_ms,
        last_seen_ms=last_ms,
        peak_pps=peak_pps + sum(detection.peak_pps for detection in weak),
        peak_bps=peak_bps + sum(detection.peak_bps for detection in weak),
        lines=len(lines),
        exporters=tuple(sorted({d.exporter for d in members if d.exporter is not None})),
        members=tuple(lines),
    )


def network_of(target: Target) -> Network:
    """The target as episodes hold it."""
    return target.network_hi, target.network_lo, target.network_bits, target.port, target.protocol


def _id(target: Target, detected_at_ms: int) -> str:
    """The minute of the first verdict and six digits of the target: both stay when more lines join."""
    digest = blake2b(repr(network_of(target)).encode(), digest_size=3).hexdigest()
    return f"E{datetime.fromtimestamp(detected_at_ms / 1000, UTC):%y%m%d%H%M}-{digest}"


def _sums(windows: Iterable[tuple[Network, Window]]) -> dict[tuple[Network, int], tuple[float, float]]:
    sums: dict[tuple[Network, int], tuple[float, float]] = {}
    for network, window in windows:
        packets, octets = sums.get((network, window.start_ms), (0.0, 0.0))
        sums[network, window.start_ms] = packets + window.packets, octets + window.octets
    return sums
