"""The part of a link's load that lines at ``act`` caused, with the interval that sampling leaves it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from sekisho.impact.load import Side
from sekisho.schema.detection import Level
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sekisho.impact.senders import Senders
    from sekisho.impact.timeline import Timeline
    from sekisho.schema.detection import Detection

_SIGMAS_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Abuse:
    """What lines at ``act`` sent over a link, (windows,) float64 as the timeline's, as flows tell it.

    Attributes:
        octets, packets, octets_var: of all of them.
        by_event: octets by event, None = of no event.
        lines: keys of the lines by event.
    """

    octets: NDArray[np.float64]
    packets: NDArray[np.float64]
    octets_var: NDArray[np.float64]
    by_event: dict[str | None, NDArray[np.float64]]
    lines: dict[str | None, set[int]]

    @property
    def all_lines(self) -> set[int]:
        """Every line at ``act``."""
        return set().union(*self.lines.values())


def abuse_on(
    found: Iterable[Detection], on_link: NDArray[np.int64], senders: Senders, timeline: Timeline, side: Side
) -> Abuse:
    """Add up what the detections at ``act`` of a link's lines sent.

    Args:
        found: every detection of the run.
        on_link: keys of the link's lines, ascending.
        senders: what was sent.
        timeline: of the link.
        side: the way of outbound traffic: what was dropped at the exporter did not leave it.
    """
    count = len(timeline.octets)
    octets, packets, variance = (np.zeros(count) for _ in range(3))
    by_event: defaultdict[str | None, NDArray[np.float64]] = defaultdict(lambda: np.zeros(count))
    lines: defaultdict[str | None, set[int]] = defaultdict(set)
    keys = set(on_link.tolist())
    for detection in found:
        if detection.level is not Level.ACT or detection.line not in keys:
            continue
        lines[detection.event].add(detection.line)
        span = detection.first_seen_ms, detection.last_seen_ms
        for start_ms, sent in senders.of(detection.line, detection.kind, *span):
            at = start_ms // WINDOW_MS - timeline.first
            if 0 <= at < count:
                part = sent.passed if side is Side.OUT else 1.0
                octets[at] += sent.octets * part
                packets[at] += sent.packets * part
                variance[at] += sent.octets_var * part
                by_event[detection.event][at] += sent.octets * part
    return Abuse(octets=octets, packets=packets, octets_var=variance, by_event=dict(by_event), lines=dict(lines))


def carried(
    abuse: NDArray[np.float64], of_flows: NDArray[np.float64], load: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The part of the load that is abuse: the share that flows tell, of what was measured; never more than all."""
    share = np.divide(abuse, of_flows, out=np.zeros_like(abuse), where=of_flows > 0)
    return np.asarray(np.minimum(share, 1.0) * load)


def share_of(abuse: Abuse, timeline: Timeline, during: NDArray[np.bool_]) -> tuple[float, float, float] | None:
    """Share of the octets in some windows, and its 95 % interval; None where flows tell of nothing there.

    Abuse and the rest are sampled independently, so that with p = D / (D + R)
    var(p) = ((1 - p)^2 var(D) + p^2 var(R)) / (D + R)^2.
    """
    all_octets = float(timeline.flow_octets[during].sum())
    if all_octets <= 0:
        return None
    share = min(1.0, float(abuse.octets[during].sum()) / all_octets)
    var_abuse = float(abuse.octets_var[during].sum())
    var_rest = max(0.0, float(timeline.flow_var[during].sum()) - var_abuse)
    half = _SIGMAS_95 * sqrt((1 - share) ** 2 * var_abuse + share**2 * var_rest) / all_octets
    return share, max(0.0, share - half), min(1.0, share + half)
