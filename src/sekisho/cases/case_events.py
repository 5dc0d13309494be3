"""What happens to cases, for programs of the operator's own: each step, in its order, at least once, under one id.

The history is the outbox: a step and its row are one transaction, and rows come into sight in the order of their
numbers, because writers take turns. Of each program stands how far it was told, and the one event that is under way,
with its id and its body: whoever dies in between, the same octets leave again under the same id. The next one waits.

An event names a case, its state, kinds and times: no line, no address, no contact, no word that a person wrote.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from sekisho.cases import audit
from sekisho.cases.policy import DAY_MS, HOUR_MS
from sekisho.cases.states import ClosingLabel, Disposition, State
from sekisho.cases.tables import CASE, DETECTION, HISTORY
from sekisho.cases.work_tables import CASE_WEBHOOK
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Connection, RowMapping

    from sekisho.cases.lifecycle import Act

SCHEMA = "sekisho.case_event/1"

LEASE_MS = 120_000
"""Twice the longest time that an answer may take."""

KEPT_MS = 3 * DAY_MS
"""A program that was away over a weekend still gets everything; what is older by then is given up, and said."""

FIRST_WAIT_MS, LONGEST_WAIT_MS = 5_000, HOUR_MS // 4

_LABELS = frozenset(ClosingLabel) | frozenset(Disposition)
"""Reasons from a closed list; any other may be a sentence of a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An event that this process, and no other, may tell now."""

    webhook: str
    id: str
    body: str
    attempts: int
    owner: str
    states: frozenset[State]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with one program.

    Attributes:
        waiting: events that it has not been told of.
        why: why it could not be told the last time, and will be again; None where it has answered.
        given_up: events that it never took, in all; the last of them at ``given_up_at_ms``.
    """

    waiting: int
    why: str | None
    given_up: int
    given_up_at_ms: int | None


def is_due(connection: Connection, webhook: str, states: Collection[State], now_ms: int) -> bool:
    """Whether there may be something to claim: looked at before anybody waits for the right to write."""
    row = _row(connection, webhook)
    return row is None or (_is_free(row, now_ms) and _next(connection, row["history_id"], states) is not None)


def claim(
    connection: Connection, webhook: str, states: Collection[State], *, owner: str, now_ms: int
) -> Claimed | None:
    """Take the oldest event that a program was not told of, and keep others away from it for a while.

    A program that is new is told of what happens from now on.
    """
    row = _row(connection, webhook)
    if row is None:
        end = connection.execute(select(func.coalesce(func.max(HISTORY.c.id), 0))).scalar_one()
        begun = {"name": webhook, "history_id": end, "attempts": 0, "due_at": now_ms, "given_up": 0}
        connection.execute(insert(CASE_WEBHOOK).values(**begun))
        return None
    if not _is_free(row, now_ms):
        return None
    event = _under_way(connection, row) or _fresh(connection, row["history_id"], states)
    if event is None:
        return None
    leased = {"lease_until": now_ms + LEASE_MS, "lease_owner": owner}
    connection.execute(_mine(webhook).values(**event, **leased))
    return Claimed(
        webhook=webhook, id=event["event_id"], body=event["body"], attempts=row["attempts"], owner=owner,
        states=frozenset(states),
    )  # fmt: skip


def delivered(connection: Connection, claimed: Claimed, now_ms: int) -> None:
    """The program has it: the next one is due."""
    connection.execute(_still(claimed).values(**_done(now_ms)))


def refused(connection: Connection, claimed: Claimed, act: Act, *, why: str) -> None:
    """The program has understood this one and will not take it: it is given up, and the next one is due."""
    if connection.execute(_still(claimed).values(**_done(act.at_ms))).rowcount:
        _given_up(connection, claimed, act, count=1, why=why)


def deferred(
    connection: Connection, claimed: Claimed, act: Act, *, why: str, retry_after_ms: int | None = None
) -> None:
    """Not now: again later; what has waited for too long is given up."""
    wait = retry_after_ms or min(FIRST_WAIT_MS << min(claimed.attempts, 16), LONGEST_WAIT_MS)
    again = {"attempts": claimed.attempts + 1, "due_at": act.at_ms + wait, "lease_until": None, "why": why}
    if not connection.execute(_still(claimed).values(**again)).rowcount:
        return
    row = _row(connection, claimed.webhook)
    assert row is not None, "it was claimed"
    over = _too_old(connection, row["history_id"], claimed.states, act.at_ms - KEPT_MS)
    if over:
        forgotten = {"event_id": None, "event_history_id": None, "body": None}
        connection.execute(_mine(claimed.webhook).values(history_id=over[-1], **forgotten))
        _given_up(connection, claimed, act, count=len(over), why=why)


def standing(connection: Connection, webhook: str, states: Collection[State]) -> Standing:
    """How it stands with a program; one that was never looked at waits for nothing."""
    row = _row(connection, webhook)
    if row is None:
        return Standing(waiting=0, why=None, given_up=0, given_up_at_ms=None)
    waiting = select(func.count()).select_from(HISTORY).where(*_after(row["history_id"], states))
    return Standing(
        waiting=connection.execute(waiting).scalar_one(),
        why=row["why"],
        given_up=row["given_up"],
        given_up_at_ms=row["given_up_at"],
    )


def after_erasure(connection: Connection) -> None:
    """SQLite gives the number of a last row that is gone to the next one: nobody may stand behind the end."""
    end = select(func.coalesce(func.max(HISTORY.c.id), 0)).scalar_subquery()
    connection.execute(update(CASE_WEBHOOK).where(CASE_WEBHOOK.c.history_id > end).values(history_id=end))
    gone = update(CASE_WEBHOOK).where(CASE_WEBHOOK.c.event_history_id > end)
    connection.execute(gone.values(event_id=None, event_history_id=None, body=None))


def _row(connection: Connection, webhook: str) -> RowMapping | None:
    query = select(CASE_WEBHOOK).where(CASE_WEBHOOK.c.name == webhook)
    return connection.execute(query).mappings().one_or_none()


def _is_free(row: RowMapping, now_ms: int) -> bool:
    return row["due_at"] <= now_ms and (row["lease_until"] is None or row["lease_until"] <= now_ms)


def _after(history_id: int, states: Collection[State]) -> tuple[ColumnElement[bool], ...]:
    return HISTORY.c.id > history_id, HISTORY.c.to_state.in_(sorted(states))


def _next(connection: Connection, history_id: int, states: Collection[State]) -> RowMapping | None:
    query = select(HISTORY, CASE.c.opened_at).join(CASE, CASE.c.id == HISTORY.c.case_id)
    query = query.where(*_after(history_id, states)).order_by(HISTORY.c.id).limit(1)
    return connection.execute(query).mappings().one_or_none()


def _under_way(connection: Connection, row: RowMapping) -> dict[str, Any] | None:
    """The event that was begun, unless it was erased with its case."""
    same = select(HISTORY.c.id).where(HISTORY.c.id == row["event_history_id"], HISTORY.c.id > row["history_id"])
    if row["event_id"] is None or connection.execute(same).first() is None:
        return None
    return {name: row[name] for name in ("event_id", "event_history_id", "body")}


def _fresh(connection: Connection, history_id: int, states: Collection[State]) -> dict[str, Any] | None:
    step = _next(connection, history_id, states)
    if step is None:
        return None
    number = secrets.token_hex(16)
    kinds = select(DETECTION.c.kind).where(DETECTION.c.case_id == step["case_id"]).distinct()
    event = {
        "schema": SCHEMA,
        "id": number,
        "case": step["case_id"],
        "state": step["to_state"],
        "before": step["from_state"],
        "label": step["reason"] if step["reason"] in _LABELS else None,
        "kinds": sorted(connection.execute(kinds).scalars()),
        "at": iso(step["at"]),
        "opened_at": iso(step["opened_at"]),
    }
    return {"event_id": number, "event_history_id": step["id"], "body": json.dumps(event)}


def _too_old(connection: Connection, history_id: int, states: Collection[State], before_ms: int) -> list[int]:
    """The events in front that are too old; what stands behind a younger one still has its turn."""
    younger = select(func.min(HISTORY.c.id)).where(*_after(history_id, states), HISTORY.c.at >= before_ms)
    first = connection.execute(younger).scalar_one()
    in_front = () if first is None else (HISTORY.c.id < first,)
    query = select(HISTORY.c.id).where(*_after(history_id, states), *in_front).order_by(HISTORY.c.id)
    return list(connection.execute(query).scalars())


def _mine(webhook: str) -> Any:
    return update(CASE_WEBHOOK).where(CASE_WEBHOOK.c.name == webhook)


def _still(claimed: Claimed) -> Any:
    """The row, as long as nobody else has told or taken the event since."""
    same = (CASE_WEBHOOK.c.event_id == claimed.id, CASE_WEBHOOK.c.lease_owner == claimed.owner)
    return _mine(claimed.webhook).where(*same)


def _done(now_ms: int) -> dict[str, Any]:
    """The program has answered for this event: nothing is tried again, and the next one is due."""
    return {
        "history_id": CASE_WEBHOOK.c.event_history_id, "event_id": None, "event_history_id": None, "body": None,
        "attempts": 0, "due_at": now_ms, "lease_until": None, "lease_owner": None, "why": None,
    }  # fmt: skip


def _given_up(connection: Connection, claimed: Claimed, act: Act, *, count: int, why: str) -> None:
    counted = {"given_up": CASE_WEBHOOK.c.given_up + count, "given_up_at": act.at_ms}
    connection.execute(_mine(claimed.webhook).values(**counted))
    details = {"webhook": claimed.webhook, "events": count, "why": why}
    audit.append(connection, "case_events_given_up", act, details=details)
