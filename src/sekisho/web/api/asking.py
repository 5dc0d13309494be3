"""One request of a program: its token, what it may, its purpose; and what an act answers when it is asked again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sekisho.cases.accounts import replies, tokens
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.core.purposes import purpose_of
from sekisho.web.console.asking import OWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from sekisho.cases.accounts.tokens import Token
    from sekisho.cases.roles import Action
    from sekisho.web.console.state import Console

BEARER = HTTPBearer(auto_error=False, description="A token of `sekisho users token`.")

MAX_SECRET = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program, and what it asks with.

    Attributes:
        key: ``Idempotency-Key`` of an act, None where it gives none.
        request: SHA-256 of method, path and body.
    """

    console: Console
    token: Token
    now_ms: int
    key: str | None
    request: str

    def act(self, purpose: str = OWN) -> Act:
        """Who, when, what for; the trail names the person and the token.

        Raises:
            Refused: the policy knows no such purpose.
        """
        code = purpose_of(purpose, self.console.policy.purposes).code
        return Act(actor=f"{self.token.account.name} ({self.token.name})"[:100], purpose=code, at_ms=self.now_ms)

    def once(self, do: Callable[[Connection], dict[str, Any]]) -> dict[str, Any]:
        """Act, and remember the answer in the same transaction; asked again under the key, only answer.

        Raises:
            HTTPException: the key was used for another request (422).
        """
        with writing(self.console.url) as connection:
            known = replies.find(connection, self.token.number, self.key, self.now_ms) if self.key else None
            if known is not None:
                if known.request != self.request:
                    raise HTTPException(422, "the Idempotency-Key was used for another request")
                answered: dict[str, Any] = json.loads(known.body)
                return answered
            answer = do(connection)
            if self.key:
                body = json.dumps(answer, ensure_ascii=False)
                reply = replies.Reply(request=self.request, status=200, body=body)
                replies.keep(connection, self.token.number, self.key, reply, self.now_ms)
        return answer


class Needs:
    """Lets a program in whose token may do this.

    Args:
        console: with the database that knows the tokens.
        action: what is asked for.
    """

    def __init__(self, console: Console, action: Action) -> None:
        self._console, self._action = console, action

    async def __call__(
        self,
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
        idempotency_key: Annotated[
            str | None, Header(min_length=1, max_length=replies.MAX_KEY, pattern=r"^[!-~]+$")
        ] = None,
    ) -> None:
        """Put the caller where the endpoint finds it.

        Raises:
            HTTPException: no token, or one that is not valid (401); not its scope, or not its person's role (403).
        """
        from starlette.concurrency import run_in_threadpool

        token = await run_in_threadpool(self._token, "" if given is None else given.credentials)
        if token is None:
            raise HTTPException(401, "expected a valid token", headers={"WWW-Authenticate": "Bearer"})
        if not token.may(self._action):
            raise HTTPException(403, f"expected a token with the scope {self._action}, of a person whose roles give it")
        body = await request.body()
        said = b"\0".join([request.method.encode(), request.url.path.encode(), body])
        request.state.caller = Caller(
            console=self._console,
            token=token,
            now_ms=self._console.clock(),
            key=idempotency_key,
            request=hashlib.sha256(said).hexdigest(),
        )

    def _token(self, secret: str) -> Token | None:
        if not secret or len(secret) > MAX_SECRET:
            return None
        with reading(self._console.url) as connection:
            return tokens.find(connection, secret, self._console.clock())


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Asking = Annotated[Caller, Depends(_caller)]
"""The caller, in the signature of an endpoint."""
