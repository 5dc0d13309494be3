"""When is it over: quiet begins, is long enough to mean something, or what was seen before comes back.

How strong the evidence is stands in the label. ``verified`` needs three days of silence of something that never pauses,
or a flood to which others of the same event went on answering. ``observed_quiet`` needs so much silence that the
earlier behaviour would have been seen with 95 %. Where silence shows nothing only the subscriber's word is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases.lifecycle import move
from sekisho.cases.outbox import NoticeState
from sekisho.cases.quiet import MINUTE_MS, quiet_minutes
from sekisho.cases.states import OPEN, ClosingLabel, State
from sekisho.cases.tables import CASE, DETECTION, HISTORY, MEASURE
from sekisho.cases.work_tables import NOTICE
from sekisho.detect.interval import interval_95
from sekisho.measures.model import MeasureState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.policy import Policy, Recovery

CONTINUOUS = frozenset({"scan", "brute_force", "spam", "reflection"})
"""Kinds that go on as long as the cause does; everything else waits for a command."""

SeenWithin = Callable[[str, float, float, float], float | None]
"""(kind, packets a second, sampling interval, loss) -> hours in which it would be seen with 95 %; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What a review did, in cases."""

    observing: int = 0
    back: int = 0
    resolved: int = 0


def review(connection: Connection, policy: Policy, act: Act, seen_within: SeenWithin) -> Reviewed:
    """Look at every open case at once; the time of ``act`` is stream time."""
    cases = connection.execute(select(CASE).where(CASE.c.state.in_(sorted(OPEN)))).mappings().all()
    ended = _ends(connection)
    quiet = quiet_minutes(connection, {case["line_id"]: ended[case["id"]] for case in cases if case["id"] in ended})
    known = _Known.read(connection, cache(seen_within))
    done = {"observing": 0, "back": 0, "resolved": 0}
    for case in cases:
        if (last_ms := ended.get(case["id"])) is None:
            continue
        step = _step(connection, case, last_ms, quiet[case["line_id"]], known, policy.recovery, act)
        if step:
            done[step] += 1
    return Reviewed(**done)


def _step(
    connection: Connection, case: RowMapping, last_ms: int, minutes: int, known: _Known, recovery: Recovery, act: Act
) -> str:
    number = case["id"]
    if case["state"] != State.OBSERVING:
        silent_ms = act.at_ms - last_ms
        if silent_ms >= recovery.begins_minutes * MINUTE_MS and minutes >= recovery.begins_minutes:
            move(connection, number, State.OBSERVING, act)
            return "observing"
        return ""
    if last_ms > known.began[number]:
        move(connection, number, State.NOTIFIED if _was_told(connection, number) else State.OPEN, act)
        return "back"
    if minutes < recovery.continuous_hours * 60:
        return ""
    label = known.label(number, last_ms, minutes / 60, recovery)
    if label is None:
        return ""
    move(connection, number, State.RESOLVED, act, reason=label)
    return "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What decides about all observed cases, read at once.

    Attributes:
        began: case -> when it fell quiet.
        evidence: case -> what it rests on.
        measures: (case, state) of every measure.
        active: event -> its cases and when each was last active in it.
    """

    seen_within: SeenWithin
    began: Mapping[int, int]
    evidence: Mapping[int, Sequence[RowMapping]]
    measures: AbstractSet[tuple[int, str]]
    active: Mapping[int, Sequence[tuple[int, int]]]

    @classmethod
    def read(cls, connection: Connection, seen_within: SeenWithin) -> _Known:
        observed = select(CASE.c.id).where(CASE.c.state == State.OBSERVING)
        names = (
            "case_id", "kind", "packets", "sampled_packets", "peak_pps_low", "loss", "event_id", "first_seen",
            "last_seen",
        )  # fmt: skip
        rows = select(*(DETECTION.c[name] for name in names)).where(DETECTION.c.case_id.in_(observed))
        evidence: defaultdict[int, list[RowMapping]] = defaultdict(list)
        for row in connection.execute(rows).mappings():
            evidence[row["case_id"]].append(row)
        states = select(MEASURE.c.case_id, MEASURE.c.state).distinct().where(MEASURE.c.case_id.in_(observed))
        last = func.max(DETECTION.c.last_seen)
        events = select(DETECTION.c.event_id, DETECTION.c.case_id, last).where(DETECTION.c.event_id.is_not(None))
        active: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for event, case, last_ms in connection.execute(events.group_by(DETECTION.c.event_id, DETECTION.c.case_id)):
            active[event].append((case, last_ms))
        return cls(
            seen_within=seen_within,
            began=_observed_since(connection),
            evidence=evidence,
            measures={(row[0], row[1]) for row in connection.execute(states)},
            active=active,
        )

    def label(self, number: int, last_ms: int, hours: float, recovery: Recovery) -> ClosingLabel | None:
        """How strong the evidence is, None while it is not enough."""
        evidence = self.evidence[number]
        # Shown by a check-up, or a fact of the maker's; claimed by the subscriber.
        shown, claimed = ((number, state) in self.measures for state in (MeasureState.EVIDENCED, MeasureState.CLAIMED))
        needed = [self._hours_to_see(row) for row in evidence]
        if all(needs is not None and hours >= needs for needs in needed):
            floods = [row for row in evidence if row["kind"] not in CONTINUOUS]
            if not floods or shown or self._others_went_on(number, floods, last_ms):
                return ClosingLabel.VERIFIED
            if hours >= recovery.flood_hours:
                return ClosingLabel.OBSERVED_QUIET
        if hours >= recovery.reported_hours and (claimed or shown):
            return ClosingLabel.SELF_REPORTED
        return None

    def _hours_to_see(self, row: RowMapping) -> float | None:
        sampling = max(1.0, row["packets"] / max(1, row["sampled_packets"]))
        # What pulses sends less than its peak on average; and of the average the lower end, as if it was weaker than
        # the estimate. The lower end of the peak means nothing where each window shows one sampled packet.
        lasted_s = max(1.0, (row["last_seen"] - row["first_seen"]) / 1000)
        packets = row["packets"]
        low, _ = interval_95(packets, packets**2 / row["sampled_packets"] if row["sampled_packets"] else 0.0)
        return self.seen_within(row["kind"], low / lasted_s, sampling, row["loss"])

    def _others_went_on(self, number: int, floods: Sequence[RowMapping], last_ms: int) -> bool:
        """Whether, for every flood, other lines of its event were active after this one fell silent."""
        return all(
            any(case != number and active_ms > last_ms for case, active_ms in self.active.get(row["event_id"], ()))
            for row in floods
        )


def _ends(connection: Connection) -> dict[int, int]:
    query = (
        select(DETECTION.c.case_id, func.max(DETECTION.c.last_seen))
        .join(CASE, CASE.c.id == DETECTION.c.case_id)
        .where(CASE.c.state.in_(sorted(OPEN)))
        .group_by(DETECTION.c.case_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _observed_since(connection: Connection) -> dict[int, int]:
    query = select(HISTORY.c.case_id, HISTORY.c.at).where(HISTORY.c.to_state == State.OBSERVING).order_by(HISTORY.c.id)
    found: defaultdict[int, int] = defaultdict(int)
    for number, at_ms in connection.execute(query):
        found[number] = at_ms
    return found


def _was_told(connection: Connection, number: int) -> bool:
    query = select(NOTICE.c.id).where(NOTICE.c.case_id == number, NOTICE.c.state == NoticeState.SENT).limit(1)
    return connection.execute(query).first() is not None
