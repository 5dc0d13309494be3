"""The process that tells programs of the operator's own what happens to cases: by itself, so that nothing waits for it.

It tells in every mode of the policy, ``observe`` too: programs are no subscribers.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, assert_never

from sekisho.cases import case_events
from sekisho.cases.database import reading, require_usable, writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.policy import DAY_MS
from sekisho.cases.record import PURPOSE
from sekisho.cases.states import State
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.errors import SekishoError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.core.time import now_ms
from sekisho.notices.delivery import Deferred, Refused, Sent, Skipped
from sekisho.notices.signed_post import post
from sekisho.serve.ending import Asked
from sekisho.serve.status import EVERY_S, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sekisho.cases.case_events import Claimed, Standing
    from sekisho.core.config import Config
    from sekisho.core.config_delivery import CaseWebhook
    from sekisho.notices.delivery import Outcome

NAME = "case_events"

LOOK_EVERY_S = 1.0
"""A step of a case leaves within this time, if nothing that was before it waits."""

SAID_MS = 3 * DAY_MS
"""That events were given up is said for so long, over a weekend; the trail and the metric keep it."""


class Teller:
    """Everything of the process.

    Args:
        config: the configuration, with a case database and webhooks.
        clock: milliseconds UTC.
    """

    def __init__(self, config: Config, *, clock: Callable[[], int] = now_ms) -> None:
        assert config.cases.url is not None, "the configuration asks for one beside webhooks"
        self._url, self._webhooks, self._clock = config.cases.url, config.case_webhook, clock
        self._owner = f"{socket.gethostname()}:{os.getpid()}"[:60]
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.unavailable = ""

    def round(self) -> bool:
        """Tell each program of one event at most.

        Returns:
            whether there may be more to do at once.
        """
        try:
            told = [self._one(webhook) for webhook in self._webhooks]
        except (SekishoError, OSError) as error:
            self.unavailable = str(error)
            return False
        self.unavailable = ""
        return any(told)

    def look(self, alarms: Alarms) -> None:
        """Compare with the last look, and tell what holds."""
        alarms.look(Condition.CASES_UNAVAILABLE, {"": {"why": self.unavailable}} if self.unavailable else {})
        stands = self._standing()
        if stands is None:
            return
        failing = {name: {"why": one.why, "waiting": one.waiting} for name, one in stands.items() if one.why}
        alarms.look(Condition.CASE_WEBHOOK_FAILING, failing)
        since = self._clock() - SAID_MS
        lost = {name: {"count": one.given_up} for name, one in stands.items() if (one.given_up_at_ms or 0) > since}
        alarms.look(Condition.CASE_EVENTS_GIVEN_UP, lost)

    def samples(self) -> Iterator[Sample]:
        """What became of attempts, and what waits."""
        for labels, count in self.outcomes.items():
            yield Sample("case_events_total", labels, count)
        for name, one in (self._standing() or {}).items():
            yield Sample("case_events_waiting", (name,), one.waiting)

    def _one(self, webhook: CaseWebhook) -> bool:
        states = states_of(webhook)
        with reading(self._url) as connection:
            if not case_events.is_due(connection, webhook.name, states, self._clock()):
                return False
        with writing(self._url) as connection:
            claimed = case_events.claim(connection, webhook.name, states, owner=self._owner, now_ms=self._clock())
        if claimed is None:
            return False
        outcome = post(webhook, claimed.body.encode(), number=claimed.id, now_s=self._clock() / 1000)
        self.outcomes[webhook.name, type(outcome).__name__.lower()] += 1
        self._record(claimed, outcome)
        return True

    def _record(self, claimed: Claimed, outcome: Outcome) -> None:
        act = Act(actor=NAME, purpose=PURPOSE, at_ms=self._clock())
        with writing(self._url) as connection:
            match outcome:
                case Sent():
                    case_events.delivered(connection, claimed, act.at_ms)
                case Deferred(why=why, retry_after_s=after):
                    wait = None if after is None else round(after * 1000)
                    case_events.deferred(connection, claimed, act, why=why, retry_after_ms=wait)
                case Refused(why=why):
                    case_events.refused(connection, claimed, act, why=why)
                case Skipped(reason=reason):
                    case_events.refused(connection, claimed, act, why=reason.value)
                case _:
                    assert_never(outcome)

    def _standing(self) -> dict[str, Standing] | None:
        try:
            with reading(self._url) as connection:
                return {w.name: case_events.standing(connection, w.name, states_of(w)) for w in self._webhooks}
        except (SekishoError, OSError):
            # Said by `unavailable`.
            return None


def states_of(webhook: CaseWebhook) -> frozenset[State]:
    """What a program is told of."""
    return frozenset(State(event) for event in webhook.events) or frozenset(State)


def main(config_file: Path) -> int:
    """Run until asked to end.

    Raises:
        ConfigError: a wrong configuration.
        InputError: the database cannot be used.
    """
    asked = Asked()
    config = load_config(config_file, os.environ)
    directory = config.serve.state_beside(config_file)
    teller, alarms = Teller(config), Alarms(now_ms)
    assert config.cases.url is not None, "the configuration asks for one beside webhooks"
    require_usable(config.cases.url)
    told_s = float("-inf")
    while not asked.end.is_set():
        more = teller.round()
        if time.monotonic() - told_s >= EVERY_S:
            told_s = time.monotonic()
            teller.look(alarms)
            tell(directory, NAME, at_ms=now_ms(), samples=teller.samples(), alarms=alarms)
        if not more:
            asked.end.wait(LOOK_EVERY_S)
    logger().info("the teller of case events ends")
    return 0
