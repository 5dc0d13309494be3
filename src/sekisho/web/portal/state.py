"""What the portal is made of, and one request to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.read import get_case
from sekisho.cases.subscriber import sessions
from sekisho.cases.subscriber.told import devices_of, is_doubted
from sekisho.notices.operator import sender
from sekisho.web.base import tokens
from sekisho.web.base.files import StaticFiles
from sekisho.web.base.language import Preferences
from sekisho.web.base.limits import RateLimiter
from sekisho.web.base.pages import BASE, Pages
from sekisho.web.portal.entrance import ACTOR, PURPOSE, Entrance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from sekisho.cases.model import Case
    from sekisho.core.config import Operator
    from sekisho.measures.order import DeviceKind
    from sekisho.notices.contacts.contact import ContactSource

PACKAGE = "sekisho.web.portal"
COOKIE = "sekisho_portal"

ACTS_AN_HOUR = 120
"""Forms of one case: every measure claimed and taken back ten times over."""

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file out of a form."""

    content: bytes


@dataclass(frozen=True, kw_only=True)
class Portal:
    """The whole of it; inert.

    Args:
        url: of the case database.
        source: where contacts come from.
        operator: who writes.
        history: file of the assignments, None where none is kept.
        clock: milliseconds UTC.

    Attributes:
        counts: outcome of entering -> how often.
    """

    url: str
    source: ContactSource
    operator: Operator
    history: Path | None
    clock: Callable[[], int]
    static: StaticFiles = field(default_factory=lambda: StaticFiles(BASE, PACKAGE))
    counts: Counter[str] = field(default_factory=Counter)

    @cached_property
    def pages(self) -> Pages:
        """Every page."""
        return Pages(PACKAGE, self.static)

    @cached_property
    def entrance(self) -> Entrance:
        """Who gets in."""
        return Entrance(self.url, self.source, self.clock)

    @cached_property
    def acts(self) -> RateLimiter:
        """How often the forms of one case may be sent."""
        return RateLimiter(ACTS_AN_HOUR, HOUR_MS, clock=self.clock)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request.

    Attributes:
        form: fields of the form; what is no text is not among them.
        uploads: files of the form.
    """

    portal: Portal
    request: Request
    form: Mapping[str, str]
    uploads: Mapping[str, Upload]

    @cached_property
    def token(self) -> str:
        """What the browser holds; a new one where it holds none, so that the form of the entrance has one, too."""
        return tokens.held(self.request, COOKIE) or tokens.new_token()

    @cached_property
    def wishes(self) -> Preferences:
        """Language and looks."""
        return Preferences.of(self.request)

    @property
    def case(self) -> Case | None:
        """The case of the session; None where there is none, or its time is over."""
        return None if self._inside is None else self._inside[0]

    @property
    def devices(self) -> frozenset[DeviceKind]:
        """What the subscriber says to have."""
        return frozenset() if self._inside is None else self._inside[1]

    @property
    def is_doubted(self) -> bool:
        """Whether the subscriber thinks that another line is meant."""
        return self._inside is not None and self._inside[2]

    @cached_property
    def _inside(self) -> tuple[Case, frozenset[DeviceKind], bool] | None:
        held = tokens.held(self.request, COOKIE)
        if not held:
            return None
        digest, now_ms = tokens.digest_of(held), self.portal.clock()
        with reading(self.portal.url) as connection:
            found = sessions.find(connection, digest, now_ms)
            if found is None:
                return None
            number = found[0]
            inside = get_case(connection, number), devices_of(connection, number), is_doubted(connection, number)
        if now_ms - found[1] >= sessions.TOUCH_MS:
            with writing(self.portal.url) as connection:
                sessions.touch(connection, digest, now_ms)
        return inside

    @property
    def is_our_form(self) -> bool:
        """Whether the form was made for this browser."""
        return tokens.is_ours(tokens.held(self.request, COOKIE), self.form.get("form", ""))

    def act(self) -> Act:
        """What the subscriber does now."""
        return Act(actor=ACTOR, purpose=PURPOSE, at_ms=self.portal.clock())

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """One page of the portal; the browser keeps the token that its forms were made for."""
        writes = sender(self.portal.operator, self.wishes.language)
        given = {"form": tokens.form_token(self.token), "operator": writes, "is_in": False, **values}
        response = self.portal.pages.page(self.request, template, status=status, **given)
        if not tokens.held(self.request, COOKIE):
            tokens.hand_over(self.request, response, COOKIE, self.token)
        return response

    def wait(self, seconds: int) -> Response:
        """429, and when it is worth trying again."""
        response = self.page("told.html", status=429, what="wait", minutes=-(-seconds // 60))
        response.headers["Retry-After"] = str(seconds)
        return response
