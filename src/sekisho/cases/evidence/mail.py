"""Reports that come by mail: the attachments that are reports."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

from sekisho.core.reasons import ReportReason

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

MAX_PARTS = 100
"""Parts of one mail, those of forwarded mails among them."""

_TEXTS = ("text/plain", "text/html")
_REPORTS = (".json", ".csv", ".jsonl")


def is_mail(content: bytes) -> bool:
    """Whether a file begins as mails do: with header fields, among them the sender or the form."""
    head = content[:16_384].partition(b"\n\n" if b"\r\n\r\n" not in content[:16_384] else b"\r\n\r\n")[0].lower()
    return not head.startswith((b"{", b"[")) and any(
        line.startswith((b"from:", b"mime-version:", b"received:")) for line in head.splitlines()
    )


def attachments(content: bytes, dropped: Counter[ReportReason]) -> Iterator[tuple[str, bytes]]:
    """Name and octets of every part that may be a report; the letter around them is no report and is not counted."""
    mail = BytesParser(policy=policy.default).parsebytes(content)
    for number, part in enumerate(mail.walk()):
        if number >= MAX_PARTS:
            dropped[ReportReason.TOO_LONG] += 1
            return
        if part.is_multipart():
            continue
        name = part.get_filename() or ""
        if name.lower().endswith(_REPORTS) or part.get_content_type() in {"application/json", "text/csv"}:
            payload = part.get_payload(decode=True)
            yield name or part.get_content_type(), payload if isinstance(payload, bytes) else b""
        elif name or part.get_content_type() not in _TEXTS:
            dropped[ReportReason.UNKNOWN_SHAPE] += 1
