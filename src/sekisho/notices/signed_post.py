"""One signed request to a system of the operator's own, and what its answer means.

The signature covers time and body: ``v1=`` and the hexadecimal HMAC-SHA256 of ``TIMESTAMP.BODY``. The other side
refuses an old timestamp, and takes one ``Idempotency-Key`` once. Addresses come from the configuration alone, and where
an answer points is never followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING

from sekisho.notices.delivery import Deferred, Refused, Sent

if TYPE_CHECKING:
    from sekisho.core.config_delivery import Webhook
    from sekisho.notices.delivery import Outcome

MIN_KEY_OCTETS = 32
"""As many as the digest has (RFC 2104, 3): a shorter key is the weakest part."""

_ABOUT_THIS_MESSAGE = frozenset({400, 413, 422})
"""The other side has understood and will not take this one; every other refusal is about us or about now."""

_TAKEN_BEFORE = 409
_MAX_RETRY_S = 86_400.0


def post(webhook: Webhook, body: bytes, *, number: str, now_s: float) -> Outcome:
    """Post it, and wait no longer than ``timeout_s`` in all, however slowly the other side talks.

    Args:
        webhook: where to, with a url and a key.
        body: JSON.
        number: of the message, by which the other side knows it again.
        now_s: stands in the signature.
    """
    import ssl

    import httpx

    try:
        headers = _headers(webhook, number, body, now_s)
        trusted = ssl.create_default_context(cafile=webhook.ca_file)
    except (OSError, ValueError) as error:
        return Deferred(why=f"the key or the certificates of the webhook cannot be used: {error}")

    async def ask() -> tuple[int, str]:
        client = httpx.AsyncClient(verify=trusted, trust_env=False, follow_redirects=False, timeout=webhook.timeout_s)
        async with (
            asyncio.timeout(webhook.timeout_s),
            client,
            # What the answer says beyond its head is not read.
            client.stream("POST", webhook.url or "", content=body, headers=headers) as answer,
        ):
            return answer.status_code, answer.headers.get("retry-after", "")

    try:
        return _outcome(*asyncio.run(ask()))
    except (OSError, httpx.HTTPError) as error:
        return Deferred(why=f"the webhook does not answer ({type(error).__name__})")


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """What the other side computes, too, and compares in constant time."""
    return "v1=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _headers(webhook: Webhook, number: str, body: bytes, now_s: float) -> dict[str, str]:
    assert webhook.key_file is not None, "the configuration asks for it"
    key, timestamp = webhook.key_file.read_bytes().strip(), str(int(now_s))
    if len(key) < MIN_KEY_OCTETS:
        raise ValueError(f"expected a key of at least {MIN_KEY_OCTETS} octets, found {len(key)}")
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": number,
        "Sekisho-Timestamp": timestamp,
        "Sekisho-Signature": signature(key, timestamp, body),
    }


def _outcome(status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300 or status == _TAKEN_BEFORE:
        return Sent(receipt=str(status))
    if status in _ABOUT_THIS_MESSAGE:
        return Refused(why=f"the webhook answers {status}")
    wait = min(float(retry_after), _MAX_RETRY_S) if retry_after.isascii() and retry_after.isdigit() else None
    return Deferred(why=f"the webhook answers {status}", retry_after_s=wait)
