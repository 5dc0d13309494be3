"""Who gets in: a code that was told, one fact of the contact, and not too many wrong tries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.read import get_case
from sekisho.cases.subscriber import codes, sessions
from sekisho.core.errors import InputError, Unavailable
from sekisho.core.log import logger
from sekisho.notices.contacts.join import MAY_BE_WRITTEN_TO
from sekisho.notices.delivery import Skipped
from sekisho.web.base.limits import RateLimiter, network_of
from sekisho.web.base.tokens import digest_of, new_token
from sekisho.web.portal.fact import facts_of, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.cases.model import Case
    from sekisho.cases.subscriber.codes import Opens
    from sekisho.notices.contacts.contact import ContactSource

ACTOR = "subscriber"
PURPOSE = "consent"
"""Whoever enters looks at his own line."""

PERIOD_MS = 3_600_000
WRONG_BY_ADDRESS = 20
"""Wrong tries from one address (IPv6: /64) in an hour: a household that mistypes stays far below."""

WRONG_BY_CASE = 10
"""Wrong facts for one code in an hour: who holds the code has four digits to guess, which takes weeks then."""


ENTRIES_BY_CASE = 30
"""Times that one case is entered in an hour; each is a row of the audit trail."""


class Denial(StrEnum):
    """Why somebody is not let in; a wrong code and a wrong fact are told alike."""

    WRONG = "wrong"
    EXPIRED = "expired"
    ENDED = "ended"
    NO_FACT = "no_fact"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Entered:
    """In; the token is for the cookie."""

    token: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Not in."""

    why: Denial


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many wrong tries; what was typed was not looked at."""

    seconds: int


@dataclass(frozen=True, slots=True)
class _Found:
    opens: Opens
    case: Case


class Entrance:
    """Lets people in.

    Args:
        url: of the case database.
        source: where contacts come from.
        clock: milliseconds UTC.
    """

    def __init__(self, url: str, source: ContactSource, clock: Callable[[], int]) -> None:
        self._url, self._source, self._clock = url, source, clock
        self._by_address = RateLimiter(WRONG_BY_ADDRESS, PERIOD_MS, clock=clock)
        self._by_case = RateLimiter(WRONG_BY_CASE, PERIOD_MS, clock=clock)
        self._entries = RateLimiter(ENTRIES_BY_CASE, PERIOD_MS, clock=clock)

    def enter(self, code: str, fact: str, *, address: str) -> Entered | Denied | Wait:
        """Look at what was typed.

        Args:
            code: of the notice, however it was typed.
            fact: end of the telephone number, or postal code.
            address: where the request comes from.

        Raises:
            InputError: the case database cannot be used.
        """
        found = self._find(code, network_of(address))
        if not isinstance(found, _Found):
            return found
        outcome = self._with_fact(found, fact)
        if outcome == Denied(Denial.WRONG):
            self._by_address.note(network_of(address))
        return outcome

    def case_of(self, code: str, *, address: str) -> int | Denied | Wait:
        """The case of a code alone, for what adds to it and shows nothing of it; the bounds are the same.

        Raises:
            InputError: the case database cannot be used.
        """
        found = self._find(code, network_of(address))
        if not isinstance(found, _Found):
            return found
        return Denied(Denial.EXPIRED) if found.opens.is_expired else found.case.number

    def _find(self, code: str, from_where: str) -> _Found | Denied | Wait:
        if seconds := self._by_address.wait_s(from_where):
            return Wait(seconds)
        with reading(self._url) as connection:
            opens = codes.find(connection, code, self._clock())
            case = None if opens is None else get_case(connection, opens.case_id)
        if opens is None or case is None:
            self._by_address.note(from_where)
            return Denied(Denial.WRONG)
        return _Found(opens, case) if case.state in MAY_BE_WRITTEN_TO else Denied(Denial.ENDED)

    def _with_fact(self, found: _Found, fact: str) -> Entered | Denied | Wait:
        """The code was told to somebody; now whether it was to this one."""
        case = found.case
        if seconds := max(limit.wait_s(str(case.number)) for limit in (self._by_case, self._entries)):
            return Wait(seconds)
        facts = self._facts(case.line_id)
        if isinstance(facts, Denial):
            return Denied(facts)
        if not fits(fact, facts):
            self._by_case.note(str(case.number))
            return Denied(Denial.WRONG)
        return Denied(Denial.EXPIRED) if found.opens.is_expired else self._begin(case.number)

    def _facts(self, line_id: str) -> tuple[str, ...] | Denial:
        try:
            contact = self._source.find(line_id)
        except (Unavailable, InputError) as error:
            logger().warning("a contact cannot be asked for; nobody is let in", why=str(error))
            return Denial.UNAVAILABLE
        return Denial.NO_FACT if isinstance(contact, Skipped) else facts_of(contact) or Denial.NO_FACT

    def _begin(self, case_id: int) -> Entered:
        self._entries.note(str(case_id))
        token = new_token()
        with writing(self._url) as connection:
            act = Act(actor=ACTOR, purpose=PURPOSE, at_ms=self._clock())
            sessions.begin(connection, case_id, digest_of(token), act)
        return Entered(token)
