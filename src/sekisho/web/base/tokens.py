"""What a browser holds to be known again, and what its forms carry to show that they are ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

TOKEN_OCTETS = 32
MAX_TOKEN = 64
"""Characters; ours have 43."""


def new_token() -> str:
    """An opaque value that nobody guesses: 256 random bits."""
    return secrets.token_urlsafe(TOKEN_OCTETS)


def digest_of(token: str) -> str:
    """What the database keeps of it: whoever reads the database cannot take part in a session."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """What the forms of a session carry; only who holds the cookie's value can make it."""
    return hmac.new(token.encode(), b"sekisho form", hashlib.sha256).hexdigest()


def is_ours(token: str, given: str) -> bool:
    """Whether a form was made for this session."""
    return bool(token) and hmac.compare_digest(form_token(token).encode(), given.encode("utf-8", "replace"))


def held(request: Request, cookie: str) -> str:
    """The token that a browser holds; "" where it holds none."""
    token = request.cookies.get(cookie, "")
    return token if len(token) <= MAX_TOKEN and token.isascii() else ""


def hand_over(request: Request, response: Response, cookie: str, token: str) -> None:
    """Give it to the browser until it is closed; no script and no other site gets at it."""
    response.set_cookie(cookie, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
