"""The outbox: draft → approved → sent, refused or held; at least once, always under the same name.

A sender claims a notice for a while. If it dies in between, the claim runs out and the notice leaves again with the
same message id, by which the other side knows it. Nothing leaves that nobody approved, and the question whose line it
was is asked again at the last moment.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, insert, or_, select, update

from sekisho.cases import audit, brake
from sekisho.cases.code import issue
from sekisho.cases.lifecycle import move
from sekisho.cases.policy import DAY_MS, HOUR_MS, Mode
from sekisho.cases.read import get_case
from sekisho.cases.settling import NotSettled, OtherLine, SameLine, settled
from sekisho.cases.states import JA, OPEN, NoticeKind, State
from sekisho.cases.subscriber import codes
from sekisho.cases.tables import CASE, DETECTION
from sekisho.cases.work_tables import NOTICE
from sekisho.core.errors import NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.model import Case
    from sekisho.cases.policy import Policy
    from sekisho.cases.settling import Answer, Resolve

LEASE_MS = 5 * 60_000
"""A channel has answered or failed long before; whoever holds a notice for longer is dead."""

MAX_ATTEMPTS = 12
"""With the waits below that is about two days; then a person looks."""

_FIRST_WAIT_MS, _LONGEST_WAIT_MS = 60_000, 6 * HOUR_MS
_JST_MS = 9 * HOUR_MS
_WORK = "notice"


class NoticeState(StrEnum):
    """Where a notice stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    REFUSED = "refused"
    HELD = "held"


PENDING = (NoticeState.DRAFT, NoticeState.APPROVED, NoticeState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One row of the outbox."""

    number: int
    case: int
    kind: NoticeKind
    step: int
    round: int
    channel: str
    state: NoticeState
    message_id: str
    code: str | None
    approved_by: str | None
    approved_at_ms: int | None
    attempts: int
    due_at_ms: int
    sent_at_ms: int | None
    bounced_at_ms: int | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A notice that this sender, and nobody else, may deliver now."""

    notice: Notice
    case: Case
    code: str
    owner: str


def draft(
    connection: Connection, case_id: int, kind: NoticeKind, *, channel: str, step: int, turn: int, now_ms: int
) -> int:
    """Write down what a person may approve.

    Raises:
        sqlalchemy.exc.IntegrityError: there is one of this kind already.
    """
    number: int = connection.execute(
        insert(NOTICE)
        .values(
            case_id=case_id, kind=kind, step=step, round=turn, channel=channel, state=NoticeState.DRAFT,
            message_id=f"{case_id}.{secrets.token_hex(16)}", created_at=now_ms, due_at=now_ms, attempts=0,
        )
        .returning(NOTICE.c.id)
    ).scalar_one()  # fmt: skip
    return number


def get(connection: Connection, number: int) -> Notice:
    """One notice.

    Raises:
        NotFound: there is none of that number.
    """
    row = connection.execute(select(NOTICE).where(NOTICE.c.id == number)).mappings().one_or_none()
    if row is None:
        raise NotFound("case database", f"expected the number of a notice, found {number}: there is no such notice")
    return _notice(row)


def of_cases(connection: Connection, *, case_id: int | None = None, states: Sequence[str] = ()) -> list[Notice]:
    """Notices of a case, or in some states, the oldest first."""
    wanted = [] if case_id is None else [NOTICE.c.case_id == case_id]
    wanted += [NOTICE.c.state.in_(states)] if states else []
    return [_notice(row) for row in connection.execute(select(NOTICE).where(*wanted).order_by(NOTICE.c.id)).mappings()]


def newest(connection: Connection, *, states: Sequence[str], limit: int, offset: int = 0) -> list[Notice]:
    """Notices in some states, or in any, the newest first: a page of them."""
    query = select(NOTICE).order_by(NOTICE.c.id.desc()).limit(limit).offset(offset)
    query = query.where(NOTICE.c.state.in_(states)) if states else query
    return [_notice(row) for row in connection.execute(query).mappings()]


def approve(connection: Connection, number: int, act: Act, policy: Policy, resolve: Resolve) -> NoticeState:
    """Let a notice leave.

    Returns:
        ``approved``; ``held`` where the brake is on; ``refused`` where the line turned out to be another: the case is
        withdrawn then.

    Raises:
        Refused: not in this mode, not in this state, or not settled yet.
    """
    notice = get(connection, number)
    if policy.mode is Mode.OBSERVE:
        raise Refused(
            f"notice {number}: in mode observe nothing is approved",
            f"通知 {number}: mode が observe のあいだは、何も承認できません",
        )
    if notice.state is not NoticeState.DRAFT:
        raise Refused(
            f"notice {number} is {notice.state}: only a draft can be approved",
            f"通知 {number} は「{JA[notice.state]}」です。承認できるのは案だけです",
        )
    case = get_case(connection, notice.case)
    if not _fits(notice, case):
        raise Refused(
            f"notice {number}: case {case.number} is {case.state}",
            f"通知 {number}: ケース {case.number} は「{JA[case.state]}」のため、この通知は承認できません",
        )
    answer = _whose(notice, case, resolve)
    if isinstance(answer, NotSettled):
        raise Refused(
            f"notice {number}: whose line it was is not settled: {answer.why}",
            f"通知 {number}: どの回線の通信だったか、まだ確定していません（{answer.why}）",
        )
    if isinstance(answer, OtherLine):
        withdraw(connection, case, act, answer.why)
        return NoticeState.REFUSED
    held = any(hold.exporter is None for hold in brake.holds(connection, act.at_ms))
    state = NoticeState.HELD if held else NoticeState.APPROVED
    values = {"state": state, "approved_at": act.at_ms, "approved_by": act.actor, "purpose": act.purpose}
    connection.execute(update(NOTICE).where(NOTICE.c.id == number).values(due_at=act.at_ms, **values))
    audit.append(connection, "approve", act, case_id=case.number, details={_WORK: number})
    return state


def refuse(connection: Connection, number: int, act: Act, reason: str) -> None:
    """A person decides that a notice does not leave.

    Raises:
        Refused: it has left already.
    """
    notice = get(connection, number)
    if notice.state not in PENDING:
        raise Refused(
            f"notice {number} is {notice.state}: it cannot be refused",
            f"通知 {number} は「{JA[notice.state]}」です。もう中止できません",
        )
    connection.execute(_refused(reason).where(NOTICE.c.id == number))
    audit.append(connection, "refuse", act, case_id=notice.case, details={_WORK: number, "reason": reason})


def withdraw(connection: Connection, case: Case, act: Act, why: str) -> None:
    """The traffic was another line's, or nobody knows whose: no notice about it leaves any more."""
    connection.execute(_refused(why).where(NOTICE.c.case_id == case.number, NOTICE.c.state.in_(PENDING)))
    if case.is_open:
        move(connection, case.number, State.WITHDRAWN, act, reason=why)
    audit.append(connection, "withdraw", act, case_id=case.number, details={"reason": why})


def claim(connection: Connection, policy: Policy, act: Act, resolve: Resolve, *, owner: str) -> Claimed | None:
    """Take the notice that is due, the worst harm first, and keep others away from it for a while.

    Nothing is due in mode ``observe``, in quiet hours, under the brake, over the day's cap, or for a line that got a
    message within the digest's time. A notice whose case is over or whose line is another is refused here.
    """
    for number in due(connection, policy, act.at_ms):
        claimed = _take(connection, number, act, resolve, owner)
        if claimed is not None:
            return claimed
    return None


def due(connection: Connection, policy: Policy, now_ms: int) -> list[int]:
    """Numbers of the notices that may leave now, the worst harm first, if the line is still the right one."""
    held = {hold.exporter for hold in brake.holds(connection, now_ms)}
    if policy.mode is Mode.OBSERVE or None in held or policy.quiet_hours.hold(now_ms):
        return []
    if spent_today(connection, now_ms) >= policy.daily_cap:
        return []
    return _due(connection, policy, now_ms, held)


def delivered(connection: Connection, claimed: Claimed, act: Act, *, receipt: str) -> None:
    """The other side has it: the case moves on."""
    notice = claimed.notice
    values = {"state": NoticeState.SENT, "sent_at": act.at_ms, "receipt": receipt, "lease_until": None}
    done = connection.execute(
        update(NOTICE).where(NOTICE.c.id == notice.number, NOTICE.c.state != NoticeState.SENT).values(**values)
    )
    if not done.rowcount:
        return
    case = get_case(connection, notice.case)
    if (notice.kind, case.state) in {
        (NoticeKind.FIRST_NOTICE, State.OPEN), (NoticeKind.RELAPSE, State.RELAPSED),
    }:  # fmt: skip
        move(connection, case.number, State.NOTIFIED, act)
    audit.append(connection, "sent", act, case_id=case.number, details={_WORK: notice.number})


def deferred(
    connection: Connection, claimed: Claimed, act: Act, *, why: str, retry_after_ms: int | None = None
) -> None:
    """Not now: again later, a person after that."""
    attempts = claimed.notice.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        returned(connection, claimed, act, reason=f"not delivered in {attempts} attempts: {why}")
        return
    wait = retry_after_ms or min(_FIRST_WAIT_MS << attempts, _LONGEST_WAIT_MS)
    values = {"attempts": attempts, "due_at": act.at_ms + wait, "lease_until": None, "reason": why}
    connection.execute(update(NOTICE).where(NOTICE.c.id == claimed.notice.number).values(**values))


def returned(connection: Connection, claimed: Claimed, act: Act, *, reason: str) -> None:
    """It cannot be delivered by this channel: the next step of the ladder, or a person."""
    connection.execute(_refused(reason).where(NOTICE.c.id == claimed.notice.number))
    audit.append(connection, "undelivered", act, case_id=claimed.case.number, details={_WORK: claimed.notice.number})


def bounced(connection: Connection, message_id: str, act: Act, *, why: str) -> bool:
    """It came back after it was taken.

    Returns:
        whether a notice of ours was meant that has not bounced before.
    """
    wanted = (NOTICE.c.message_id == message_id, NOTICE.c.state == NoticeState.SENT, NOTICE.c.bounced_at.is_(None))
    row = connection.execute(
        update(NOTICE).where(*wanted).values(bounced_at=act.at_ms, reason=why).returning(NOTICE.c.id, NOTICE.c.case_id)
    ).one_or_none()
    if row is not None:
        audit.append(connection, "bounced", act, case_id=row.case_id, details={_WORK: row.id})
    return row is not None


def _due(connection: Connection, policy: Policy, now_ms: int, held: set[str | None]) -> list[int]:
    recent = NOTICE.alias()
    harm = select(func.max(DETECTION.c.peak_bps)).where(DETECTION.c.case_id == NOTICE.c.case_id).scalar_subquery()
    just_told = exists().where(
        recent.c.case_id == NOTICE.c.case_id,
        recent.c.state == NoticeState.SENT,
        recent.c.bounced_at.is_(None),
        recent.c.sent_at > now_ms - policy.digest_hours * HOUR_MS,
    )
    query = (
        select(NOTICE.c.id, CASE.c.exporter)
        .join(CASE, CASE.c.id == NOTICE.c.case_id)
        .where(NOTICE.c.state == NoticeState.APPROVED, NOTICE.c.due_at <= now_ms, _free(now_ms))
        # Who was told something wrong is not left with it for a day.
        .where(or_(~just_told, NOTICE.c.kind == NoticeKind.CORRECTION))
        .order_by(harm.desc(), NOTICE.c.id)
    )
    return [row.id for row in connection.execute(query) if row.exporter is None or row.exporter not in held]


def _take(connection: Connection, number: int, act: Act, resolve: Resolve, owner: str) -> Claimed | None:
    notice = get(connection, number)
    case = get_case(connection, notice.case)
    if not _fits(notice, case):
        connection.execute(_refused(f"the case is {case.state}").where(NOTICE.c.id == number))
        return None
    answer = _whose(notice, case, resolve)
    if isinstance(answer, OtherLine):
        withdraw(connection, case, act, answer.why)
        return None
    if isinstance(answer, NotSettled):
        return None
    code = notice.code or codes.current(connection, case.number, act.at_ms) or issue(secrets.choice)
    row = connection.execute(
        update(NOTICE)
        .where(NOTICE.c.id == number, NOTICE.c.state == NoticeState.APPROVED, _free(act.at_ms))
        .values(lease_until=act.at_ms + LEASE_MS, lease_owner=owner, code=code)
        .returning(NOTICE)
    )
    taken = row.mappings().one_or_none()
    return None if taken is None else Claimed(notice=_notice(taken), case=case, code=code, owner=owner)


def _free(now_ms: int) -> Any:
    return or_(NOTICE.c.lease_until.is_(None), NOTICE.c.lease_until <= now_ms)


def _fits(notice: Notice, case: Case) -> bool:
    """Whether the case is still where this notice belongs."""
    only = {NoticeKind.CLOSING: State.RESOLVED, NoticeKind.CORRECTION: State.WITHDRAWN}.get(notice.kind)
    return case.state in OPEN if only is None else case.state is only


def _whose(notice: Notice, case: Case, resolve: Resolve) -> Answer:
    """Whose line it was; who was told by mistake is told so whoever it was."""
    return SameLine() if notice.kind is NoticeKind.CORRECTION else settled(case.line_id, case.evidence, resolve)


def spent_today(connection: Connection, now_ms: int) -> int:
    """Notices of this day, JST: those that left, and those on their way."""
    midnight = (now_ms + _JST_MS) // DAY_MS * DAY_MS - _JST_MS
    under_way = and_(NOTICE.c.state == NoticeState.APPROVED, NOTICE.c.lease_until > now_ms)
    left = and_(NOTICE.c.state == NoticeState.SENT, NOTICE.c.sent_at >= midnight)
    return int(connection.execute(select(func.count()).select_from(NOTICE).where(or_(left, under_way))).scalar_one())


def _refused(reason: str) -> Any:
    return update(NOTICE).values(state=NoticeState.REFUSED, reason=reason, code=None, lease_until=None)


def _notice(row: RowMapping) -> Notice:
    return Notice(
        number=row["id"],
        case=row["case_id"],
        kind=NoticeKind(row["kind"]),
        step=row["step"],
        round=row["round"],
        channel=row["channel"],
        state=NoticeState(row["state"]),
        message_id=row["message_id"],
        code=row["code"],
        approved_by=row["approved_by"],
        approved_at_ms=row["approved_at"],
        attempts=row["attempts"],
        due_at_ms=row["due_at"],
        sent_at_ms=row["sent_at"],
        bounced_at_ms=row["bounced_at"],
        reason=row["reason"],
    )
