"""``sekisho.toml``, the part about pages for people: where they are answered, and over which transport."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, Strict, model_validator

from sekisho.core.config_fields import File, Prefix, Section
from sekisho.core.config_serve import ListenAt  # noqa: TC001 (pydantic reads it at run time)


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
