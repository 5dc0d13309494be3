"""What the tests of the outbox share: a policy, a channel that remembers, resolvers."""

from __future__ import annotations

from typing import Any

from cases.documents import NOW_MS
from sekisho.cases.lifecycle import Act
from sekisho.cases.outbox import Claimed
from sekisho.cases.policy import Policy
from sekisho.cases.settling import NotSettled, OtherLine, SameLine
from sekisho.measures.model import Language
from sekisho.notices.delivery import Message, Outcome, Sent

OPEN_HOURS = {"start": "00:00", "end": "00:00"}


def policy(mode: str = "propose", **changes: Any) -> Policy:
    given = {"mode": mode, "quiet_hours": OPEN_HOURS} | changes
    return Policy.model_validate(given)


def act(at_ms: int = NOW_MS, actor: str = "sato") -> Act:
    return Act(actor=actor, purpose="own_network_protection", at_ms=at_ms)


def same(line_id: str, evidence: Any) -> Any:
    del line_id, evidence
    return SameLine()


def other(line_id: str, evidence: Any) -> Any:
    del line_id, evidence
    return OtherLine(why="no_assignment")


def unsettled(line_id: str, evidence: Any) -> Any:
    del line_id, evidence
    return NotSettled(why="RADIUS is ten minutes behind")


def message(claimed: Claimed) -> Message:
    notice = claimed.notice
    return Message(
        id=notice.message_id, case_code=claimed.code, line_id=claimed.case.line_id, kind=notice.kind,
        language=Language.JA, channel=notice.channel, to="a@example.jp", subject="s", text=claimed.code, html="h",
    )  # fmt: skip


class Remembering:
    """A channel whose answers are given, and which keeps what it was handed."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers, self.got = list(answers), []

    def deliver(self, given: Message) -> Outcome:
        self.got.append(given)
        return self.answers.pop(0) if self.answers else Sent(receipt="250")
