"""Language and looks: the address, then the cookie, then the browser, then Japanese."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from sekisho.measures.model import Language
from sekisho.web.base.language import Preferences, TextSize, Theme, accepted


def request(*, query: str = "", cookie: str = "", accept: str = "", scheme: str = "http") -> Request:
    headers = [(b"cookie", cookie.encode()), (b"accept-language", accept.encode()), (b"host", b"portal.example")]
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "scheme": scheme,
            "query_string": query.encode(),
            "headers": headers,
        }
    )


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ja"),
        ("en", "en"),
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("fr,ja;q=0.5,en;q=0.4", "ja"),
        ("fr,de", "ja"),
        ("ja;q=0.1, en;q=0.2", "en"),
        ("en;q=high", "ja"),
        ("en;q=0", "ja"),
        ("EN", "en"),
        (",".join(["fr"] * 10_000), "ja"),
    ],
)
def test_the_browsers_language_is_taken(header: str, language: str) -> None:
    """By weight; what is no weight counts nothing."""
    assert accepted(header) == language


def test_the_address_goes_before_the_cookie_and_the_cookie_before_the_browser() -> None:
    """Somebody who clicks on English gets English."""
    found = Preferences.of(request(query="lang=en&theme=dark&text=large", cookie="sekisho_lang=ja", accept="ja"))
    assert (found.language, found.theme, found.size) == (Language.EN, Theme.DARK, TextSize.LARGE)
    assert Preferences.of(request(cookie="sekisho_lang=en", accept="ja")).language is Language.EN


def test_what_is_not_offered_changes_nothing() -> None:
    """Neither in the address nor in a cookie."""
    found = Preferences.of(request(query='lang="><script>', cookie="sekisho_theme=neon"))
    assert (found.language, found.theme, found.chosen) == (Language.JA, Theme.AUTO, {})


def test_only_what_was_asked_for_is_kept() -> None:
    """A cookie for each choice; over TLS it never travels without."""
    asked, response = request(query="lang=en", scheme="https"), Response()
    Preferences.of(asked).keep(asked, response)
    (cookie,) = response.headers.getlist("set-cookie")
    assert cookie.startswith("sekisho_lang=en;")
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
