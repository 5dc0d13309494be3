"""Each notice as one signed request to a system of the operator's own."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from sekisho.notices.channels.payload import payload
from sekisho.notices.signed_post import post

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.core.config_delivery import Webhook
    from sekisho.notices.delivery import Message, Outcome


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
        body = json.dumps(payload(message), ensure_ascii=False).encode()
        return post(self._webhook, body, number=message.id, now_s=self._clock())
