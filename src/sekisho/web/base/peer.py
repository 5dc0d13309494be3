"""Who is at the other end of the connection: noted before a proxy's word for it takes its place."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from starlette.types import ASGIApp, Receive, Scope, Send

    from sekisho.core.address import IPAddress

_KEY = "sekisho.peer"


class NotePeer:
    """Outermost of all: ``X-Forwarded-For`` of a proxy that is believed changes ``client`` further in.

    Args:
        app: what is answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the address noted."""
        if scope["type"] == "http":
            client = scope.get("client")
            scope[_KEY] = client[0] if client else None
        await self._app(scope, receive, send)


def peer_of(scope: MutableMapping[str, Any]) -> IPAddress | None:
    """The address of the other end; None where nobody noted it."""
    try:
        return ip_address(scope.get(_KEY) or "")
    except ValueError:
        return None
