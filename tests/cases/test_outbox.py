"""The outbox: nothing leaves without approval, nothing is lost, nothing leaves twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from cases.documents import DAY_MS, NOW_MS, detection, document
from cases.sending import Remembering, act, message, other, policy, same, unsettled
from sekisho.cases import audit, brake, outbox
from sekisho.cases.database import reading, writing
from sekisho.cases.ladder import approve_automatically, propose, unreached
from sekisho.cases.lifecycle import move
from sekisho.cases.outbox import NoticeState
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.cases.signals import Signal, Source, add, independent
from sekisho.cases.states import NoticeKind, State
from sekisho.core.errors import Refused
from sekisho.notices import delivery
from sekisho.notices.sender import Sender


@pytest.fixture
def url(database: str) -> str:
    record_analysis(database, document(detection("L1"), detection("L2", peak_bps=9e9)), now_ms=NOW_MS)
    return database


def approved(url: str, rules: Any = None, **changes: Any) -> None:
    with writing(url) as connection:
        for number in propose(connection, rules or policy(**changes), NOW_MS):
            outbox.approve(connection, number, act(), policy(), same)


def send(
    url: str, channel: Any, *, rules: Any = None, resolve: Any = same, at_ms: int = NOW_MS, limit: int = 99
) -> int:
    sender = Sender(
        url, rules or policy(), channels={"mail": channel, "letter": channel}, compose=message, resolve=resolve,
        now_ms=lambda: at_ms,
    )  # fmt: skip
    return sender.run(limit=limit)


def notices(url: str) -> list[outbox.Notice]:
    with reading(url) as connection:
        return outbox.of_cases(connection)


def states(url: str) -> list[str]:
    return [notice.state.value for notice in notices(url)]


def test_a_draft_goes_nowhere_until_somebody_approves_it(url: str) -> None:
    """Proposed, it waits; approved, it leaves once, and the case is notified."""
    channel = Remembering()
    with writing(url) as connection:
        numbers = propose(connection, policy(), NOW_MS)
    assert send(url, channel) == 0
    with writing(url) as connection:
        outbox.approve(connection, numbers[0], act(), policy(), same)
    assert (send(url, channel), send(url, channel)) == (1, 0)
    assert states(url) == ["sent", "draft"]
    with reading(url) as connection:
        assert [get_case(connection, n).state for n in (1, 2)] == [State.NOTIFIED, State.OPEN]


def test_the_worst_harm_leaves_first_and_the_day_has_a_cap(url: str) -> None:
    """With room for one, it is the line that takes most."""
    approved(url)
    channel = Remembering()
    assert send(url, channel, rules=policy(daily_cap=1)) == 1
    assert [m.line_id for m in channel.got] == ["L2"]
    assert send(url, channel, rules=policy(daily_cap=1), at_ms=NOW_MS + DAY_MS) == 1


@pytest.mark.parametrize(
    "rules",
    [policy("observe"), policy(quiet_hours={"start": "12:00", "end": "14:00"})],
    ids=["observe", "quiet hours"],
)
def test_nothing_leaves_when_nothing_may(url: str, rules: Any) -> None:
    """NOW_MS is 13:00 JST."""
    approved(url)
    channel = Remembering()
    assert send(url, channel, rules=rules) == 0
    assert channel.got == []


def test_in_observe_nothing_is_drafted_nor_approved(url: str) -> None:
    """The shipped mode looks."""
    with writing(url) as connection:
        assert propose(connection, policy("observe"), NOW_MS) == []
        number = propose(connection, policy(), NOW_MS)[0]
        with pytest.raises(Refused, match="observe"):
            outbox.approve(connection, number, act(), policy("observe"), same)


def test_unsettled_attribution_is_neither_approved_nor_sent(url: str) -> None:
    """It waits; when the sources have spoken it leaves."""
    with writing(url) as connection:
        numbers = propose(connection, policy(), NOW_MS)
        with pytest.raises(Refused, match="not settled"):
            outbox.approve(connection, numbers[0], act(), policy(), unsettled)
        outbox.approve(connection, numbers[0], act(), policy(), same)
    channel = Remembering()
    assert send(url, channel, resolve=unsettled) == 0
    assert send(url, channel) == 1


def test_another_line_withdraws_the_case_even_after_approval(url: str) -> None:
    """The answer of the last moment counts: the case is withdrawn, its notices are refused."""
    approved(url)
    channel = Remembering()
    assert send(url, channel, resolve=other) == 0
    assert (channel.got, states(url)) == ([], ["refused", "refused"])
    with reading(url) as connection:
        assert get_case(connection, 1).state is State.WITHDRAWN


def test_who_was_told_by_mistake_gets_a_correction_at_once(url: str) -> None:
    """By the way that reached them, on the same day, once, whoever it was; who was told nothing gets nothing."""
    approved(url)
    channel = Remembering()
    assert send(url, channel, limit=1) == 1
    with writing(url) as connection:
        for number in (1, 2):
            outbox.withdraw(connection, get_case(connection, number), act(), "another line held the address")
        (number,) = propose(connection, policy(), NOW_MS)
        assert outbox.approve(connection, number, act(), policy(), other) is NoticeState.APPROVED
    assert send(url, channel, resolve=other) == 1
    first, correction = channel.got
    assert (correction.kind, correction.channel, correction.line_id) == (NoticeKind.CORRECTION, "mail", "L2")
    assert correction.case_code == first.case_code
    with writing(url) as connection:
        assert propose(connection, policy(), NOW_MS) == []


def test_a_correction_that_cannot_be_delivered_takes_another_way(url: str) -> None:
    """A mailbox that is gone by then: a letter."""
    approved(url)
    send(url, Remembering())
    with writing(url) as connection:
        outbox.withdraw(connection, get_case(connection, 1), act(), "another line held the address")
        (number,) = propose(connection, policy(), NOW_MS)
        outbox.approve(connection, number, act(), policy(), other)
    send(url, Remembering(delivery.Refused(why="550 no such user")))
    with writing(url) as connection:
        (number,) = propose(connection, policy(), NOW_MS)
        assert outbox.get(connection, number).channel == "letter"


def test_the_database_refuses_a_second_notice_of_a_kind(url: str) -> None:
    """Whatever a program does wrong."""
    with writing(url) as connection:
        propose(connection, policy(), NOW_MS)
    with pytest.raises(IntegrityError), writing(url) as connection:
        outbox.draft(connection, 1, NoticeKind.FIRST_NOTICE, channel="drop", step=0, turn=0, now_ms=NOW_MS)


def test_deferred_is_tried_again_under_the_same_name_and_code(url: str) -> None:
    """The wait grows; after the last attempt a person looks."""
    approved(url)
    again = delivery.Deferred(why="451 later")
    channel = Remembering(*[again] * 24)
    at_ms = NOW_MS
    while "approved" in states(url):
        send(url, channel, at_ms=at_ms)
        at_ms += DAY_MS
    assert len(channel.got) == 2 * outbox.MAX_ATTEMPTS
    assert len({m.id for m in channel.got}) == len({m.case_code for m in channel.got}) == 2
    assert states(url) == ["refused", "refused"]


def test_who_cannot_be_reached_by_mail_gets_the_next_step(url: str) -> None:
    """A bounce, or no address: the same notice by letter; after the whole ladder a person is needed."""
    approved(url)
    send(url, Remembering(delivery.Skipped(delivery.SkipReason.NO_ADDRESS)))
    first, second = notices(url)
    with writing(url) as connection:
        assert outbox.bounced(connection, first.message_id, act(), why="550 no such user")
        assert not outbox.bounced(connection, first.message_id, act(), why="550 again")
        propose(connection, policy(), NOW_MS)
        assert unreached(connection) == 0
    assert (second.state, second.reason) == (NoticeState.REFUSED, "no_address")
    channels = {(n.case, n.channel) for n in notices(url) if n.state is NoticeState.DRAFT}
    assert channels == {(1, "letter"), (2, "letter")}


def test_the_reminder_takes_another_channel_when_its_time_has_come(url: str) -> None:
    """Never the same mail again, and none where an answer came."""
    approved(url)
    send(url, Remembering())
    with writing(url) as connection:
        assert propose(connection, policy(), NOW_MS + 7 * DAY_MS - 1) == []
        numbers = propose(connection, policy(), NOW_MS + 7 * DAY_MS)
        made = [outbox.get(connection, number) for number in numbers]
    assert {(n.kind, n.channel) for n in made} == {(NoticeKind.REMINDER, "letter")}


def test_the_brake_holds_everything_until_a_person_releases_it(url: str) -> None:
    """Too many new lines: what was approved is held, nothing leaves; one alarm."""
    approved(url)
    rules = policy(brake={"new_lines": 1})
    with writing(url) as connection:
        held = brake.watch(connection, rules, act(actor="serve"), lines_of={})
        assert held is not None
        assert brake.watch(connection, rules, act(actor="serve"), lines_of={}) is None
    channel = Remembering()
    assert (send(url, channel), states(url)) == (0, ["held", "held"])
    with writing(url) as connection:
        assert brake.release(connection, act()) == 2
    assert send(url, channel) == 2


def test_an_exporter_whose_sampling_changed_is_held_for_ten_minutes(url: str) -> None:
    """Its lines wait, the others do not."""
    approved(url)
    with writing(url) as connection:
        connection.exec_driver_sql("UPDATE subscriber_case SET exporter = 'bng-1' WHERE id = 1")
        brake.hold_exporter(connection, "bng-1", act(), reason="sampling 1000 -> 100")
    channel = Remembering()
    assert send(url, channel) == 1
    assert send(url, channel, at_ms=NOW_MS + brake.WINDOW_MS) == 1


def test_a_line_gets_one_message_in_the_digests_time(url: str) -> None:
    """A second notice that is approved within a day waits for its end."""
    approved(url)
    channel = Remembering()
    send(url, channel)
    with writing(url) as connection:
        move(connection, 1, State.OBSERVING, act())
        (number,) = propose(connection, policy(), NOW_MS)
        outbox.approve(connection, number, act(), policy(), same)
    assert send(url, channel, at_ms=NOW_MS + DAY_MS - 1) == 0
    assert send(url, channel, at_ms=NOW_MS + DAY_MS) == 1
    assert channel.got[-1].case_code == channel.got[1].case_code


def test_only_two_independent_signals_send_without_a_person(url: str) -> None:
    """In mode send; one signal waits for a person."""
    rules = policy("send")
    with writing(url) as connection:
        propose(connection, rules, NOW_MS)
        assert approve_automatically(connection, rules, act(actor="policy"), same) == 0
        signal = Signal(source=Source.THIRD_PARTY, at_ms=NOW_MS, detail="shadowserver")
        add(connection, 1, signal)
        add(connection, 1, signal)
        assert approve_automatically(connection, rules, act(actor="policy"), same) == 1
    assert [n.case for n in notices(url) if n.state is NoticeState.APPROVED] == [1]


@pytest.mark.parametrize(
    ("kind", "source", "share", "count"),
    [
        ("udp_flood", Source.RADIUS, 0.5, 2),
        ("udp_flood", Source.RADIUS, 0.49, 1),
        ("scan", Source.RADIUS, 0.9, 1),
        ("scan", Source.THIRD_PARTY, None, 2),
    ],
)
def test_what_counts_as_another_signal(kind: str, source: Source, share: float | None, count: int) -> None:
    """RADIUS counts for volumes alone, from half of the estimate on; the same source twice counts once."""
    assert independent(kind, [Signal(source=source, at_ms=0, share=share)] * 2) == count


def test_the_audit_trail_holds_and_tells_what_was_changed(url: str) -> None:
    """Each approval and delivery is a row; nobody can change one, and a forged one is found."""
    approved(url)
    send(url, Remembering())
    with reading(url) as connection:
        checked = audit.verify(connection)
    assert isinstance(checked, audit.Intact)
    assert checked.rows == 4
    with pytest.raises(Exception, match="never changed"), writing(url) as connection:
        connection.exec_driver_sql("UPDATE audit SET who = 'nobody'")
    with writing(url) as connection:
        if url.startswith("sqlite"):
            connection.exec_driver_sql("DROP TRIGGER audit_takes_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER ALL")
        connection.exec_driver_sql("UPDATE audit SET who = 'nobody' WHERE id = 2")
    with reading(url) as connection:
        assert audit.verify(connection) == audit.Broken(row=2, why="its content is not what was written")
