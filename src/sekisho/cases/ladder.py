"""Which notice comes next for each case: drafts by the policy, another channel each time, never the same one twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases import outbox, signals
from sekisho.cases.outbox import NoticeState
from sekisho.cases.policy import DAY_MS, Mode
from sekisho.cases.states import OPEN, NoticeKind, State
from sekisho.cases.tables import CASE, DETECTION, HISTORY
from sekisho.cases.work_tables import ANSWER, NOTICE
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.policy import Policy
    from sekisho.cases.settling import Resolve

CLOSING_MS = 7 * DAY_MS
"""A closing notice or a correction that has not been drafted a week after the end is not wanted any more."""

_TOLD = frozenset({NoticeKind.FIRST_NOTICE, NoticeKind.REMINDER, NoticeKind.RELAPSE})


def propose(connection: Connection, policy: Policy, now_ms: int) -> list[int]:
    """Draft what each case is due, all cases at once; nothing in mode ``observe``.

    Returns:
        numbers of the drafts.
    """
    if policy.mode is Mode.OBSERVE:
        return []
    ended = CASE.c.state.in_((State.RESOLVED, State.WITHDRAWN))
    closed_lately = ended & (CASE.c.closed_at > now_ms - CLOSING_MS)
    wanted = CASE.c.state.in_(sorted(OPEN)) | closed_lately
    cases = connection.execute(select(CASE.c.id, CASE.c.state).where(wanted).order_by(CASE.c.id)).mappings().all()
    about = select(CASE.c.id).where(wanted)
    notices: defaultdict[int, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(select(NOTICE).where(NOTICE.c.case_id.in_(about))).mappings():
        notices[row["case_id"]].append(row)
    came_back = select(HISTORY.c.case_id).where(HISTORY.c.to_state == State.RELAPSED)
    turns = Counter(connection.execute(came_back).scalars())
    on = select(DETECTION.c.case_id).distinct().where(DETECTION.c.kind.not_in(policy.kinds_off))
    told = set(connection.execute(on).scalars())
    answered = set(connection.execute(select(ANSWER.c.case_id).distinct()).scalars())
    drafts = []
    for case in cases:
        if case["id"] not in told:
            continue
        turn = turns[case["id"]]
        due = _due(State(case["state"]), notices[case["id"]], turn, policy, now_ms, answered=case["id"] in answered)
        if due is not None:
            kind, step = due
            channel = policy.ladder[step].channel
            drafts.append(
                outbox.draft(connection, case["id"], kind, channel=channel, step=step, turn=turn, now_ms=now_ms)
            )
    return drafts


def enough_signals(connection: Connection, policy: Policy) -> list[int]:
    """In mode ``send``: numbers of the drafts that need no person, since enough independent signals speak."""
    if policy.mode is not Mode.SEND:
        return []
    found_for = []
    for notice in outbox.of_cases(connection, states=[NoticeState.DRAFT]):
        found = signals.of_case(connection, notice.case)
        kinds = connection.execute(select(DETECTION.c.kind).distinct().where(DETECTION.c.case_id == notice.case))
        if any(
            kind not in policy.kinds_off and signals.independent(kind, found) >= policy.signals.needed(kind)
            for kind in kinds.scalars()
        ):
            found_for.append(notice.number)
    return found_for


def approve_automatically(connection: Connection, policy: Policy, act: Act, resolve: Resolve) -> int:
    """Approve the drafts that need no person; the others wait for one.

    Returns:
        how many were approved.
    """
    approved = 0
    for number in enough_signals(connection, policy):
        try:
            outbox.approve(connection, number, act, policy, resolve)
        except Refused:
            # Not settled yet, or the case has moved on: the next round, or a person, sees it.
            continue
        approved += 1
    return approved


def unreached(connection: Connection) -> int:
    """Open cases of which every notice came back: somebody has to call, or to find an address."""
    alive = select(NOTICE.c.case_id).where(NOTICE.c.state != NoticeState.REFUSED, NOTICE.c.bounced_at.is_(None))
    tried = select(NOTICE.c.case_id)
    query = select(func.count(CASE.c.id)).where(
        CASE.c.state.in_(sorted(OPEN)), CASE.c.id.in_(tried), CASE.c.id.not_in(alive)
    )
    return int(connection.execute(query).scalar_one())


def _due(
    state: State, notices: Sequence[RowMapping], turn: int, policy: Policy, now_ms: int, *, answered: bool
) -> tuple[NoticeKind, int] | None:
    """The kind and the step that a case is due, None where it is due nothing."""
    now = [row for row in notices if row["round"] == turn]
    if any(row["state"] in outbox.PENDING for row in notices):
        return None
    lost = {row["step"] for row in now if row["state"] == NoticeState.REFUSED or row["bounced_at"] is not None}
    sent = [row for row in notices if row["state"] == NoticeState.SENT and row["bounced_at"] is None]
    told = [row for row in sent if row["kind"] in _TOLD]
    have = {row["kind"] for row in now if row["state"] == NoticeState.SENT and row["bounced_at"] is None}
    if state in {State.OPEN, State.NOTIFIED} and not told:
        return _next_step(NoticeKind.FIRST_NOTICE, lost, policy)
    if state is State.RELAPSED and NoticeKind.RELAPSE not in have:
        # The channel that did not help is not used again.
        used = {row["step"] for row in told} if len(told) < len(policy.ladder) else set()
        return _next_step(NoticeKind.RELAPSE, lost | used, policy)
    if state in {State.OBSERVING, State.RESOLVED} and told:
        kind = NoticeKind.RECOVERY if state is State.OBSERVING else NoticeKind.CLOSING
        return None if kind in have else _next_step(kind, lost, policy)
    if state is State.WITHDRAWN and told and NoticeKind.CORRECTION not in have:
        return _correction(notices, told, policy)
    return _reminder(told, lost, policy, now_ms) if state is State.NOTIFIED and told and not answered else None


def _reminder(told: Sequence[RowMapping], lost: set[int], policy: Policy, now_ms: int) -> tuple[NoticeKind, int] | None:
    """By the next step of the ladder, when its time has come."""
    last = max(told, key=lambda row: row["sent_at"])
    step = last["step"] + 1
    if step < len(policy.ladder) and now_ms >= last["sent_at"] + policy.ladder[step].after_days * DAY_MS:
        return _next_step(NoticeKind.REMINDER, lost | set(range(step)), policy)
    return None


def _correction(
    notices: Sequence[RowMapping], told: Sequence[RowMapping], policy: Policy
) -> tuple[NoticeKind, int] | None:
    """By the way that has reached them, else by any other that has not failed."""
    tried = [row for row in notices if row["kind"] == NoticeKind.CORRECTION]
    failed = {row["step"] for row in tried} | {row["step"] for row in notices if row["bounced_at"] is not None}
    by = max(told, key=lambda row: row["sent_at"])["step"]
    return _next_step(NoticeKind.CORRECTION, failed if by in failed else set(range(by)), policy)


def _next_step(kind: NoticeKind, used: set[int], policy: Policy) -> tuple[NoticeKind, int] | None:
    step = next((step for step in range(len(policy.ladder)) if step not in used), None)
    return None if step is None else (kind, step)
