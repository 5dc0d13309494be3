"""Sign-in by a proxy in front, which asks the operator's own identity provider (OIDC, SAML) and says whom it let in.

Its word is a header, believed from its own address alone; the session ends with the word: a page is answered only while
the proxy names the person whose session it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.web.base.peer import peer_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from sekisho.web.console.state import Console


def is_on(console: Console) -> bool:
    """Whether people sign in so."""
    return console.config.console.proxy_user_header is not None


def person(console: Console, request: Request) -> str:
    """Whom a trusted proxy names; "" where none does.

    A header that stands there twice names nobody: one of the two may be the browser's own.
    """
    settings = console.config.console
    assert settings.proxy_user_header is not None, "asked only where it is on"
    named = request.headers.getlist(settings.proxy_user_header)
    if peer_of(request.scope) not in settings.trusted_proxies or len(named) != 1:
        return ""
    return named[0].strip().lower()
