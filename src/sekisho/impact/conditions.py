"""How links fared, as others measure it: round-trip time, loss, sessions; and whether that says that people waited."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.tabular import Tabular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sekisho.impact.timeline import Timeline

COLUMNS = ("time", "link")
VALUES = ("rtt_us", "lost_per_million", "sessions", "queue_drops")

DISCARDED = 1e-3
"""Share of discarded packets from which TCP connections of a long way slow down (Mathis: rate ~ 1 / sqrt(loss))."""

RTT_TIMES = 2.0
"""A round trip that takes twice its usual time: a queue as long as the way itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One look at a link; NaN where it was not measured. Queue drops are those since the look before."""

    at_ms: int
    rtt_us: float
    lost_per_million: float
    sessions: float
    queue_drops: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowed:
    """Whether others on the link were slowed: ``yes``, ``not_seen`` or ``not_measured``; by what it is told."""

    answer: str
    by: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """The entry ``others_slowed``."""
        return {"answer": self.answer, "by": self.by}


def read_conditions(path: Path) -> dict[str, list[Condition]]:
    """Looks at links over time, by name of the link.

    Raises:
        InputError: a malformed row.
    """
    file = Tabular.open(path)
    file.check_columns(COLUMNS, VALUES)
    found: defaultdict[str, list[Condition]] = defaultdict(list)
    for block in file.blocks():
        times, links = block.instants("time").to_pylist(), block.required("link").to_pylist()
        values = zip(*(block.numbers(name).to_pylist() for name in VALUES), strict=True)
        for row, (at_ms, link, numbers) in enumerate(zip(times, links, values, strict=True)):
            if at_ms is None:
                raise block.refuse(row, "time", expected="a time", found=None)
            known = (nan if number is None else float(number) for number in numbers)
            found[link].append(_condition(at_ms, *known))
    return dict(found)


def _condition(at_ms: int, rtt_us: float, lost_per_million: float, sessions: float, queue_drops: float) -> Condition:
    return Condition(
        at_ms=at_ms, rtt_us=rtt_us, lost_per_million=lost_per_million, sessions=sessions, queue_drops=queue_drops
    )


def slowed(timeline: Timeline, full: NDArray[np.bool_], looks: list[Condition], window_ms: int) -> Slowed:
    """Judge the windows in which the link was above its mark.

    Load alone proves nothing: a link can be full and drop nothing that people miss.
    """
    counted = full & ~np.isnan(timeline.discards)
    # A file may count discards and no packets; what flows tell is then near enough for a share of a thousandth.
    packets = np.where(np.isnan(timeline.packets), timeline.flow_packets, timeline.packets)[counted].sum()
    discards = timeline.discards[counted].sum()
    if counted.any() and discards >= DISCARDED * (packets + discards) and discards > 0:
        return Slowed(answer="yes", by="discards")
    at = [(look, look.at_ms // window_ms - timeline.first) for look in looks]
    then = [look for look, window in at if 0 <= window < len(full) and full[window]]
    otherwise = [look for look, window in at if not (0 <= window < len(full) and full[window])]
    if any(look.queue_drops > 0 for look in then):
        return Slowed(answer="yes", by="queue_drops")
    if _mean([look.lost_per_million for look in then]) >= DISCARDED * 1e6:
        return Slowed(answer="yes", by="loss")
    if _mean([look.rtt_us for look in then]) >= RTT_TIMES * _mean([look.rtt_us for look in otherwise]):
        return Slowed(answer="yes", by="rtt")
    measured = counted.any() or any(not isnan(v) for look in then for v in (look.rtt_us, look.lost_per_million))
    return Slowed(answer="not_seen" if measured else "not_measured")


def _mean(values: list[float]) -> float:
    known = [value for value in values if not isnan(value)]
    return sum(known) / len(known) if known else nan
