"""What programs are told of cases: each step once, in order, and nothing that says who it is about."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from sqlalchemy import delete

from cases.documents import DAY_MS, NOW_MS, detection, document
from cases.sending import act
from sekisho.cases import answers, audit, case_events
from sekisho.cases.case_events import KEPT_MS, LEASE_MS, LONGEST_WAIT_MS, Claimed
from sekisho.cases.database import writing
from sekisho.cases.lifecycle import move
from sekisho.cases.policy import Policy
from sekisho.cases.record import record, record_analysis
from sekisho.cases.retention import erase
from sekisho.cases.states import Disposition, State
from sekisho.cases.tables import HISTORY
from sekisho.cases.work_tables import AUDIT, CASE_WEBHOOK
from sekisho.core.config_delivery import CaseEvent

ALL = frozenset(State)


@pytest.fixture
def told(database: str) -> str:
    """A database in which one program is known, and nothing has happened since."""
    record_analysis(database, document(detection("L0")), now_ms=NOW_MS)
    assert claim(database) is None
    return database


def claim(url: str, states: Any = ALL, *, owner: str = "one", now_ms: int = NOW_MS) -> Claimed | None:
    with writing(url) as connection:
        return case_events.claim(connection, "desk", states, owner=owner, now_ms=now_ms)


def taken(url: str, states: Any = ALL, *, now_ms: int = NOW_MS) -> list[dict[str, Any]]:
    """Everything that the program is told, each taken at once."""
    found = []
    while (claimed := claim(url, states, now_ms=now_ms)) is not None:
        with writing(url) as connection:
            case_events.delivered(connection, claimed, now_ms)
        found.append(json.loads(claimed.body))
    return found


def standing(url: str, states: Any = ALL) -> case_events.Standing:
    with writing(url) as connection:
        return case_events.standing(connection, "desk", states)


def test_each_step_is_told_once_in_order(told: str) -> None:
    """From the moment on at which the program was first seen; with its kinds, states and times, and nothing else."""
    record_analysis(told, document(detection("L1", "scan"), detection("L1"), detection("L2")), now_ms=NOW_MS)
    with writing(told) as connection:
        answers.dismiss(connection, 2, Disposition.OWN_TEST, act(NOW_MS + 1))
        move(connection, 3, State.ESCALATED, act(NOW_MS + 2), reason="Mr Sample of 1-2-3 Example called")
    first, second, *rest = taken(told)
    assert first.pop("id") != second.pop("id")
    assert first == {
        "schema": "sekisho.case_event/1", "case": 2, "state": "open", "before": None, "label": None,
        "kinds": ["scan", "udp_flood"], "at": "2026-11-24T04:00:00.000Z", "opened_at": "2026-11-24T04:00:00.000Z",
    }  # fmt: skip
    assert [(one["case"], one["state"], one["before"], one["label"]) for one in (second, *rest)] == [
        (3, "open", None, None), (2, "dismissed", "open", "own_test"), (3, "escalated", "open", None),
    ]  # fmt: skip
    assert taken(told) == []


def test_only_what_was_asked_for(told: str) -> None:
    """A program that wants the end of cases is not told of their beginning."""
    record_analysis(told, document(detection("L1")), now_ms=NOW_MS)
    with writing(told) as connection:
        answers.dismiss(connection, 2, Disposition.LOOK_ALIKE, act())
    assert [one["state"] for one in taken(told, {State.DISMISSED})] == ["dismissed"]
    assert frozenset(get_args(CaseEvent)) == {state.value for state in State}


def test_one_at_a_time_and_the_same_again(told: str) -> None:
    """While one process tells, no other does; once its claim has run out the same octets leave under the same id."""
    record_analysis(told, document(detection("L1")), now_ms=NOW_MS)
    first = claim(told)
    assert first is not None
    assert claim(told, owner="two", now_ms=NOW_MS + LEASE_MS - 1) is None
    record_analysis(told, document(detection("L1", "scan")), now_ms=NOW_MS)
    again = claim(told, owner="two", now_ms=NOW_MS + LEASE_MS)
    assert again is not None
    assert (again.id, again.body) == (first.id, first.body)
    with writing(told) as connection:
        # The first comes back late: it is no longer its turn.
        case_events.deferred(connection, first, act(), why="late")
        case_events.delivered(connection, again, NOW_MS)
    assert standing(told).waiting == 0


def test_what_fails_is_tried_ever_less_often_and_given_up_in_the_end(told: str) -> None:
    """In the order of their steps; after three days those that are so old are given up, on record, the others not."""
    record_analysis(told, document(detection("L1")), now_ms=NOW_MS)
    record_analysis(told, document(detection("L2")), now_ms=NOW_MS + 2 * DAY_MS)
    now_ms, waits = NOW_MS, []
    while standing(told).given_up == 0:
        claimed = claim(told, now_ms=now_ms)
        assert claimed is not None
        assert json.loads(claimed.body)["case"] == 2
        with writing(told) as connection:
            case_events.deferred(connection, claimed, act(now_ms), why="the webhook answers 500")
            due_ms = connection.execute(CASE_WEBHOOK.select()).one().due_at
            assert not case_events.is_due(connection, "desk", ALL, due_ms - 1)
        waits.append(due_ms - now_ms)
        now_ms = due_ms
        if len(waits) > 12:
            now_ms = NOW_MS + KEPT_MS + 1
    assert waits[:3] == [5_000, 10_000, 20_000]
    assert max(waits) == LONGEST_WAIT_MS
    stands = standing(told)
    assert (stands.waiting, stands.why, stands.given_up) == (1, "the webhook answers 500", 1)
    with writing(told) as connection:
        (row,) = connection.execute(AUDIT.select().where(AUDIT.c.action == "case_events_given_up")).all()
        assert json.loads(row.details) == {"events": 1, "webhook": "desk", "why": "the webhook answers 500"}
        assert isinstance(audit.verify(connection), audit.Intact)
    assert [one["case"] for one in taken(told, now_ms=now_ms + DAY_MS)] == [3]
    assert standing(told).why is None


def test_what_is_refused_is_given_up_at_once(told: str) -> None:
    """The program has understood it; the next one follows."""
    record_analysis(told, document(detection("L1"), detection("L2")), now_ms=NOW_MS)
    claimed = claim(told)
    assert claimed is not None
    with writing(told) as connection:
        case_events.refused(connection, claimed, act(), why="the webhook answers 422")
        case_events.refused(connection, claimed, act(), why="the webhook answers 422")
    assert standing(told).given_up == 1
    assert [one["case"] for one in taken(told)] == [3]


def test_who_refuses_after_a_failure_answers_again(told: str) -> None:
    """Nothing is said to be tried again once the one event that waited is given up."""
    record_analysis(told, document(detection("L1")), now_ms=NOW_MS)
    claimed = claim(told)
    assert claimed is not None
    with writing(told) as connection:
        case_events.deferred(connection, claimed, act(), why="the webhook answers 503")
    assert standing(told).why == "the webhook answers 503"
    claimed = claim(told, now_ms=NOW_MS + DAY_MS)
    assert claimed is not None
    with writing(told) as connection:
        case_events.refused(connection, claimed, act(NOW_MS + DAY_MS), why="the webhook answers 422")
    stands = standing(told)
    assert (stands.waiting, stands.given_up, stands.why) == (0, 1, None)


def test_nothing_is_missed_after_an_erasure(told: str) -> None:
    """SQLite gives the numbers of the last rows out again once they are gone."""
    with writing(told) as connection:
        answers.dismiss(connection, 1, Disposition.OWN_TEST, act())
    assert len(taken(told)) == 1
    later = NOW_MS + 200 * DAY_MS
    with writing(told) as connection:
        erase(connection, Policy(), act(later))
        assert connection.execute(HISTORY.select()).all() == []
        record(connection, document(detection("L5")), now_ms=later)
    (event,) = taken(told, now_ms=later)
    assert event["state"] == "open"


def test_what_is_under_way_goes_with_its_case(told: str) -> None:
    """An event whose row is no longer there is not told."""
    record_analysis(told, document(detection("L1")), now_ms=NOW_MS)
    assert claim(told) is not None
    with writing(told) as connection:
        connection.execute(delete(HISTORY).where(HISTORY.c.case_id == 2))
        case_events.after_erasure(connection)
    record_analysis(told, document(detection("L2")), now_ms=NOW_MS)
    assert [one["case"] for one in taken(told, now_ms=NOW_MS + LEASE_MS)] == [3]
