"""The whole life of a case, model-based: whatever happens in whatever order, no rule is broken."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cases.documents import MINUTE_MS, NOW_MS, T0_MS, detection, document
from cases.sending import Remembering, act, message, other, policy, same, unsettled
from sekisho.cases import brake, outbox
from sekisho.cases.database import reading, writing
from sekisho.cases.ladder import approve_automatically, propose
from sekisho.cases.lifecycle import move
from sekisho.cases.outbox import NoticeState
from sekisho.cases.quiet import LineMinute, note_minutes
from sekisho.cases.read import find_cases
from sekisho.cases.record import record_analysis
from sekisho.cases.recovery import review
from sekisho.cases.signals import Signal, Source, add
from sekisho.cases.states import OPEN, TRANSITIONS, State
from sekisho.core.errors import Refused
from sekisho.notices import delivery
from sekisho.notices.delivery import Deferred, Sent
from sekisho.notices.sender import Sender

LINES = ("L1", "L2", "L3")
RESOLVERS = {"same": same, "other": other, "unsettled": unsettled}


class Life(RuleBasedStateMachine):
    """Detections, people, quiet, sender, brake and clock in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name, 'cases.db')}"
        self.now_ms, self.mode, self.resolver, self.channel = NOW_MS, "propose", "same", Remembering()
        self.allowed: set[str] = set()
        record_analysis(self.url, document(), now_ms=self.now_ms)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(line=st.sampled_from(LINES), kind=st.sampled_from(["udp_flood", "scan"]))
    def seen(self, line: str, kind: str) -> None:
        end = (self.now_ms - T0_MS) // MINUTE_MS
        record_analysis(self.url, document(detection(line, kind, start=end - 5, stop=end)), now_ms=self.now_ms)

    @rule(hours=st.sampled_from([1, 30, 100, 800]), online=st.booleans())
    def time_goes_by(self, hours: int, online: bool) -> None:
        until = self.now_ms + hours * 60 * MINUTE_MS
        minutes = (
            LineMinute(line_id=line, at_ms=at, online=online, delivered=True, covered=True)
            for line in LINES
            for at in range(self.now_ms, until, MINUTE_MS)
        )
        with writing(self.url) as connection:
            note_minutes(connection, minutes)
        self.now_ms = until

    @rule(seen_after=st.sampled_from([None, 1.0, 90.0]))
    def reviewed(self, seen_after: float | None) -> None:
        with writing(self.url) as connection:
            review(connection, policy(self.mode), act(self.now_ms), lambda *_: seen_after)

    @rule(mode=st.sampled_from(["observe", "propose", "send"]))
    def the_operator_changes_the_mode(self, mode: str) -> None:
        self.mode = mode

    @rule(resolver=st.sampled_from(["same", "same", "other", "unsettled"]))
    def attribution_answers(self, resolver: str) -> None:
        self.resolver = resolver

    @rule()
    def proposed(self) -> None:
        with writing(self.url) as connection:
            drafts = propose(connection, policy(self.mode), self.now_ms)
            approve_automatically(connection, policy(self.mode), act(self.now_ms, "policy"), RESOLVERS[self.resolver])
        assert self.mode != "observe" or drafts == []

    @rule(data=st.data())
    def a_person_approves(self, data: st.DataObject) -> None:
        with writing(self.url) as connection:
            notices = outbox.of_cases(connection)
            if not notices:
                return
            notice = data.draw(st.sampled_from(notices))
            try:
                outbox.approve(connection, notice.number, act(self.now_ms), policy(self.mode), RESOLVERS[self.resolver])
            except Refused:
                return
        assert notice.state is NoticeState.DRAFT
        assert self.mode != "observe"
        assert self.resolver != "unsettled"

    @rule(data=st.data(), to=st.sampled_from(State))
    def a_person_moves_a_case(self, data: st.DataObject, to: State) -> None:
        with writing(self.url) as connection:
            cases = find_cases(connection)
            if not cases:
                return
            case = data.draw(st.sampled_from(cases))
            try:
                move(connection, case.number, to, act(self.now_ms), reason="because")
            except Refused:
                assert (case.state, to) not in TRANSITIONS

    @rule(line=st.integers(1, 3))
    def somebody_else_reports_it(self, line: int) -> None:
        with writing(self.url) as connection:
            if any(case.number == line for case in find_cases(connection)):
                add(connection, line, Signal(source=Source.THIRD_PARTY, at_ms=self.now_ms))

    @rule(answer=st.sampled_from([Sent(), Deferred(why="later"), delivery.Refused(why="no")]))
    def the_sender_runs(self, answer: Sent | Deferred | delivery.Refused) -> None:
        with reading(self.url) as connection:
            may = {n.message_id for n in outbox.of_cases(connection, states=["approved"]) if n.approved_by}
            braked = bool(brake.holds(connection, self.now_ms))
        self.channel.answers = [answer]
        before = len(self.channel.got)
        rules = policy(self.mode)
        Sender(
            self.url, rules, channels={"mail": self.channel, "letter": self.channel}, compose=message,
            resolve=RESOLVERS[self.resolver], now_ms=lambda: self.now_ms,
        ).run()  # fmt: skip
        left = self.channel.got[before:]
        assert {m.id for m in left} <= may
        if self.mode == "observe" or braked or self.resolver != "same":
            assert left == []

    @rule()
    def the_brake_is_pulled(self) -> None:
        with writing(self.url) as connection:
            brake.engage(connection, act(self.now_ms), "test")

    @rule()
    def the_brake_is_released(self) -> None:
        with writing(self.url) as connection:
            brake.release(connection, act(self.now_ms))

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        if not hasattr(self, "url"):
            return
        with reading(self.url) as connection:
            cases = find_cases(connection)
            notices = outbox.of_cases(connection)
        for case in cases:
            steps = [(step.before, step.after) for step in case.history]
            assert steps[0] == (None, State.OPEN)
            assert all(step in TRANSITIONS for step in steps[1:])
            assert all(step.actor and step.purpose for step in case.history)
            assert steps[-1][1] is case.state
        open_lines = [case.line_id for case in cases if case.state in OPEN]
        assert len(open_lines) == len(set(open_lines))
        sent = [n for n in notices if n.state is NoticeState.SENT]
        keys = [(n.case, n.kind, n.round, n.step) for n in sent]
        assert len(keys) == len(set(keys))
        assert all(n.approved_by for n in sent)
        taken = [m.id for m in self.channel.got]
        assert {n.message_id for n in sent} <= set(taken)


Life.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
test_life = Life.TestCase
