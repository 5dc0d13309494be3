"""The Authorization header."""

from __future__ import annotations

import hashlib

from sekisho.checkup.probes.authorization import authorization


def header(challenge: str, *, method: str = "GET") -> str | None:
    return authorization(challenge, "admin", "pw", method=method, path="/x")


def h(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_digest_without_qop_is_computed_as_the_rfc_says() -> None:
    """RFC 7616 section 3.4.1, in the form that devices without qop still have; the method is part of it."""
    challenge = 'Digest realm="cam, east", nonce="n1", opaque="o1"'
    for method in ("GET", "POST"):
        expected = h(f"{h('admin:cam, east:pw')}:n1:{h(f'{method}:/x')}")
        assert f'response="{expected}"' in (header(challenge, method=method) or "")
    assert 'opaque="o1"' in (header(challenge) or "")


def test_digest_with_qop_counts_and_brings_a_nonce_of_its_own() -> None:
    """RFC 7616 section 3.4: no two requests carry the same client nonce."""
    challenge = 'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256'
    first, second = header(challenge), header(challenge)
    assert "qop=auth, nc=00000001" in (first or "")
    assert first != second


def test_basic_is_user_and_password() -> None:
    """RFC 7617 section 2."""
    assert header('Basic realm="x"') == "Basic YWRtaW46cHc="


def test_what_is_not_spoken_is_not_tried() -> None:
    """Another scheme, another algorithm, or a challenge without its parts."""
    assert header("Negotiate") is None
    assert header('Digest realm="a", nonce="b", algorithm=SHA-512') is None
    assert header('Digest realm="a"') is None
    assert header("") is None
