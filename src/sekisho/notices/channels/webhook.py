"""Each notice as one signed request to a system of the operator's own.

The signature covers time and body: ``v1=`` and the hexadecimal HMAC-SHA256 of ``TIMESTAMP.BODY``. The other side
refuses an old timestamp, and takes one ``Idempotency-Key`` once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

from sekisho.notices.channels.payload import payload
from sekisho.notices.delivery import Deferred, Refused, Sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.core.config_delivery import Webhook
    from sekisho.notices.delivery import Message, Outcome

MIN_KEY_OCTETS = 32
"""As many as the digest has (RFC 2104, 3): a shorter key is the weakest part."""

_ABOUT_THIS_MESSAGE = frozenset({400, 413, 422})
"""The other side has understood and will not take this one; every other refusal is about us or about now."""

_TAKEN_BEFORE = 409
_MAX_RETRY_S = 86_400.0


class WebhookChannel:
    """One request for each message.

    Args:
        webhook: where to.
        clock: now in seconds; stands in the signature.
    """

    def __init__(self, webhook: Webhook, *, clock: Callable[[], float] = time.time) -> None:
        self._webhook, self._clock = webhook, clock

    def deliver(self, message: Message) -> Outcome:
        """Post it, and never follow where an answer points."""
        import ssl

        import httpx

        webhook = self._webhook
        body = json.dumps(payload(message), ensure_ascii=False).encode()
        try:
            answer = httpx.post(
                webhook.url or "",
                content=body,
                headers=self._headers(message.id, body),
                timeout=webhook.timeout_s,
                follow_redirects=False,
                verify=ssl.create_default_context(cafile=webhook.ca_file),
                trust_env=False,
            )
        except (OSError, ValueError) as error:
            return Deferred(why=f"the key or the certificates of the webhook cannot be used: {error}")
        except httpx.HTTPError as error:
            return Deferred(why=f"the webhook does not answer ({type(error).__name__})")
        return _outcome(answer.status_code, answer.headers.get("retry-after", ""))

    def _headers(self, number: str, body: bytes) -> dict[str, str]:
        assert self._webhook.key_file is not None
        key, timestamp = self._webhook.key_file.read_bytes().strip(), str(int(self._clock()))
        if len(key) < MIN_KEY_OCTETS:
            raise ValueError(f"expected a key of at least {MIN_KEY_OCTETS} octets, found {len(key)}")
        return {
            "Content-Type": "application/json",
            "Idempotency-Key": number,
            "Sekisho-Timestamp": timestamp,
            "Sekisho-Signature": signature(key, timestamp, body),
        }


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """What the other side computes, too, and compares in constant time."""
    return "v1=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _outcome(status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300 or status == _TAKEN_BEFORE:
        return Sent(receipt=str(status))
    if status in _ABOUT_THIS_MESSAGE:
        return Refused(why=f"the webhook answers {status}")
    wait = min(float(retry_after), _MAX_RETRY_S) if retry_after.isascii() and retry_after.isdigit() else None
    return Deferred(why=f"the webhook answers {status}", retry_after_s=wait)
