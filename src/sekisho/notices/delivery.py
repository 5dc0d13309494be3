"""What a channel is given, and what it answers: the seam between the outbox and every way to a subscriber.

A channel gets a message that is complete and answers with one of four outcomes. It never raises for what the outside
does; whatever it does raise is a bug, and the message stays claimed until its lease ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sekisho.measures.model import Language


class SkipReason(StrEnum):
    """Why a channel has nothing to do for a message; the notice goes to a person."""

    NO_CONTACT = "no_contact"
    NO_ADDRESS = "no_address"
    CHANNEL_OFF = "channel_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice as it leaves, the same at every attempt.

    Attributes:
        id: number of the notice and a random part, as the left side of a Message-ID; never another message's.
        case_code: the code that the text shows.
        line_id: whose contact it is for; for the channel's own books, never in the text.
        kind: such as ``first_notice``.
        language: of the text.
        channel: name of the channel that it is for.
        to: where the channel reaches the subscriber: a mail address, a postal address of several lines.
        pdf: the letter; None for channels that carry text.
    """

    id: str
    case_code: str
    line_id: str
    kind: str
    language: Language
    channel: str
    to: str
    subject: str
    text: str
    html: str
    pdf: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The other side has taken it.

    Attributes:
        receipt: what the other side called it, for the books; never personal.
    """

    receipt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not now: the same message is tried again.

    Attributes:
        why: one sentence without personal data.
        retry_after_s: when the other side said so, seconds; None leaves it to the outbox.
    """

    why: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Never: a person looks at it.

    Attributes:
        why: one sentence without personal data.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is nothing that this channel could do."""

    reason: SkipReason


Outcome = Sent | Deferred | Refused | Skipped


class Channel(Protocol):
    """One way to a subscriber. Constructors are inert; the first ``deliver`` connects."""

    def deliver(self, message: Message) -> Outcome:
        """Hand a message over.

        May be called again with the same message after a crash: what can recognise ``Message.id`` does it once.
        """
        ...
