"""The desk's list, and what a person decides; on both databases."""

from __future__ import annotations

import pytest

from cases.documents import DAY_MS, NOW_MS, T0_MS, detection, document, event
from cases.sending import Remembering, act, message, policy, same
from sekisho.cases import decisions, outbox
from sekisho.cases.answers import answer
from sekisho.cases.database import reading, writing
from sekisho.cases.desk import Wanted, by_state, drafts, how_many, oldest_unanswered, worst
from sekisho.cases.ladder import propose
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.cases.states import AnswerKind, State
from sekisho.core.errors import NotFound, Refused
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.notices.sender import Sender


@pytest.fixture
def url(database: str) -> str:
    found = [
        detection("L-small", peak_bps=1e6),
        detection("L-large", peak_bps=9e9, event="E1"),
        detection("L-middle", "scan", peak_bps=5e6),
        detection("L-middle", "udp_flood", start=10, stop=12, peak_bps=8e6),
    ]
    record_analysis(database, document(*found, events=[event()]), now_ms=NOW_MS)
    return database


def lines(url: str, wanted: Wanted, **page: int) -> list[str]:
    with reading(url) as connection:
        return [row.line_id for row in worst(connection, wanted, **page)]


def test_the_worst_is_first_and_pages_follow_each_other(url: str) -> None:
    """Two pages are the whole list, nothing twice."""
    whole = lines(url, Wanted())
    assert whole == ["L-large", "L-middle", "L-small"]
    assert lines(url, Wanted(), limit=2) + lines(url, Wanted(), limit=2, offset=2) == whole


def test_a_row_tells_what_was_seen(url: str) -> None:
    """Kinds by harm, first and last of all episodes, the event."""
    with reading(url) as connection:
        large, middle, _ = worst(connection, Wanted())
    assert (middle.kinds, middle.peak_bps) == (("udp_flood", "scan"), 8e6)
    assert (middle.first_seen_ms, middle.last_seen_ms) == (T0_MS, T0_MS + 12 * 60_000)
    assert (large.events, middle.events) == ((1,), ())


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(kind="scan"), ["L-middle"]),
        (Wanted(line_id="L-small"), ["L-small"]),
        (Wanted(event=1), ["L-large"]),
        (Wanted(event=9), []),
        (Wanted(states=[State.RESOLVED]), []),
        (Wanted(waits=True), []),
        (Wanted(waits=False), ["L-large", "L-middle", "L-small"]),
    ],
)
def test_the_list_can_be_narrowed(url: str, wanted: Wanted, found: list[str]) -> None:
    """The number beside the list is of the same cases."""
    assert lines(url, wanted) == found
    with reading(url) as connection:
        assert how_many(connection, wanted) == len(found)


def test_drafts_wait_for_a_person(url: str) -> None:
    """They are counted, and their cases can be listed."""
    with writing(url) as connection:
        numbers = propose(connection, policy(), NOW_MS)
        assert drafts(connection) == 3
        assert sorted(n for row in worst(connection, Wanted(waits=True)) for n in row.drafts) == sorted(numbers)
        outbox.refuse(connection, numbers[0], act(), "no")
        assert how_many(connection, Wanted(waits=True)) == 2


def test_the_oldest_unanswered_is_the_one_told_longest_ago(url: str) -> None:
    """Once it is answered, the next; before anything left, nobody."""
    with writing(url) as connection:
        assert oldest_unanswered(connection) is None
        for number in propose(connection, policy(), NOW_MS):
            outbox.approve(connection, number, act(), policy(), same)
    for day in range(2):
        sender = Sender(
            url, policy(daily_cap=1), channels={"mail": Remembering()}, compose=message, resolve=same,
            now_ms=lambda day=day: NOW_MS + day * DAY_MS,
        )  # fmt: skip
        sender.run(limit=1)
    with writing(url) as connection:
        assert oldest_unanswered(connection) == (1, NOW_MS)
        answer(connection, 1, AnswerKind.ANSWERED, act())
        assert oldest_unanswered(connection) == (2, NOW_MS + DAY_MS)
        first = worst(connection, Wanted(states=[State.ACKNOWLEDGED]))[0]
        assert (first.told_at_ms, first.is_answered) == (NOW_MS, True)


def test_a_decision_moves_the_case_and_is_on_record(url: str) -> None:
    """Escalated, line ended, a measure; a case that is not there is told."""
    with writing(url) as connection:
        decisions.escalate(connection, 1, act(), "still sends after three letters")
        decisions.end_line(connection, 2, act(), "the contract ended")
        decisions.note_measure(connection, 3, MeasureId.REBOOT, MeasureState.CLAIMED, act())
        assert by_state(connection) == {State.ESCALATED: 1, State.LINE_ENDED: 1, State.OPEN: 1}
        reboot = next(p for p in get_case(connection, 3).measures if p.measure is MeasureId.REBOOT)
        assert reboot.state is MeasureState.CLAIMED
        rows = connection.exec_driver_sql("SELECT action, case_id FROM audit ORDER BY id").all()
        assert [tuple(row) for row in rows] == [("escalate", 1), ("line_ended", 2), ("measure", 3)]
        with pytest.raises(Refused):
            decisions.end_line(connection, 2, act(), "again")
        with pytest.raises(NotFound):
            decisions.escalate(connection, 99, act(), "who?")
