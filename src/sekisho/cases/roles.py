"""Who may do what: one table, asked before anything is shown or changed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What a person is to the cases."""

    OPERATOR = "operator"
    APPROVER = "approver"
    SUPPORT = "support"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Action(StrEnum):
    """What can be done."""

    LOOK = "look"
    WATCH = "watch"
    WHO = "who"
    ANSWER = "answer"
    MEASURE = "measure"
    REISSUE = "reissue"
    CONTACT = "contact"
    ESCALATE = "escalate"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"
    REVEAL = "reveal"
    PROPOSE_FILTER = "propose_filter"
    APPROVE = "approve"
    REFUSE = "refuse"
    BRAKE = "brake"
    RELEASE = "release"
    ANNOUNCE = "announce"
    EXPORT = "export"
    HOLD = "hold"
    ERASE = "erase"
    AUDIT = "audit"
    ACCOUNTS = "accounts"


_EVERYBODY = frozenset(Role)
_DESK = frozenset({Role.OPERATOR, Role.APPROVER})

ROLES: Mapping[Action, frozenset[Role]] = {
    Action.LOOK: _EVERYBODY,
    Action.WATCH: _EVERYBODY - {Role.SUPPORT},
    Action.WHO: _DESK,
    Action.ANSWER: _DESK | {Role.SUPPORT},
    Action.MEASURE: _DESK | {Role.SUPPORT},
    Action.REISSUE: _DESK | {Role.SUPPORT},
    Action.CONTACT: _DESK | {Role.SUPPORT},
    Action.ESCALATE: _DESK,
    Action.DISMISS: _DESK,
    Action.WITHDRAW: _DESK,
    Action.REVEAL: _DESK,
    Action.PROPOSE_FILTER: _DESK,
    Action.APPROVE: frozenset({Role.APPROVER}),
    Action.REFUSE: frozenset({Role.APPROVER}),
    Action.BRAKE: _DESK,
    Action.RELEASE: frozenset({Role.APPROVER}),
    Action.ANNOUNCE: frozenset({Role.APPROVER}),
    Action.EXPORT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Action.HOLD: frozenset({Role.ADMIN}),
    Action.ERASE: frozenset({Role.ADMIN}),
    Action.AUDIT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Action.ACCOUNTS: frozenset({Role.ADMIN}),
}
"""An auditor reads and changes nothing; support sees one case at a time and no destinations: an event names its target,
so that ``watch``, the view over everything, is not for support."""


def require(action: Action, roles: frozenset[Role], person: str) -> None:
    """Let a person do something, or not.

    Raises:
        Refused: none of the person's roles is enough.
    """
    if not roles & ROLES[action]:
        enough = ", ".join(sorted(ROLES[action]))
        raise Refused(
            f"{action.value}: expected a person with the role {enough} (`sekisho users`), found {person}",
            f"{action.value} には役割 {enough} のいずれかが必要です（`sekisho users`）。{person} にはありません",
        )
