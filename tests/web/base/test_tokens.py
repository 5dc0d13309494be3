"""Tokens of sessions and of forms."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sekisho.web.base import tokens


def request(cookie: str = "", scheme: str = "http") -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "scheme": scheme, "server": ("h", 80),
                    "query_string": b"", "headers": [(b"cookie", cookie.encode())]})  # fmt: skip


def test_a_form_belongs_to_one_session() -> None:
    """A token of another session, or none at all, is not ours; without a session nothing is."""
    mine, other = tokens.new_token(), tokens.new_token()
    assert tokens.is_ours(mine, tokens.form_token(mine))
    assert not tokens.is_ours(mine, tokens.form_token(other))
    assert not tokens.is_ours(mine, "")
    assert not tokens.is_ours(mine, "\udcffé")
    assert not tokens.is_ours("", tokens.form_token(""))


def test_the_form_token_and_the_digest_do_not_give_the_session_away() -> None:
    """What stands in pages and what stands in the database is not what the cookie holds."""
    token = tokens.new_token()
    assert len({token, tokens.form_token(token), tokens.digest_of(token)}) == 3


def test_a_session_cookie_is_kept_from_scripts_and_other_sites() -> None:
    """And from plain HTTP, once there is TLS."""
    for scheme, is_secure in (("http", False), ("https", True)):
        response = Response()
        tokens.hand_over(request(scheme=scheme), response, "sekisho_portal", "t")
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "max-age" not in cookie.lower()
        assert ("Secure" in cookie) is is_secure


def test_an_oversized_cookie_is_no_token() -> None:
    """Whatever a browser sends is bounded before it is looked up."""
    assert tokens.held(request("sekisho_portal=abc"), "sekisho_portal") == "abc"
    assert tokens.held(request(f"sekisho_portal={'a' * 65}"), "sekisho_portal") == ""
    assert tokens.held(request(), "sekisho_portal") == ""
