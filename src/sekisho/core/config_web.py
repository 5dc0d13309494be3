"""``sekisho.toml``, the part about pages for people: where they are answered, and over which transport."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, Strict, model_validator

from sekisho.core.config_fields import Address, File, Prefix, Section
from sekisho.core.config_serve import ListenAt  # noqa: TC001 (pydantic reads it at run time)

_NOT_A_USER = frozenset(
    {
        "accept-language", "authorization", "content-length", "content-type", "cookie", "forwarded", "host",
        "idempotency-key", "sec-fetch-site", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    }
)  # fmt: skip
"""Headers that browsers or proxies send for another purpose."""


class WebListen(Section):
    """Where an application answers; over TLS, or behind a proxy that speaks it."""

    listen: ListenAt | None = None
    """Where it answers, as ADDRESS:PORT (TCP), IPv6 in brackets; without it there is none."""
    certificate: File | None = None
    """Chain of certificates (PEM); with it the application speaks TLS itself."""
    key_file: File | None = None
    """Private key of the certificate."""
    proxies: tuple[Prefix, ...] = ()
    """Proxies that are believed when they say, in ``X-Forwarded-For`` and ``X-Forwarded-Proto``, who asks and how."""
    connections: Annotated[int, Strict(), Field(ge=10, le=10_000)] = 200
    """Connections at once; whoever comes after is answered 503."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.certificate is None) != (self.key_file is None):
            raise ValueError("both certificate and key_file, or neither")
        if self.listen is not None and self.certificate is None and not self.listen.address.is_loopback:
            raise ValueError("a certificate and a key_file, or a listen address of this machine alone, behind a proxy")
        return self


class Portal(WebListen):
    """``[portal]``: the pages for subscribers; their address is ``operator.site``."""


class Console(WebListen):
    """``[console]``: the pages for operators, and the API for their programs."""

    proxy_user_header: Annotated[str, Strict(), Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,59}$")] | None = None
    """Header in which a proxy says whom it has let in, such as ``X-Forwarded-User``: the name of an account. With it
    nobody signs in by a password; without it no such header means anything."""
    trusted_proxies: tuple[Address, ...] = ()
    """Addresses from which that header is believed: of proxies that remove it from what browsers send."""

    @model_validator(mode="after")
    def _believed(self) -> Self:
        if (self.proxy_user_header is None) == bool(self.trusted_proxies):
            raise ValueError("both proxy_user_header and trusted_proxies, or neither")
        if self.proxy_user_header is not None and self.proxy_user_header.lower() in _NOT_A_USER:
            raise ValueError("a proxy_user_header that means nothing else")
        return self
