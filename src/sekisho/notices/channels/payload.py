"""A message as JSON, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.notices.delivery import Message

SCHEMA = "sekisho.notice/1"


def payload(message: Message) -> dict[str, str]:
    """Everything but the letter; the address is in it, since the other program is what reaches the subscriber."""
    return {
        "schema": SCHEMA,
        "id": message.id,
        "line_id": message.line_id,
        "kind": message.kind,
        "language": message.language.value,
        "case_code": message.case_code,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }
