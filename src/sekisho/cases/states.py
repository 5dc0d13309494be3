"""The life of a case as a table: which states there are, and which way leads from one to the next."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    OBSERVING = "observing"
    ESCALATED = "escalated"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    LINE_ENDED = "line_ended"
    WITHDRAWN = "withdrawn"


JA: Mapping[str, str] = {
    State.OPEN: "対応待ち",
    State.NOTIFIED: "通知済み",
    State.ACKNOWLEDGED: "お客様確認済み",
    State.OBSERVING: "経過観察中",
    State.ESCALATED: "上位対応中",
    State.RELAPSED: "再発",
    State.RESOLVED: "解決",
    State.DISMISSED: "対象外",
    State.LINE_ENDED: "契約終了",
    State.WITHDRAWN: "取り下げ",
    "draft": "案",
    "approved": "承認済み",
    "sent": "送信済み",
    "refused": "中止",
    "held": "保留",
}
"""States of cases and of notices as the console's pages call them, for sentences that a page shows."""

CLOSED = frozenset({State.RESOLVED, State.DISMISSED, State.LINE_ENDED, State.WITHDRAWN})
"""States in which a case waits for nothing more."""

OPEN = frozenset(State) - CLOSED
"""States of which a line can have one case only."""


class NoticeKind(StrEnum):
    """Which message about a case it is; the names are those of the folders of texts."""

    FIRST_NOTICE = "first_notice"
    REMINDER = "reminder"
    RECOVERY = "recovery"
    RELAPSE = "relapse"
    CLOSING = "closing"
    CORRECTION = "correction"


class ClosingLabel(StrEnum):
    """How strong the evidence is that a resolved case is over."""

    SELF_REPORTED = "self_reported"
    OBSERVED_QUIET = "observed_quiet"
    VERIFIED = "verified"


class AnswerKind(StrEnum):
    """What came back."""

    ANSWERED = "answered"
    PORTAL = "portal"
    COMPLAINT = "complaint"
    WRONG_LINE = "wrong_line"


class Disposition(StrEnum):
    """Why a case is none; the first two are mistakes of ours."""

    WRONG_LINE = "wrong_line"
    LOOK_ALIKE = "look_alike"
    OWN_TEST = "own_test"
    HANDLED_ELSEWHERE = "handled_elsewhere"


_BY_EVENT: Mapping[tuple[State, State], str] = {
    (State.OPEN, State.NOTIFIED): "the first notice was delivered",
    (State.NOTIFIED, State.ACKNOWLEDGED): "the portal was entered, or an answer recorded",
    (State.OPEN, State.OBSERVING): "quiet began",
    (State.NOTIFIED, State.OBSERVING): "quiet began",
    (State.ACKNOWLEDGED, State.OBSERVING): "quiet began",
    (State.ESCALATED, State.OBSERVING): "quiet began",
    (State.RELAPSED, State.OBSERVING): "quiet began",
    (State.RELAPSED, State.NOTIFIED): "the notice of the relapse was delivered",
    (State.OBSERVING, State.OPEN): "it came back, and nobody had been told yet",
    (State.OBSERVING, State.NOTIFIED): "it came back after a notice",
    (State.OBSERVING, State.RESOLVED): "it was quiet long enough",
    (State.RESOLVED, State.RELAPSED): "it came back within the watch period",
}
_BY_PERSON: Mapping[State, str] = {
    State.ESCALATED: "a person or the policy asked for more",
    State.DISMISSED: "a person found that it is no case, and said why",
    State.LINE_ENDED: "the contract of the line ended",
    State.WITHDRAWN: "the traffic turned out to belong to another line",
}

TRANSITIONS: Mapping[tuple[State, State], str] = {
    **_BY_EVENT,
    **{(state, to): why for state in sorted(OPEN) for to, why in _BY_PERSON.items() if state is not to},
}
"""(from, to) -> when. What is not in this table does not happen; a case begins as ``open``."""
