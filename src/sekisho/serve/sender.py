"""The process that drafts, approves what two signals show, sends what was approved, and reads what comes back.

In mode ``observe`` it only keeps the clocks of retention: nothing is drafted, and nothing leaves.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases import brake, ladder, outbox
from sekisho.cases.accounts import people
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.outbox import NoticeState
from sekisho.cases.policy import Mode, load_policy
from sekisho.cases.record import PURPOSE
from sekisho.cases.retention import erase
from sekisho.cases.roles import Role
from sekisho.cases.work_tables import NOTICE
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.errors import InputError, SekishoError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.core.time import now_ms
from sekisho.notices.bounces import Bounce, read_bounces
from sekisho.notices.channels import channels_of
from sekisho.notices.contacts.join import NoContacts, source_of
from sekisho.notices.delivery import Deferred
from sekisho.notices.outgoing import Outgoing
from sekisho.notices.sender import Sender
from sekisho.pipeline.settling import FreshResolver
from sekisho.serve.ending import Asked
from sekisho.serve.status import EVERY_S, tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sekisho.core.config import Config
    from sekisho.notices.delivery import Channel, Message, Outcome

NAME = "sender"

LOOK_EVERY_S = 2.0
"""An approved notice leaves within this time, if nothing else holds it."""

DRAFT_EVERY_S = 30.0
"""Drafts follow cases, which change by the minute."""

ERASE_EVERY_S = 24 * 3_600.0

REHEARSAL = "drop"
"""The channel that reaches nobody by itself."""

POLICY = "policy"
"""Who approves where two signals speak."""


class Desk:
    """Everything of the process.

    Args:
        config: the configuration, with a case database.
        channels: by name; those of the configuration where none are given.
    """

    def __init__(self, config: Config, *, channels: Mapping[str, Channel] | None = None) -> None:
        assert config.cases.url is not None, "the supervisor starts a sender only where there is a case database"
        self._config, self._url = config, config.cases.url
        self._policy = load_policy(config.cases.policy)
        configured = channels_of(config) if channels is None else channels
        may_use = {REHEARSAL} if self._policy.recovery.rehearsal else set(configured)
        self._channels = {name: _Told(channel) for name, channel in configured.items() if name in may_use}
        self._compose = Outgoing(self._url, config, source_of(config) or NoContacts())
        self._settled = FreshResolver(config)
        self._drafted_s = self._erased_s = float("-inf")
        self._bounces_stamp: tuple[float, ...] = ()
        self.outcomes: Counter[str] = Counter()
        self.refused = ""

    def round(self) -> bool:
        """Do what is due, one notice at most.

        Returns:
            whether there may be more to do at once.
        """
        try:
            more = self._round()
        except (SekishoError, OSError) as error:
            self.refused = str(error)
            return False
        self.refused = ""
        return more

    def look(self, alarms: Alarms) -> None:
        """Compare with the last look, and tell what holds."""
        alarms.look(Condition.CASES_UNAVAILABLE, {"": {"why": self.refused}} if self.refused else {})
        failing = {name: {"why": channel.why} for name, channel in self._channels.items() if channel.why}
        alarms.look(Condition.CHANNEL_FAILING, failing)
        try:
            with reading(self._url) as connection:
                held = [hold for hold in brake.holds(connection, now_ms()) if hold.exporter is None]
                unreached = ladder.unreached(connection)
                somebody = self._policy.mode is Mode.OBSERVE or people.has(connection, Role.APPROVER)
        except (SekishoError, OSError):
            # Said by `refused`, or there is no database yet.
            return
        alarms.look(Condition.NOBODY_APPROVES, {} if somebody else {"": {"mode": self._policy.mode.value}})
        alarms.look(Condition.SENDING_HELD, {"": {"reason": held[0].reason}} if held else {})
        alarms.look(Condition.SUBSCRIBERS_UNREACHED, {"": {"count": unreached}} if unreached else {})

    def samples(self) -> Iterator[Sample]:
        """Notices by state, and what became of attempts."""
        for outcome, count in self.outcomes.items():
            yield Sample("deliveries_total", (outcome,), count)
        try:
            with reading(self._url) as connection:
                rows = connection.execute(select(NOTICE.c.state, func.count()).group_by(NOTICE.c.state))
                counts: dict[str, int] = {row[0]: row[1] for row in rows}
        except (SekishoError, OSError):
            return
        for state in NoticeState:
            yield Sample("notices", (state.value,), counts.get(state.value, 0))

    def _round(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._erased_s >= ERASE_EVERY_S:
            self._erased_s = now_s
            self._erase()
        if self._policy.mode is Mode.OBSERVE:
            return False
        if now_s - self._drafted_s >= DRAFT_EVERY_S:
            self._drafted_s = now_s
            self._read_bounces()
            self._draft()
        with reading(self._url) as connection:
            if not outbox.due(connection, self._policy, now_ms()):
                return False
        sender = Sender(
            self._url,
            self._policy,
            channels=self._channels,
            compose=self._compose,
            resolve=self._settled(),
            now_ms=now_ms,
        )
        tried = sender.run(limit=1)
        self.outcomes += sender.outcomes
        return bool(tried)

    def _draft(self) -> None:
        with writing(self._url) as connection:
            drafts = ladder.propose(connection, self._policy, now_ms())
            waiting = ladder.enough_signals(connection, self._policy)
        if drafts:
            logger().info("notices drafted", count=len(drafts))
        if not waiting:
            return
        resolve = self._settled()
        with writing(self._url) as connection:
            act = Act(actor=POLICY, purpose=PURPOSE, at_ms=now_ms())
            approved = ladder.approve_automatically(connection, self._policy, act, resolve)
        if approved:
            logger().info("notices approved by the policy", count=approved)

    def _read_bounces(self) -> None:
        mail = self._config.mail
        if mail.bounces is None or mail.from_address is None or (stamp := _stamp(mail.bounces)) == self._bounces_stamp:
            return
        act = Act(actor=NAME, purpose=PURPOSE, at_ms=now_ms())
        found = [bounce for _, bounce in read_bounces(mail.bounces, mail.from_address.rpartition("@")[2])]
        final = [bounce for bounce in found if isinstance(bounce, Bounce) and bounce.is_final]
        with writing(self._url) as connection:
            new = sum(
                outbox.bounced(connection, bounce.notice, act, why=f"bounced: {bounce.status or 'no status'}")
                for bounce in final
            )
        self._bounces_stamp = stamp
        if new:
            logger().info("mails came back", count=new)

    def _erase(self) -> None:
        with writing(self._url) as connection:
            done = erase(connection, self._policy, Act(actor=NAME, purpose=PURPOSE, at_ms=now_ms()))
        if any(done.rows.values()):
            logger().info("erased what has served its time", rows=dict(done.rows), held=done.held)


class _Told:
    """A channel, and why it did not take the last message that it was given."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.why = ""

    def deliver(self, message: Message) -> Outcome:
        """Hand it on."""
        outcome = self._channel.deliver(message)
        self.why = outcome.why if isinstance(outcome, Deferred) else ""
        return outcome


def _stamp(place: Path) -> tuple[float, ...]:
    """Changes whenever a mail comes."""
    folders = (place / "new", place / "cur") if place.is_dir() else (place,)
    try:
        return tuple(folder.stat().st_mtime for folder in folders)
    except OSError as error:
        raise InputError(place, f"expected a mailbox for bounces, found: {error.strerror}") from error


def main(config_file: Path) -> int:
    """Run until asked to end.

    Raises:
        ConfigError: a wrong configuration or policy.
        InputError: a file that cannot be used.
    """
    asked = Asked()
    config = load_config(config_file, os.environ)
    directory = config.serve.state_beside(config_file)
    desk, alarms = Desk(config), Alarms(now_ms)
    told_s = float("-inf")
    while not asked.end.is_set():
        more = desk.round()
        if time.monotonic() - told_s >= EVERY_S:
            told_s = time.monotonic()
            desk.look(alarms)
            tell(directory, NAME, at_ms=now_ms(), samples=desk.samples(), alarms=alarms)
        if not more:
            asked.end.wait(LOOK_EVERY_S)
    logger().info("the sender ends")
    return 0
