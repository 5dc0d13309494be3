"""What notices achieved, beside what happened without any: no effect is claimed without that baseline."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases.outbox import NoticeState
from sekisho.cases.policy import DAY_MS
from sekisho.cases.states import AnswerKind, Disposition, State
from sekisho.cases.tables import CASE, DETECTION
from sekisho.cases.work_tables import ANSWER, NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

WITHIN_MS = 14 * DAY_MS
"""Studies of notices count after two weeks; so the numbers can be compared."""

NOBODY_TOLD = "-"
"""Stands for the channel of those who got no notice."""

_Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cases of one kind that were told by one channel, or by none.

    Attributes:
        cases: of which the two weeks are over.
        clean: of those, resolved with nothing seen after the two weeks.
    """

    kind: str
    channel: str
    cases: int
    clean: int

    @property
    def interval_95(self) -> tuple[float, float]:
        """Wilson's interval of the share: it holds for few cases too."""
        share, spread = self.clean / self.cases, _Z * _Z / self.cases
        middle = (share + spread / 2) / (1 + spread)
        half = _Z * sqrt(share * (1 - share) / self.cases + spread / self.cases / 4) / (1 + spread)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """What went wrong, and of how many notices."""

    wrong_lines: int
    look_alikes: int
    complaints: int
    notices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Mistakes):
    """The report: mistakes of ours first."""

    rows: tuple[Row, ...]


def effect(connection: Connection, now_ms: int) -> Effect:
    """Count everything that the database still holds."""
    return Effect(**asdict(mistakes(connection)), rows=_rows(connection, now_ms))


def mistakes(connection: Connection) -> Mistakes:
    """The counters of the first page alone."""
    closings = Counter(connection.execute(select(CASE.c.closing).where(CASE.c.state == State.DISMISSED)).scalars())
    answers = Counter(connection.execute(select(ANSWER.c.kind)).scalars())
    sent = select(func.count()).select_from(NOTICE).where(NOTICE.c.state == NoticeState.SENT)
    withdrawn = select(func.count(CASE.c.id)).where(CASE.c.state == State.WITHDRAWN)
    mistaken = connection.execute(withdrawn).scalar_one() + closings[Disposition.WRONG_LINE]
    return Mistakes(
        wrong_lines=mistaken + answers[AnswerKind.WRONG_LINE],
        look_alikes=closings[Disposition.LOOK_ALIKE],
        complaints=answers[AnswerKind.COMPLAINT],
        notices=connection.execute(sent).scalar_one(),
    )


def _rows(connection: Connection, now_ms: int) -> tuple[Row, ...]:
    told = _told(connection)
    last = func.max(DETECTION.c.last_seen)
    query = (
        select(CASE.c.id, CASE.c.state, CASE.c.opened_at, DETECTION.c.kind, last.label("last_seen"))
        .join(DETECTION, DETECTION.c.case_id == CASE.c.id)
        .where(CASE.c.state.not_in([State.DISMISSED, State.WITHDRAWN, State.LINE_ENDED]))
        .group_by(CASE.c.id, CASE.c.state, CASE.c.opened_at, DETECTION.c.kind)
    )
    cases: defaultdict[tuple[str, str], int] = defaultdict(int)
    clean: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in connection.execute(query).mappings():
        channel, since_ms = told.get(row["id"], (NOBODY_TOLD, row["opened_at"]))
        if now_ms < since_ms + WITHIN_MS:
            continue
        key = row["kind"], channel
        cases[key] += 1
        clean[key] += row["state"] == State.RESOLVED and row["last_seen"] <= since_ms + WITHIN_MS
    return tuple(Row(kind=k, channel=c, cases=cases[k, c], clean=clean[k, c]) for k, c in sorted(cases))


def _told(connection: Connection) -> Mapping[int, tuple[str, int]]:
    """Case -> the channel of its first notice, and when."""
    query = select(NOTICE).where(NOTICE.c.state == NoticeState.SENT, NOTICE.c.bounced_at.is_(None))
    found: dict[int, tuple[str, int]] = {}
    for row in connection.execute(query.order_by(NOTICE.c.sent_at)).mappings():
        found.setdefault(row["case_id"], (row["channel"], row["sent_at"]))
    return found
