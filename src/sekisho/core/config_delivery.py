"""``sekisho.toml``, the part about reaching people: contacts, and a section for each channel."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict, model_validator

from sekisho.core.config_fields import File, Section, Text

Port = Annotated[int, Strict(), Field(ge=1, le=65_535)]
Millimetres = Annotated[float, Strict(), Field(ge=0, le=210)]


def _mail_address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain or not text.isascii() or any(c in text for c in ' <>",;:\t\r\n'):
        raise ValueError("a mail address, such as abuse@isp.example")
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.hostname is None or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise ValueError("an address that begins with https://, without a user name")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("https: what leaves this machine is personal data")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


CaseEvent = Literal[
    "open", "notified", "acknowledged", "observing", "escalated", "relapsed", "resolved", "dismissed", "line_ended",
    "withdrawn",
]  # fmt: skip
"""The states of a case, of which `cases/states.py` knows more; a test holds them equal."""

MailAddress = Annotated[str, Strict(), AfterValidator(_mail_address)]
WebAddress = Annotated[str, Strict(), AfterValidator(_web_address)]
"""Plain http is allowed towards this machine itself only."""


class Contacts(Section):
    """``[contacts]``: where a subscriber can be reached; asked for a line that has an open case, and for no other."""

    book: File | None = None
    """Encrypted book of contacts, made from a CSV file by ``sekisho contacts import``."""
    key_file: File | None = None
    """Key of the book, made by ``sekisho contacts key``; whoever has both reads every contact."""
    url: WebAddress | None = None
    """Customer system that answers ``GET URL/LINE_ID`` with one contact as JSON; instead of a book."""
    token_file: File | None = None
    """Bearer token for it."""
    ca_file: File | None = None
    """Certificates that it is checked with; without it, those of the system."""
    timeout_s: Annotated[float, Strict(), Field(gt=0, le=60)] = 5.0
    """How long it may take to answer."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.book is not None and self.url is not None:
            raise ValueError("one of book and url")
        if self.book is not None and self.key_file is None:
            raise ValueError("a key_file beside the book")
        return self


class Mail(Section):
    """``[mail]``: notices by mail, handed to the operator's own server over STARTTLS."""

    host: Text | None = None
    """Mail server; without it there is no mail. Its certificate has to carry this name."""
    port: Port = 587
    """Its port for submission; STARTTLS is required there."""
    ca_file: File | None = None
    """Certificates that the server is checked with; without it, those of the system."""
    user: Text | None = None
    """User name at the server; without it nobody logs in."""
    password_file: File | None = None
    """File that holds nothing but the password."""
    timeout_s: Annotated[float, Strict(), Field(gt=0, le=300)] = 30.0
    """How long the server may take for each answer."""
    from_address: MailAddress | None = None
    """Whom the mail is from; its domain is what DKIM, SPF and DMARC have to agree with."""
    return_path: MailAddress | None = None
    """Where bounces go; without it, to ``from_address``."""
    dkim_required: Annotated[bool, Strict()] = True
    """Without a signature no mail leaves; false where the server signs by itself."""
    dkim_domain: Text | None = None
    """Domain that signs (``d=``)."""
    dkim_selector: Text | None = None
    """Name of the key in the DNS (``s=``)."""
    dkim_key_file: File | None = None
    """Private key, RSA in PEM."""
    bounces: File | None = None
    """Where bounces are read: a Maildir, or a file in mbox form."""

    @property
    def envelope_from(self) -> str | None:
        """Where bounces go."""
        return self.return_path or self.from_address

    @property
    def signs(self) -> bool:
        """Whether there is everything that a signature needs."""
        return None not in (self.dkim_domain, self.dkim_selector, self.dkim_key_file)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.host is None:
            return self
        if self.from_address is None:
            raise ValueError("a from_address beside the host")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("both user and password_file, or neither")
        if self.dkim_required and not self.signs:
            raise ValueError(
                "dkim_domain, dkim_selector and dkim_key_file, or dkim_required = false where the server signs"
            )
        if self.dkim_domain is not None and not _aligned(self.from_address, self.dkim_domain):
            raise ValueError(f"a dkim_domain that is aligned with from_address ({self.from_address})")
        if self.return_path is not None and not _aligned(self.return_path, self.from_address.rpartition("@")[2]):
            raise ValueError(f"a return_path that is aligned with from_address ({self.from_address})")
        return self


def _aligned(address: str, domain: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1), for one domain above the other.

    Two sisters below one organizational domain would be aligned, too; to know that needs the list of public suffixes.
    """
    one, other = address.rpartition("@")[2].lower(), domain.lower()
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


class Letter(Section):
    """``[letter]``: letters as PDF with a file of addresses, for whoever prints and posts them.

    The address stands where the window of the envelope is, counted from the upper left corner of the folded sheet.
    """

    directory: File | None = None
    """Folder of the queue, one folder a day in it; without it there are no letters."""
    window_left_mm: Millimetres = 20.0
    """From the left edge of the paper to the window; the default is for the long envelope no. 3 (120 by 235 mm)."""
    window_top_mm: Millimetres = 12.0
    """From the upper edge."""
    window_width_mm: Annotated[float, Strict(), Field(ge=50, le=150)] = 90.0
    """Width of the window."""
    window_height_mm: Annotated[float, Strict(), Field(ge=20, le=80)] = 45.0
    """Height of the window."""
    qr: Annotated[bool, Strict()] = True
    """Whether a QR code of the operator's own site stands beside the code that is typed there."""


class Webhook(Section):
    """``[webhook]``: each notice as a signed request to a system of the operator's own."""

    url: WebAddress | None = None
    """Where it goes; without it there is no webhook."""
    key_file: File | None = None
    """Secret of the signature, at least 32 octets."""
    ca_file: File | None = None
    """Certificates that the other side is checked with; without it, those of the system."""
    timeout_s: Annotated[float, Strict(), Field(gt=0, le=60)] = 10.0
    """How long it may take to answer."""

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.url is not None and self.key_file is None:
            raise ValueError("a key_file beside the url")
        return self


class CaseWebhook(Webhook):
    """``[[case_webhook]]``: each step of a case as a signed request to a system of the operator's own."""

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9_-]{1,60}$")]
    """What it is called. A new name is told what happens from then on; a known one goes on where it stopped."""
    url: WebAddress
    """Where it goes; redirects are not followed."""
    events: tuple[CaseEvent, ...] = ()
    """States that it is told of when a case enters them, such as ``open`` or ``resolved``; without any, all."""


class Drop(Section):
    """``[drop]``: each notice as a folder of files, for another program to take."""

    directory: File | None = None
    """Where the folders appear; without it nothing is dropped."""
