"""Mail through a real server: STARTTLS, login, signature, refusals, bounces."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from notices.channels.mail_server import MailServer, mail_server
from notices.messages import HOSTILE, message
from notices.samples import OPERATOR
from sekisho.core.config_delivery import Mail
from sekisho.notices.bounces import Bounce, read_bounces
from sekisho.notices.channels.smtp import SmtpChannel, compose, is_mail_address, message_id
from sekisho.notices.delivery import Deferred, Refused, Sent, Skipped, SkipReason


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("dkim") / "dkim.pem"
    file.write_bytes(pem)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return file, b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])


def settings(server: MailServer, keys: tuple[Path, bytes], **changes: Any) -> Mail:
    password = server.folder / "password"
    password.write_text("correct horse\n", encoding="utf-8")
    values = {
        "host": "127.0.0.1",
        "port": server.port,
        "ca_file": server.ca_file,
        "user": "notices",
        "password_file": password,
        "from_address": "abuse@isp.example",
        "return_path": "bounces@isp.example",
        "dkim_domain": "isp.example",
        "dkim_selector": "s1",
        "dkim_key_file": keys[0],
        "timeout_s": 10.0,
    }
    return Mail(**{**values, **changes})


class Zone(dict[bytes, bytes]):
    def txt(self, name: bytes, timeout: int = 5) -> bytes | None:
        assert timeout
        return self.get(name)


def find(server: MailServer, number: str) -> bytes:
    (found,) = [octets for octets in server.taken() if f"Message-ID: <{number}@".encode() in octets]
    return found


def test_a_mail_arrives_signed_and_whole(server: MailServer, keys: tuple[Path, bytes]) -> None:
    """STARTTLS and the login were needed to get there; subject and both bodies are as they were given.

    RFC 6376 section 6.1: the signature holds after the server has added its own fields.
    """
    given, before = message(id="n1.whole"), len(server.taken())
    assert SmtpChannel(settings(server, keys), OPERATOR).deliver(given) == Sent()
    server.wait_for("taken", before + 1)
    octets = find(server, given.id)
    mail = email.message_from_bytes(octets, policy=default)
    assert isinstance(mail, EmailMessage)
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert (mail["Subject"], *(part.get_content().replace("\r\n", "\n") for part in (text, html))) == (
        given.subject,
        given.text,
        given.html,
    )
    assert mail["From"] == "サンプルネット <abuse@isp.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert list(mail.iter_attachments()) == []
    crlf = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    zone = Zone({b"s1._domainkey.isp.example.": keys[1]})
    assert dkim.verify(crlf, dnsfunc=zone.txt)
    signed = re.search(rb"h=([^;]*);", octets.replace(b"\n", b""))
    assert signed is not None
    assert {b"from", b"to", b"subject", b"message-id"} <= {name.strip() for name in signed[1].split(b":")}
    assert not dkim.verify(crlf.replace(b"Subject: ", b"Subject: x"), dnsfunc=zone.txt)


def test_the_same_message_has_the_same_message_id(server: MailServer, keys: tuple[Path, bytes]) -> None:
    """A second attempt after a lost answer can be seen to be one."""
    channel = SmtpChannel(settings(server, keys), OPERATOR)
    before = len(server.taken())
    for _ in range(2):
        assert channel.deliver(message(id="n2.twice")) == Sent()
    server.wait_for("taken", before + 2)
    assert sum(b"Message-ID: <n2.twice@isp.example>" in octets for octets in server.taken()) == 2


def test_a_bounce_is_read_back(server: MailServer, keys: tuple[Path, bytes]) -> None:
    """The server accepted it and could not deliver it: its report names our notice, for good."""
    assert SmtpChannel(settings(server, keys), OPERATOR).deliver(message(id="n3.gone", to="gone@isp.example")) == Sent()
    server.wait_for("bounces", 1)
    found = [bounce for _, bounce in read_bounces(server.folder / "bounces", "isp.example")]
    assert found == [Bounce(notice="n3.gone", status="5.0.0", is_final=True)]
    assert found == [bounce for _, bounce in read_bounces(server.folder / "bounces", "ISP.example")]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("nobody@isp.example", Refused(why="the mail server answers 550 to the recipient")),
        ("later@isp.example", Deferred(why="the mail server answers 451 to the recipient")),
        ("", Skipped(SkipReason.NO_ADDRESS)),
    ],
)
def test_answers_about_the_recipient(server: MailServer, keys: tuple[Path, bytes], to: str, expected: object) -> None:
    """Never, not now, nothing to send to."""
    assert SmtpChannel(settings(server, keys), OPERATOR).deliver(message(to=to)) == expected


def test_what_is_wrong_with_us_is_for_later(server: MailServer, keys: tuple[Path, bytes], tmp_path: Path) -> None:
    """A wrong password, a certificate of nobody we know, a missing key, nobody there: no notice is lost by it."""
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong", encoding="utf-8")
    changes = [
        {"password_file": wrong},
        {"ca_file": None},
        {"dkim_key_file": tmp_path / "missing"},
        {"port": 1},
        {"user": None, "password_file": None},
    ]
    outcomes = [SmtpChannel(settings(server, keys, **change), OPERATOR).deliver(message()) for change in changes]
    words = ["535", "certificate", "cannot be read", "cannot be reached"]
    for outcome, word in zip(outcomes, words, strict=False):
        assert isinstance(outcome, Deferred), word
        assert word in outcome.why
        assert "customer.example" not in outcome.why
    assert outcomes[-1] == Refused(why="the mail server answers 550 to the recipient")


def test_without_starttls_nothing_is_sent(keys: tuple[Path, bytes]) -> None:
    """Not the password, and not the mail."""
    with mail_server(tls=False) as plain:
        outcome = SmtpChannel(settings(plain, keys), OPERATOR).deliver(message())
        assert outcome == Deferred(why="the mail server offers no STARTTLS or no login, and nothing is sent without it")
        assert plain.taken() == []


def test_hostile_values_are_inert(server: MailServer, keys: tuple[Path, bytes]) -> None:
    """A megabyte with line ends and markup in the subject and the text adds no header and no recipient."""
    given = message(id="n4.hostile", subject=HOSTILE, text=HOSTILE, html="<p>x</p>")
    before = len(server.taken())
    assert SmtpChannel(settings(server, keys), OPERATOR).deliver(given) == Sent()
    server.wait_for("taken", before + 1)
    mail = email.message_from_bytes(find(server, given.id), policy=default)
    assert mail["Bcc"] is None
    assert len(mail["Subject"]) <= 400
    assert mail["Subject"].isprintable()


@pytest.mark.parametrize(
    "to",
    ["a@b", "a b@c.example", "a@c.example\r\nBcc: x@d.example", "a@c.example, x@d.example", "<a@c.example>",
     "あ@c.example",
     "@c.example", "a@@c.example", "a@c.example\0", "x" * 250 + "@c.example", HOSTILE],
)  # fmt: skip
def test_what_is_no_address_goes_to_a_person(keys: tuple[Path, bytes], to: str) -> None:
    """Nothing is connected for it, and the reason does not repeat it."""
    mail = Mail(host="127.0.0.1", port=1, from_address="abuse@isp.example", dkim_required=False)
    assert not is_mail_address(to)
    assert SmtpChannel(mail, OPERATOR).deliver(message(to=to)) == Refused(
        why="the mail address of the contact is not one that mail can be sent to"
    )
    assert keys


def test_lines_that_leave_are_short_and_ascii() -> None:
    """RFC 5321 section 4.5.3.1.6: no server on the way has a reason to fold or recode what was signed."""
    mail = Mail(host="x.example", from_address="abuse@isp.example", dkim_required=False)
    octets = compose(message(text="あ" * 5000, subject="件名" * 60), mail, OPERATOR).as_bytes()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert octets.isascii()
    assert message_id("n1", "a@isp.example") == "<n1@isp.example>"
