"""The webhook: signed, never twice, and what each answer of the other side means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notices.messages import HOSTILE, message
from notices.other_side import other_side
from sekisho.core.config_delivery import Webhook
from sekisho.notices.channels.webhook import WebhookChannel
from sekisho.notices.delivery import Deferred, Outcome, Refused, Sent
from sekisho.notices.signed_post import signature

KEY = b"0123456789abcdef0123456789abcdef"


def channel(tmp_path: Path, url: str, key: bytes = KEY) -> WebhookChannel:
    file = tmp_path / "key"
    file.write_bytes(key + b"\n")
    return WebhookChannel(Webhook(url=url, key_file=file, timeout_s=5.0), clock=lambda: 1_795_000_000.9)


def test_a_request_is_signed(tmp_path: Path) -> None:
    """Time and body under the signature, the number of the notice as the key of idempotency."""
    given = message(subject=HOSTILE)
    with other_side(200) as (url, taken):
        assert channel(tmp_path, url).deliver(given) == Sent(receipt="200")
    ((_, headers, body),) = taken
    assert headers["Sekisho-Signature"] == signature(KEY, "1795000000", body)
    assert signature(KEY, "1795000001", body) != signature(KEY, "1795000000", body)
    assert (headers["Sekisho-Timestamp"], headers["Idempotency-Key"]) == ("1795000000", given.id)
    assert json.loads(body)["subject"] == HOSTILE


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (204, {}, Sent(receipt="204")),
        (409, {}, Sent(receipt="409")),
        (400, {}, Refused(why="the webhook answers 400")),
        (422, {}, Refused(why="the webhook answers 422")),
        (401, {}, Deferred(why="the webhook answers 401")),
        (302, {"Location": "http://127.0.0.1:1/"}, Deferred(why="the webhook answers 302")),
        (503, {"Retry_After": "120"}, Deferred(why="the webhook answers 503", retry_after_s=120.0)),
        (503, {"Retry_After": "1" * 400}, Deferred(why="the webhook answers 503", retry_after_s=86_400.0)),
        (429, {"Retry_After": "soon"}, Deferred(why="the webhook answers 429")),
    ],
)
def test_answers(tmp_path: Path, status: int, headers: dict[str, str], expected: Outcome) -> None:
    """Taken, taken before, not this one, not us, not there, not now."""
    with other_side(status, **headers) as (url, taken):
        assert channel(tmp_path, url).deliver(message()) == expected
    assert len(taken) == 1


def test_what_is_not_there_is_for_later(tmp_path: Path) -> None:
    """Nobody listens; a key that is too short; no word of the message is in the reason."""
    with other_side(200) as (url, _):
        pass
    outcomes = [channel(tmp_path, url).deliver(message()), channel(tmp_path, url, b"short").deliver(message())]
    for outcome in outcomes:
        assert isinstance(outcome, Deferred)
        assert "customer.example" not in outcome.why
    assert "at least 32 octets" in str(outcomes[1])
