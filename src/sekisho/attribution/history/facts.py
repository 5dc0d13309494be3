"""What is known of one session, and how an event adds to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import MAX_HELD, Begin, Confirm, End

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.attribution.sources.events import Held, Holder

SAME_BEGIN_MS = 60_000
"""Retries of one Start without a time of its own are up to a minute apart (three tries, two servers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One session.

    Attributes:
        begun: a beginning was told; else ``began_ms`` is the first instant at which it was known.
        held: what it holds, and since when.
        octets_up: highest count of octets from the holder, with its time.
    """

    server: str
    session: str
    source: str
    holder: Holder
    began_ms: int
    confirmed_ms: int
    begun: bool = False
    ended_ms: int | None = None
    until_ms: int | None = None
    every_ms: int | None = None
    octets_up: int | None = None
    held: dict[Held, int] = field(default_factory=dict)


OfSession = Begin | Confirm | End


def first(event: OfSession, source: str) -> Facts | None:
    """The session that an event opens; None where it does not tell enough."""
    if event.holder is None or not event.held:
        return None
    since = None if isinstance(event, Begin) else event.since_ms
    began = min(event.at_ms, event.at_ms if since is None else since)
    fresh = Facts(
        server=event.server,
        session=event.session,
        source=source,
        holder=event.holder,
        began_ms=began,
        confirmed_ms=began,
        begun=isinstance(event, Begin) or since is not None,
        held=dict.fromkeys(event.held[:MAX_HELD], began),
    )
    return added(fresh, event)


def matching(known: Iterable[Facts], event: OfSession) -> Facts | None:
    """Which of the sessions of one name an event is about: servers count from the start again after a restart."""
    at = event.at_ms
    rows = sorted(known, key=lambda facts: facts.began_ms)
    candidates = [facts for facts in rows if _may_be(facts, event)]
    begun_before = [facts for facts in candidates if facts.began_ms <= at]
    return begun_before[-1] if begun_before else (candidates[0] if candidates else None)


def _may_be(facts: Facts, event: OfSession) -> bool:
    if event.holder is not None and event.holder != facts.holder:
        return False
    if facts.until_ms is not None and not isinstance(event, End) and event.at_ms > facts.until_ms:
        # The lease had run out: between it and this one nobody held the address.
        return False
    return _may_begin(facts, event) if isinstance(event, Begin) else _may_go_on(facts, event)


def _may_begin(facts: Facts, event: Begin) -> bool:
    if abs(event.at_ms - facts.began_ms) <= SAME_BEGIN_MS:
        return True
    if event.at_ms < facts.began_ms:
        return not facts.begun
    return facts.ended_ms is None and set(event.held) <= set(facts.held)


def _may_go_on(facts: Facts, event: Confirm | End) -> bool:
    begin_ms = facts.began_ms if facts.begun else min(facts.began_ms, event.at_ms)
    if event.at_ms < begin_ms - SAME_BEGIN_MS:
        return False
    return facts.ended_ms is None or event.at_ms <= facts.ended_ms + SAME_BEGIN_MS


def added(facts: Facts, event: OfSession) -> Facts:
    """The session with one more fact; the same fact again changes nothing."""
    at = event.at_ms
    held = dict(facts.held)
    began, begun = facts.began_ms, facts.begun
    if isinstance(event, Begin):
        began, begun = min(began, at) if begun else at, True
    elif event.since_ms is not None:
        began, begun = (min(began, event.since_ms), True) if not begun else (began, True)
    else:
        began = began if begun else min(began, at)
    # What a beginning names is held from then; what only later records name, from the first of those.
    since = began if isinstance(event, Begin) or not facts.held else at
    for what in event.held:
        if what in held or len(held) < MAX_HELD:
            held[what] = min(since, held.get(what, since))
    ended = facts.ended_ms
    if isinstance(event, End):
        ended = max(at, began) if ended is None else max(min(ended, at), began)
    until = facts.until_ms if isinstance(event, End) else _latest(facts.until_ms, event.until_ms)
    octets = None if isinstance(event, Begin) else event.octets_up
    return replace(
        facts,
        began_ms=began,
        begun=begun,
        confirmed_ms=max(facts.confirmed_ms, at, began),
        ended_ms=ended,
        until_ms=until,
        every_ms=facts.every_ms if isinstance(event, End) else (event.confirm_every_ms or facts.every_ms),
        octets_up=_latest(facts.octets_up, octets),
        held=held,
    )


def _latest(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)
