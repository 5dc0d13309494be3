"""What every answer carries and what every request may bring, as plain ASGI around an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""No script at all, no style and no picture but our own files: what slips into a page does nothing."""

FIXED: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}

HSTS = "max-age=63072000"
"""Two years, as browsers' preload lists ask; other names below the operator's domain are not ours to speak for."""

NO_STORE = "no-store"

BODY_OCTETS = 64 << 10
"""A form of ours has some hundred octets; whatever takes more names its own limit."""

DRAINED_OCTETS = 4 << 20
"""A browser that is still sending reads no answer, and a proxy says 502: so much is dropped before the refusal."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SecureHeaders:
    """Adds the headers of ``FIXED``; an answer that says nothing else about it is not stored anywhere.

    HSTS goes out where the request came over TLS, here or at a proxy that is trusted to say so.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FIXED.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", NO_STORE)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = HSTS
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Has a request refused (413) whose body is longer than its path may have, announced or not.

    It reaches the application, whose reading of the body fails: so the refusal is a page like any other.

    Args:
        app: has to handle ``HTTPException`` of Starlette, as FastAPI does.
        octets: of every path that is not named.
        larger: path -> octets.
    """

    def __init__(self, app: ASGIApp, *, octets: int = BODY_OCTETS, larger: Mapping[str, int] | None = None) -> None:
        self._app, self._octets, self._larger = app, octets, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse what is too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], self._octets)
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            await _drain(receive)
            await self._app(scope, _too_large, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message if taken <= limit else await _too_large()

        await self._app(scope, bounded, send)


async def _too_large() -> Message:
    raise HTTPException(413)


async def _drain(receive: Receive) -> None:
    taken, more = 0, True
    while more and taken < DRAINED_OCTETS:
        message = await receive()
        taken += len(message.get("body", b""))
        more = message.get("more_body", False)


class SameSite:
    """Refuses what another site makes a browser send; forms carry a token besides.

    Browsers say where a request comes from in ``Sec-Fetch-Site``. ``Origin`` is no help: under the referrer policy
    ``no-referrer`` it reads ``null`` for our own forms, too (Fetch standard, "append a request `Origin` header").
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse what another site sent."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            site = Headers(scope=scope).get("sec-fetch-site", "same-origin")
            if site not in {"same-origin", "none"}:
                await PlainTextResponse("the request comes from another site\n", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
