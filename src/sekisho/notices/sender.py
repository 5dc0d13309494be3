"""The sender: takes what the outbox lets leave, one notice after another, and hands it to its channel.

It may be killed at any instant: before the claim nothing has happened, after it the claim runs out, and what was
delivered without a record of it is delivered again under the same message id.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from typing import TYPE_CHECKING, assert_never

from sekisho.cases import outbox
from sekisho.cases.database import writing
from sekisho.cases.lifecycle import Act
from sekisho.notices.delivery import Deferred, Message, Refused, Sent, Skipped, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.cases.outbox import Claimed
    from sekisho.cases.policy import Policy
    from sekisho.cases.settling import Resolve
    from sekisho.notices.delivery import Channel, Outcome

ACTOR = "sender"
PURPOSE = "own_network_protection"


class Sender:
    """Empties the outbox.

    Args:
        url: of the case database.
        policy: what may leave and when.
        channels: by name.
        compose: the message of a claimed notice, or what becomes of it without one (contacts that do not answer now).
        resolve: whose line it was, asked at the last moment.
        now_ms: the clock.
    """

    def __init__(
        self,
        url: str,
        policy: Policy,
        *,
        channels: Mapping[str, Channel],
        compose: Callable[[Claimed], Message | Outcome],
        resolve: Resolve,
        now_ms: Callable[[], int],
    ) -> None:
        self._url, self._policy, self._channels = url, policy, channels
        self._compose, self._resolve, self._now_ms = compose, resolve, now_ms
        self._owner = f"{socket.gethostname()}:{os.getpid()}"[:60]
        self.outcomes: Counter[str] = Counter()

    def run(self, *, limit: int = 1_000) -> int:
        """Send what may leave now.

        Returns:
            how many notices were tried.
        """
        tried = 0
        while tried < limit and self._one():
            tried += 1
        return tried

    def _one(self) -> bool:
        with writing(self._url) as connection:
            claimed = outbox.claim(connection, self._policy, self._act(), self._resolve, owner=self._owner)
        if claimed is None:
            return False
        outcome = self._deliver(claimed)
        self.outcomes[type(outcome).__name__.lower()] += 1
        self._record(claimed, outcome)
        return True

    def _deliver(self, claimed: Claimed) -> Outcome:
        channel = self._channels.get(claimed.notice.channel)
        if channel is None:
            return Skipped(SkipReason.CHANNEL_OFF)
        message = self._compose(claimed)
        return channel.deliver(message) if isinstance(message, Message) else message

    def _record(self, claimed: Claimed, outcome: Outcome) -> None:
        act = self._act()
        with writing(self._url) as connection:
            match outcome:
                case Sent(receipt=receipt):
                    outbox.delivered(connection, claimed, act, receipt=receipt)
                case Deferred(why=why, retry_after_s=after):
                    wait = None if after is None else round(after * 1000)
                    outbox.deferred(connection, claimed, act, why=why, retry_after_ms=wait)
                case Refused(why=why):
                    outbox.returned(connection, claimed, act, reason=why)
                case Skipped(reason=reason):
                    outbox.returned(connection, claimed, act, reason=reason.value)
                case _:
                    assert_never(outcome)

    def _act(self) -> Act:
        return Act(actor=ACTOR, purpose=PURPOSE, at_ms=self._now_ms())
