"""Mail, handed to the operator's own server: over STARTTLS or not at all, signed, with the same Message-ID every time.

A server that accepted and whose answer was lost gets the same message again; whoever reads it can see by the
Message-ID that it is one.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import TYPE_CHECKING

from sekisho.measures.model import Language
from sekisho.notices.delivery import Deferred, Refused, Sent, Skipped, SkipReason
from sekisho.notices.markup import as_line

if TYPE_CHECKING:
    from sekisho.core.config import Operator
    from sekisho.core.config_delivery import Mail
    from sekisho.notices.delivery import Message, Outcome

MAX_ADDRESS_OCTETS = 254
"""RFC 5321, 4.5.3.1.3: a path has at most 256 octets with its angle brackets."""

_SIGNED = (
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"auto-submitted",
)  # fmt: skip
"""Header fields under the signature: all that a reader sees, and those that decide how the body is read."""


class SmtpChannel:
    """One connection for each message: notices are few, and a server that restarts costs none of them."""

    def __init__(self, mail: Mail, operator: Operator) -> None:
        self._mail, self._operator = mail, operator

    def deliver(self, message: Message) -> Outcome:
        """Hand the message to the server."""
        if not message.to:
            return Skipped(SkipReason.NO_ADDRESS)
        if not is_mail_address(message.to):
            return Refused(why="the mail address of the contact is not one that mail can be sent to")
        try:
            octets = self.sealed(compose(message, self._mail, self._operator))
        except OSError as error:
            return Deferred(why=f"a key or password file cannot be read: {error.strerror}")
        return self._hand_over(message.to, octets)

    def sealed(self, composed: EmailMessage) -> bytes:
        """The octets that leave, with the signature above them (RFC 6376, relaxed/relaxed, rsa-sha256).

        Raises:
            OSError: the key cannot be read.
        """
        octets, mail = composed.as_bytes(), self._mail
        if mail.dkim_domain is None or mail.dkim_selector is None or mail.dkim_key_file is None:
            return octets
        import dkim

        signature: bytes = dkim.sign(
            octets,
            mail.dkim_selector.encode(),
            mail.dkim_domain.encode(),
            mail.dkim_key_file.read_bytes(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(_SIGNED),
        )
        return signature + octets

    def _hand_over(self, to: str, octets: bytes) -> Outcome:
        server = None
        try:
            server = self._connected()
            server.sendmail(self._mail.envelope_from or "", [to], octets)
        except (OSError, smtplib.SMTPException) as error:
            return _outcome(error)
        finally:
            if server is not None:
                _leave(server)
        return Sent()

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        server = smtplib.SMTP(mail.host or "", mail.port, timeout=mail.timeout_s)
        try:
            server.starttls(context=ssl.create_default_context(cafile=mail.ca_file))
            if mail.user is not None and mail.password_file is not None:
                server.login(mail.user, mail.password_file.read_text("utf-8").strip())
        except BaseException:
            server.close()
            raise
        return server


def is_mail_address(text: str) -> bool:
    """Whether mail can be sent there without extensions: ASCII, one local part, one domain, no control character."""
    local, _, domain = text.rpartition("@")
    return (
        0 < len(text) <= MAX_ADDRESS_OCTETS
        and text.isascii()
        and text.isprintable()
        and bool(local)
        and "." in domain.strip(".")
        and not set(text) & set(' <>(),;:\\"[]')
        and "@" not in local
    )


def compose(message: Message, mail: Mail, operator: Operator) -> EmailMessage:
    """The mail: plain text and the same as HTML, seven-bit, so that no server on the way has a reason to change it."""
    sender = mail.from_address or ""
    name = operator.name_ja if message.language is Language.JA else operator.name_en
    composed = EmailMessage(policy=SMTP)
    composed["From"] = Address(as_line(name or ""), addr_spec=sender)
    composed["To"] = Address(addr_spec=message.to)
    composed["Subject"] = as_line(message.subject)
    composed["Date"] = formatdate()
    composed["Message-ID"] = message_id(message.id, sender)
    composed["Auto-Submitted"] = "auto-generated"
    composed["Content-Language"] = message.language.value
    composed.set_content(message.text, cte="base64")
    composed.add_alternative(message.html, subtype="html", cte="base64")
    return composed


def message_id(notice: str, from_address: str) -> str:
    """The Message-ID of a notice; bounces are matched by it."""
    return f"<{notice}@{from_address.rpartition('@')[2]}>"


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; what the server answers to that changes nothing about the message."""
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _outcome(error: OSError) -> Outcome:
    """What a failure means for the message; only an answer about the subscriber or the message is final."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            ((code, _),) = error.recipients.values()
            return _answer(code, "the recipient")
        case smtplib.SMTPDataError():
            return _answer(error.smtp_code, "the message")
        case smtplib.SMTPResponseException():
            # The server refuses us: wrong password, wrong sender, wrong policy.
            return Deferred(why=f"the mail server refuses this sender with {error.smtp_code}")
        case smtplib.SMTPNotSupportedError():
            return Deferred(why="the mail server offers no STARTTLS or no login, and nothing is sent without it")
        case ssl.SSLError():
            return Deferred(why="the mail server's certificate cannot be verified")
        case _:
            return Deferred(why=f"the mail server cannot be reached or stopped answering ({type(error).__name__})")


def _answer(code: int, what: str) -> Outcome:
    """RFC 5321, 4.2.1: 4xx may succeed later, 5xx will not."""
    said = f"the mail server answers {code} to {what}"
    return Refused(why=said) if 500 <= code < 600 else Deferred(why=said)
