"""One request of one person: who asks, what the form says, what may be done."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.roles import ROLES, Action, Role
from sekisho.core.errors import NotFound, Refused
from sekisho.core.purposes import purpose_of
from sekisho.web.base.language import Preferences
from sekisho.web.base.tokens import form_token
from sekisho.web.console.navigation import menu

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from sekisho.cases.accounts.people import Account
    from sekisho.measures.model import Language
    from sekisho.web.console.state import Console

OWN = "own_network_protection"
"""Stands in forms whose act needs no choice: handling mass traffic that harms our own network."""

MAX_REASON = 500

MAX_NUMBER = (1 << 31) - 1
"""PostgreSQL's integer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a page or an act is asked with.

    Attributes:
        form: fields of a POST; {} otherwise.
        secret: of the session.
    """

    console: Console
    request: Request
    account: Account
    secret: str
    form: Mapping[str, str]
    now_ms: int

    @property
    def language(self) -> Language:
        """Of the page."""
        return Preferences.of(self.request).language

    @property
    def is_support(self) -> bool:
        """Whether this person sees plain pages alone: nobody of the desk, only who answers the calls."""
        return self.account.roles <= {Role.SUPPORT}

    def may(self, action: Action) -> bool:
        """Whether one of the person's roles is enough."""
        return bool(self.account.roles & ROLES[action])

    def number(self, name: str = "number") -> int:
        """A number in the path; routes let nothing else through.

        Raises:
            NotFound: no database holds so large a number.
        """
        number = int(self.request.path_params[name])
        if number > MAX_NUMBER:
            raise NotFound("case database", f"expected a number up to {MAX_NUMBER}, found {number}")
        return number

    def query(self, name: str) -> str:
        """A parameter of the address; "" where there is none."""
        return without_nul(self.request.query_params.get(name, ""))

    def act(self) -> Act:
        """Who, when, and for the purpose that the form names.

        Raises:
            Refused: the policy knows no such purpose.
        """
        code = self.form.get("purpose", OWN)
        return Act(
            actor=self.account.name, purpose=purpose_of(code, self.console.policy.purposes).code, at_ms=self.now_ms
        )

    def require_purpose(self) -> None:
        """Where something is shown that has to be asked for.

        Raises:
            Refused: no purpose was chosen.
        """
        if "purpose" not in self.form:
            raise Refused("purpose: expected one, found none", "目的を選んでください")

    def reason(self, name: str = "reason") -> str:
        """A sentence that a person wrote.

        Raises:
            Refused: there is none, or it is too long.
        """
        text = self.form.get(name, "").strip()
        if not 1 <= len(text) <= MAX_REASON:
            raise Refused(
                f"{name}: expected 1 to {MAX_REASON} characters, found {len(text)}",
                f"{name}: 1 文字以上 {MAX_REASON} 文字以内で入力してください（入力: {len(text)} 文字）",
            )
        return text

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of the database."""
        with reading(self.console.url) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction."""
        with writing(self.console.url) as connection:
            yield connection

    def page(self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Any:
        """A page with everything that its frame needs."""
        frame = {
            "ask": self,
            "menu": menu(self.account.roles, self.request.url.path),
            "form_token": form_token(self.secret),
            "purposes": self.console.policy.purposes,
            "is_rehearsal": self.console.policy.recovery.rehearsal,
            "Action": Action,
            "now_ms": self.now_ms,
            "done": self.query("done") if self.query("done") in DONE else "",
        }
        return self.console.pages.page(self.request, template, status=status, headers=headers, **{**frame, **values})

    def back_to(self, path: str, done: str) -> Response:
        """After an act: the page that shows what came of it."""
        assert done in DONE, "a text for everything that can be done"
        return RedirectResponse(f"{path}?{urlencode({'done': done})}", 303)


def one_of(name: str, value: str, known: Collection[str], *, ja: str = "") -> str:
    """A value out of a closed list; in Japanese its field may have another name.

    Raises:
        Refused: it is none of them.
    """
    if value not in set(known):
        choices = ", ".join(known)
        raise Refused(
            f"{name}: expected one of {choices}, found {value!r}",
            f"{ja or name} は {choices} のいずれかを選んでください（入力: {value!r}）",
        )
    return value


def without_nul(text: str) -> str:
    """What a browser sent, without the one character that PostgreSQL takes in no text."""
    return text.replace("\0", "")


DONE = frozenset(
    {
        "approved", "held", "withdrawn", "refused", "dismissed", "escalated", "line_ended", "answered", "measured",
        "legal_hold", "legal_hold_ended", "announced", "braked", "released", "proposed", "nothing",
    }
)  # fmt: skip
"""What an act may say afterwards; each has a text."""
