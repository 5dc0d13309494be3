"""When it is over, and how sure that is."""

from __future__ import annotations

from typing import Any

import pytest

from cases.documents import MINUTE_MS, NOW_MS, T0_MS, detection, document, event
from cases.sending import act, policy
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import move, set_measure
from sekisho.cases.model import Case
from sekisho.cases.quiet import LineMinute, note_minutes, quiet_minutes
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.cases.recovery import Reviewed, review
from sekisho.cases.states import State
from sekisho.core.time import iso
from sekisho.measures.model import MeasureId, MeasureState

END_MS = T0_MS + 5 * MINUTE_MS
HOUR = 60


def quiet(url: str, minutes: int, *, line: str = "L1", **changes: Any) -> int:
    """Minutes after the last detection in which the line could have been seen."""
    state = {"online": True, "delivered": True, "covered": True} | changes
    with writing(url) as connection:
        return note_minutes(
            connection, (LineMinute(line_id=line, at_ms=END_MS + n * MINUTE_MS, **state) for n in range(minutes))
        )


def reviewed(url: str, after_minutes: int, *, seen_within: float | None = 1.0) -> Case:
    with writing(url) as connection:
        review(connection, policy(), act(END_MS + after_minutes * MINUTE_MS), lambda *_: seen_within)
    with reading(url) as connection:
        return get_case(connection, 1)


def observed(url: str, kind: str, **changes: Any) -> None:
    record_analysis(url, document(detection(kind=kind, **changes), events=changes.pop("events", [])), now_ms=NOW_MS)
    quiet(url, HOUR)
    assert reviewed(url, HOUR).state is State.OBSERVING


@pytest.mark.parametrize("missing", ["online", "delivered", "covered"])
def test_a_minute_counts_only_if_the_line_could_have_been_seen(database: str, missing: str) -> None:
    """Switched off, not delivered, not covered: no minute counts, and quiet does not begin."""
    record_analysis(database, document(detection()), now_ms=NOW_MS)
    assert quiet(database, 600, **{missing: False}) == 0
    assert reviewed(database, 600).state is State.OPEN


def test_a_minute_that_is_noted_twice_counts_once(database: str) -> None:
    """A replay adds nothing; lines without a case are not kept; days add up."""
    record_analysis(database, document(detection()), now_ms=NOW_MS)
    assert (quiet(database, 3000), quiet(database, 3000), quiet(database, 9, line="L9")) == (3000, 0, 0)
    with reading(database) as connection:
        assert quiet_minutes(connection, {"L1": END_MS + 10 * MINUTE_MS}) == {"L1": 2990}


def test_scanning_is_verified_after_three_days_and_not_before(database: str) -> None:
    """71 h 59 min are not enough."""
    observed(database, "scan")
    quiet(database, 72 * HOUR - 1)
    assert reviewed(database, 72 * HOUR).state is State.OBSERVING
    quiet(database, 72 * HOUR)
    case = reviewed(database, 72 * HOUR)
    assert (case.state, case.closing) == (State.RESOLVED, "verified")


def test_silence_that_shows_nothing_leaves_the_subscribers_word(database: str) -> None:
    """Too weak to be seen at this sampling: two weeks and a claim, and it is called what it is."""
    observed(database, "scan")
    quiet(database, 14 * 24 * HOUR)
    assert reviewed(database, 14 * 24 * HOUR, seen_within=None).state is State.OBSERVING
    with writing(database) as connection:
        set_measure(connection, 1, MeasureId.REBOOT, MeasureState.CLAIMED, act())
    assert reviewed(database, 14 * 24 * HOUR, seen_within=None).closing == "self_reported"


def test_a_flood_that_nobody_else_goes_on_with_is_only_observed(database: str) -> None:
    """A bot that waits for its command is quiet for days: a week, and not called verified."""
    observed(database, "udp_flood")
    quiet(database, 168 * HOUR)
    assert reviewed(database, 167 * HOUR).closing == "observed_quiet"


def test_a_flood_is_verified_where_others_of_its_event_went_on(database: str) -> None:
    """The command came again, and this line did not answer."""
    both = [detection(event="E1"), detection("L2", event="E1", stop=60)]
    record_analysis(database, document(*both, events=[event(stop=60)]), now_ms=NOW_MS)
    quiet(database, 72 * HOUR)
    reviewed(database, HOUR)
    assert reviewed(database, 72 * HOUR).closing == "verified"


def test_what_comes_back_while_it_is_observed_is_open_again(database: str) -> None:
    """Open where nobody was told."""
    observed(database, "scan")
    record_analysis(database, document(detection(kind="scan", start=90, stop=95)), now_ms=NOW_MS)
    assert reviewed(database, 100).state is State.OPEN


def test_what_came_back_and_fell_quiet_once_more_is_not_back(database: str) -> None:
    """Whatever a person asks for afterwards; what was said to be done is not asked for again."""
    record_analysis(database, document(detection()), now_ms=NOW_MS)
    steps = (State.OBSERVING, State.OPEN, State.NOTIFIED, State.OBSERVING, State.ESCALATED)
    back = []
    for at_ms, state in enumerate(steps, NOW_MS):
        with writing(database) as connection:
            move(connection, 1, state, act(at_ms))
            back.append(get_case(connection, 1).came_back_ms)
    assert back == [None, NOW_MS + 1, NOW_MS + 1, None, None]


@pytest.mark.parametrize("state", [State.ESCALATED, State.RELAPSED])
def test_escalated_and_relapsed_cases_fall_quiet_too(database: str, state: State) -> None:
    """Decision 15."""
    record_analysis(database, document(detection()), now_ms=NOW_MS)
    with writing(database) as connection:
        if state is State.RELAPSED:
            move(connection, 1, State.OBSERVING, act())
            move(connection, 1, State.RESOLVED, act(), reason="verified")
        move(connection, 1, state, act())
    quiet(database, HOUR)
    with writing(database) as connection:
        expected = Reviewed(observing=1) if state is State.ESCALATED else Reviewed()
        done = review(connection, policy(), act(END_MS + HOUR * MINUTE_MS), lambda *_: 1.0)
    assert done == (expected if state is State.ESCALATED else Reviewed(observing=1))


@pytest.mark.parametrize(("sampled", "lower"), [(4532, 4401.0), (10, 4.7954)], ids=["many", "few"])
def test_what_pulses_is_looked_for_at_its_average(database: str, sampled: int, lower: float) -> None:
    """Its peak would be seen at once; the lower end of the average counts, by as many packets as were sampled."""
    changes = {"sampled_packets": sampled, "packets": sampled * 3000, "peak_pps_interval_95": [0.01, 900.0]}
    observed(database, "scan", stop=600, first_seen=iso(T0_MS - 10 * 3_600_000), last_seen=iso(END_MS), **changes)
    quiet(database, 72 * HOUR)
    asked: list[float] = []

    def seen_within(kind: str, pps: float, sampling: float, loss: float) -> float:
        asked.extend((pps, sampling))
        return {"scan": 1.0}[kind] + loss

    with writing(database) as connection:
        review(connection, policy(), act(END_MS + 72 * HOUR * MINUTE_MS), seen_within)
    lasted_s = 36_000 + 300
    assert asked == pytest.approx([lower * 3000 / lasted_s, 3000], rel=1e-3)
