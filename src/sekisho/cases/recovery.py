"""When is it over: quiet begins, is long enough to mean something, or what was seen before comes back.

How strong the evidence is stands in the label. ``verified`` needs three days of silence of something that never pauses,
or a flood to which others of the same event went on answering. ``observed_quiet`` needs so much silence that the
earlier behaviour would have been seen with 95 %. Where silence shows nothing only the subscriber's word is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases.lifecycle import move
from sekisho.cases.outbox import NoticeState
from sekisho.cases.quiet import MINUTE_MS, quiet_minutes
from sekisho.cases.states import OPEN, ClosingLabel, State
from sekisho.cases.tables import CASE, DETECTION, HISTORY, MEASURE
from sekisho.cases.work_tables import NOTICE
from sekisho.measures.model import MeasureState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    began = _observed_since(connection)
    done = {"observing": 0, "back": 0, "resolved": 0}
    for case in cases:
        last_ms = ended.get(case["id"])
        if last_ms is None:
            continue
        step = _step(connection, case, last_ms, quiet[case["line_id"]], began, policy.recovery, act, seen_within)
        if step:
            done[step] += 1
    return Reviewed(**done)


def _step(
    connection: Connection, case: RowMapping, last_ms: int, minutes: int, began: Mapping[int, int],
    recovery: Recovery, act: Act, seen_within: SeenWithin,
) -> str:  # fmt: skip
    number = case["id"]
    if case["state"] != State.OBSERVING:
        silent_ms = act.at_ms - last_ms
        if silent_ms >= recovery.begins_minutes * MINUTE_MS and minutes >= recovery.begins_minutes:
            move(connection, number, State.OBSERVING, act)
            return "observing"
        return ""
    if last_ms > began[number]:
        move(connection, number, State.NOTIFIED if _was_told(connection, number) else State.OPEN, act)
        return "back"
    if minutes < recovery.continuous_hours * 60:
        return ""
    label = _label(connection, case, last_ms, minutes / 60, recovery, seen_within)
    if label is None:
        return ""
    move(connection, number, State.RESOLVED, act, reason=label)
    return "resolved"


def _label(
    connection: Connection, case: RowMapping, last_ms: int, hours: float, recovery: Recovery, seen_within: SeenWithin
) -> ClosingLabel | None:
    """How strong the evidence is, None while it is not enough."""
    evidence = connection.execute(select(DETECTION).where(DETECTION.c.case_id == case["id"])).mappings().all()
    needed = [_hours_to_see(row, seen_within) for row in evidence]
    would_be_seen = all(needs is not None and hours >= needs for needs in needed)
    if would_be_seen:
        floods = [row for row in evidence if row["kind"] not in CONTINUOUS]
        if not floods or _others_went_on(connection, case["id"], floods, last_ms) or _shown(connection, case["id"]):
            return ClosingLabel.VERIFIED
        if hours >= recovery.flood_hours:
            return ClosingLabel.OBSERVED_QUIET
    if hours >= recovery.reported_hours and _claimed(connection, case["id"]):
        return ClosingLabel.SELF_REPORTED
    return None


def _hours_to_see(row: RowMapping, seen_within: SeenWithin) -> float | None:
    sampling = max(1.0, row["packets"] / max(1, row["sampled_packets"]))
    # The lower end of the interval: what would be seen even if it was weaker than the estimate.
    return seen_within(row["kind"], row["peak_pps_low"], sampling, row["loss"])


def _others_went_on(connection: Connection, number: int, floods: Sequence[RowMapping], last_ms: int) -> bool:
    """Whether, for every flood, other lines of its event were active after this one fell silent."""
    if any(row["event_id"] is None for row in floods):
        return False
    events = {row["event_id"] for row in floods}
    query = (
        select(DETECTION.c.event_id)
        .distinct()
        .where(DETECTION.c.event_id.in_(events), DETECTION.c.case_id != number, DETECTION.c.last_seen > last_ms)
    )
    return set(connection.execute(query).scalars()) == events


def _shown(connection: Connection, number: int) -> bool:
    """Whether a check-up, or a fact of the maker's, shows that something was mended."""
    return _any_measure(connection, number, MeasureState.EVIDENCED)


def _claimed(connection: Connection, number: int) -> bool:
    return _any_measure(connection, number, MeasureState.CLAIMED) or _shown(connection, number)


def _any_measure(connection: Connection, number: int, state: MeasureState) -> bool:
    query = select(MEASURE.c.measure).where(MEASURE.c.case_id == number, MEASURE.c.state == state).limit(1)
    return connection.execute(query).first() is not None


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
