"""What every answer carries, and what is refused before an application sees it."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, Request

from sekisho.web.base.headers import BODY_OCTETS, HSTS, BodyLimit, SameSite, SecureHeaders

LARGER = 1 << 20


def application() -> SecureHeaders:
    app = FastAPI()

    @app.post("/take")
    @app.post("/larger")
    async def take(request: Request) -> dict[str, int]:
        return {"octets": len(await request.body())}

    @app.get("/")
    def look() -> dict[str, str]:
        return {}

    return SecureHeaders(SameSite(BodyLimit(app, larger={"/larger": LARGER})))


def client(scheme: str = "http") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url=f"{scheme}://portal.example")


async def _in_parts(octets: int):
    for _ in range(octets // 1024):
        yield b"x" * 1024


@pytest.mark.parametrize("path", ["/", "/nothing-here"])
def test_every_answer_is_protected_and_not_stored(path: str, run) -> None:
    """An answer that something is not there, too."""
    headers = run(client(), "GET", path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_over_tls_browsers_stay_with_tls(run) -> None:
    """HSTS says so; over plain HTTP browsers would ignore it."""
    assert run(client("https"), "GET", "/").headers["strict-transport-security"] == HSTS


@pytest.mark.parametrize(
    ("path", "octets", "status"),
    [("/take", BODY_OCTETS, 200), ("/take", BODY_OCTETS + 1024, 413), ("/larger", LARGER, 200)],
)
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_its_limit_is_refused(path: str, octets: int, status: int, *, announced: bool, run) -> None:
    """Whether its length is announced or it only goes on and on; the refusal is protected, too."""
    content = b"x" * octets if announced else _in_parts(octets)
    answer = run(client(), "POST", path, content=content)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)]
)
def test_what_another_site_sends_is_refused(site: str, status: int, run) -> None:
    """Reading is harmless, changing is not; a sister site of the operator's is another site."""
    assert run(client(), "POST", "/take", headers={"Sec-Fetch-Site": site}).status_code == status
    assert run(client(), "GET", "/", headers={"Sec-Fetch-Site": site}).status_code == 200
