"""Bounces read back: which notice could not be delivered, for now or for good.

A bounce is a delivery status notification (RFC 3464): it names what happened in a form for programs and carries the
header of the mail that it is about. Anybody can send one, so it counts only for a Message-ID that we gave out.
"""

from __future__ import annotations

import email
import mailbox
import re
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import default
from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_OCTETS = 1 << 20
"""Larger ones are not read: a status and a header need a few thousand octets."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MESSAGE_ID = re.compile(r"<([A-Za-z0-9._-]{1,100})@([A-Za-z0-9.-]{1,253})>")


class Unread(StrEnum):
    """Why a mail in the mailbox for bounces is none."""

    NOT_A_STATUS = "not_a_status"
    NOT_OURS = "not_ours"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a server on the way says about one notice.

    Attributes:
        notice: the left side of its Message-ID.
        status: RFC 3463, such as ``5.1.1``; "" where none is told.
        is_final: whether nobody tries any more.
    """

    notice: str
    status: str
    is_final: bool


def read_bounces(place: Path, domain: str) -> Iterator[tuple[str, Bounce | Unread]]:
    """Every mail of a mailbox by its key; nothing is removed, so that reading it twice tells the same.

    Args:
        place: a Maildir, or a file in mbox form.
        domain: right side of our Message-IDs.

    Raises:
        InputError: it is neither.
    """
    box: mailbox.Mailbox[mailbox.mboxMessage] | mailbox.Mailbox[mailbox.MaildirMessage]
    if (place / "new").is_dir():
        box = mailbox.Maildir(place, create=False)
    elif place.is_file():
        box = mailbox.mbox(place, create=False)
    else:
        raise InputError(place, "expected a Maildir or a file in mbox form, found neither")
    try:
        for key in sorted(box.keys()):
            octets = box.get_bytes(key)
            yield key, parse(octets, domain) if len(octets) <= MAX_OCTETS else Unread.TOO_LARGE
    finally:
        box.close()


def parse(octets: bytes, domain: str) -> Bounce | Unread:
    """What a mail says about a notice of ours."""
    try:
        mail = email.message_from_bytes(octets, policy=default)
        parts = list(mail.walk())
        statuses = [part for part in parts if part.get_content_type() == "message/delivery-status"]
        if not statuses:
            return Unread.NOT_A_STATUS
        notice = _notice_of(parts, domain)
        return Unread.NOT_OURS if notice is None else _bounce(notice, statuses[0])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The parser of the library stumbles over some malformed mails; those are nobody's bounces.
        return Unread.NOT_A_STATUS


def _bounce(notice: str, status: Message) -> Bounce | Unread:
    """The first recipient's fields: a notice has one."""
    blocks = status.get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, Message):
            continue
        action = str(block.get("Action", "")).strip().lower()
        if action in {"failed", "delayed"}:
            found = _STATUS.search(str(block.get("Status", "")))
            return Bounce(notice=notice, status=found[0] if found else "", is_final=action == "failed")
    return Unread.NOT_A_STATUS


def _notice_of(parts: list[EmailMessage], domain: str) -> str | None:
    """The Message-ID in the header that the bounce returns."""
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            header = email.message_from_string(part.get_content())
        elif part.get_content_type() == "message/rfc822":
            returned = part.get_payload(0)
            if not isinstance(returned, Message):
                continue
            header = returned
        else:
            continue
        found = _MESSAGE_ID.fullmatch(str(header.get("Message-ID", "")).strip())
        if found is not None and found[2].lower() == domain.lower():
            return found[1]
    return None
