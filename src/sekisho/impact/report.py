"""What a run's abuse cost each link, as the ``impact`` of ``sekisho.analysis/1``; what is not known is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.core.time import iso
from sekisho.impact.abuse import Abuse, abuse_on, carried, share_of
from sekisho.impact.conditions import slowed
from sekisho.impact.timeline import MINUTE_MS
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sekisho.impact.conditions import Condition
    from sekisho.impact.links import LinkPlaces
    from sekisho.impact.load import Side
    from sekisho.impact.missing import Missing
    from sekisho.impact.senders import Senders
    from sekisho.impact.timeline import Timeline
    from sekisho.schema.detection import Detection

SPANS_SHOWN = 50
"""Runs of minutes above the mark that are listed; all of them are counted."""

POINTS = 720
"""Values of the picture at most: finer than a pixel nothing can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How a link's load was found.

    Attributes:
        by: ``counters``, ``counters_and_flows``, ``flows``, ``lines`` (what its lines sent); None where it was not.
        side: the way of outbound traffic.
        missing: what is not known, and what is contradicted.
    """

    by: str | None
    side: Side
    timeline: Timeline | None
    missing: tuple[Missing, ...]


def link_document(
    places: LinkPlaces,
    measured: Measured,
    found: Sequence[Detection],
    senders: Senders,
    looks: list[Condition],
) -> dict[str, Any]:
    """The entry of a link."""
    head = {
        "name": places.link.name,
        "kind": places.link.kind.value,
        "direction": "outbound",
        "measured": measured.by,
        "capacity_bps": places.capacity_bps,
        "capacity_pps": places.capacity_pps,
        "capacity_sessions": places.link.capacity_sessions,
        "mark": places.link.mark,
        "lines": len(places.lines) or None,
        "missing": [what.value for what in measured.missing],
    }
    timeline = measured.timeline
    if timeline is None:
        unknown = dict.fromkeys(("load", "load_without", "above_mark", "abuse", "attempts", "others_slowed", "series"))
        return head | unknown | _sessions(looks)
    abuse = abuse_on(found, places.lines, senders, timeline, measured.side)
    bad = carried(abuse.octets, timeline.flow_octets, timeline.octets)
    bad_packets = carried(abuse.packets, timeline.flow_packets, timeline.packets)
    with_all = timeline.octets, timeline.packets
    without = timeline.octets - bad, timeline.packets - bad_packets
    full, full_without = (_above_mark(timeline, places, *loads) for loads in (with_all, without))
    in_full = _windows_of(timeline, full)
    return (
        head
        | {
            "load": _load(timeline, *with_all),
            "load_without": _load(timeline, *without),
            "above_mark": _spans(timeline, full, full_without) if places.capacity_bps or places.capacity_pps else None,
            "abuse": _abuse(places, abuse, timeline, in_full) if len(places.lines) else None,
            "attempts": {"octets": round(float(timeline.attempts.sum()))},
            "others_slowed": slowed(timeline, in_full, looks, WINDOW_MS).to_json(),
            "series": _series(timeline, bad),
        }
        | _sessions(looks)
    )


def _load(timeline: Timeline, octets: NDArray[np.float64], packets: NDArray[np.float64]) -> dict[str, Any]:
    """Highest ten seconds, and the 95th percentile of the minutes."""
    bps, pps = timeline.per_window(octets * 8), timeline.per_window(packets)
    peak = int(np.nanargmax(bps)) if not np.isnan(bps).all() else 0
    return {
        "peak_bps": _number(bps[peak]),
        "peak_pps": _number(np.nanmax(pps)) if not np.isnan(pps).all() else None,
        "peak_at": iso((timeline.first + peak) * WINDOW_MS),
        "p95_bps": _percentile(timeline.per_minute(octets * 8)),
        "p95_pps": _percentile(timeline.per_minute(packets)),
    }


def _percentile(rates: NDArray[np.float64]) -> float | None:
    known = rates[~np.isnan(rates)]
    # The highest of the lowest 95 %, a rate that was really there, as transit is billed.
    return _number(np.sort(known)[max(0, -(-95 * len(known) // 100) - 1)]) if len(known) else None


def _above_mark(
    timeline: Timeline, places: LinkPlaces, octets: NDArray[np.float64], packets: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Minutes whose mean is above the mark in bits or in packets."""
    mark = places.link.mark
    bps, pps = timeline.per_minute(octets * 8), timeline.per_minute(packets)
    above = np.zeros(len(bps), dtype=np.bool_)
    for rates, capacity in ((bps, places.capacity_bps), (pps, places.capacity_pps)):
        if capacity is not None:
            above |= np.nan_to_num(rates) > mark * capacity
    return above


def _windows_of(timeline: Timeline, minutes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Windows that lie in those minutes."""
    numbers, starts = timeline.minutes
    return np.asarray(np.repeat(minutes, np.diff(np.append(starts, len(numbers)))))


def _spans(timeline: Timeline, full: NDArray[np.bool_], without: NDArray[np.bool_]) -> dict[str, Any]:
    """How many minutes, which, and how many it would have been."""
    numbers, starts = timeline.minutes
    minutes = numbers[starts]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], full, [False])).astype(np.int8)))
    spans = [
        {"first": iso(int(minutes[first]) * MINUTE_MS), "last": iso((int(minutes[end - 1]) + 1) * MINUTE_MS)}
        for first, end in edges.reshape(-1, 2).tolist()
    ]
    return {"minutes": int(full.sum()), "minutes_without": int(without.sum()), "spans": spans[:SPANS_SHOWN]}


def _abuse(places: LinkPlaces, abuse: Abuse, timeline: Timeline, full: NDArray[np.bool_]) -> dict[str, Any]:
    """Share of the lines at ``act`` while the link was above its mark, else while they sent."""
    during, of = (full, "above_mark") if full.any() else (abuse.octets > 0, "active")
    share = share_of(abuse, timeline, during)
    flows = float(timeline.flow_octets[during].sum())
    events = [
        {
            "event": event,
            "lines": len(lines),
            "share": round(min(1.0, float(abuse.by_event[event][during].sum()) / flows), 4),
        }
        for event, lines in sorted(abuse.lines.items(), key=lambda item: item[0] or "")
        if flows > 0 and event in abuse.by_event
    ]
    lines = len(abuse.all_lines)
    return {
        "lines": lines,
        "other_lines": len(places.lines) - lines,
        "during": of,
        "share": None if share is None else round(share[0], 4),
        "share_interval_95": None if share is None else [round(share[1], 4), round(share[2], 4)],
        "events": events,
    }


def _sessions(looks: Iterable[Condition]) -> dict[str, Any]:
    known = [look.sessions for look in looks if not np.isnan(look.sessions)]
    return {"peak_sessions": round(max(known)) if known else None}


def _series(timeline: Timeline, bad: NDArray[np.float64]) -> dict[str, Any]:
    """The load and the part of the lines at ``act``, averaged to what a picture shows; null where not measured."""
    group = -(-len(timeline.octets) // POINTS)
    starts = np.arange(0, len(timeline.octets), group)
    seconds = np.add.reduceat(timeline.covered_s, starts)

    def rates(octets: NDArray[np.float64]) -> list[float | None]:
        sums = np.add.reduceat(octets, starts) * 8
        means = np.divide(sums, seconds, out=np.full(len(starts), np.nan), where=seconds > 0)
        return [_number(mean) for mean in means.tolist()]

    return {
        "start": iso(timeline.first * WINDOW_MS),
        "interval_ms": group * WINDOW_MS,
        "load_bps": rates(timeline.octets),
        "abuse_bps": rates(bad),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)
