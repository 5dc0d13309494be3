"""One request to an ASGI application, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest


@pytest.fixture
def run() -> Callable[..., httpx.Response]:
    """Sends one request with a client and closes it."""

    def send(client: httpx.AsyncClient, method: str, path: str, **more) -> httpx.Response:
        async def once() -> httpx.Response:
            async with client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    return send
