"""Bounces: RFC 3464 reports about mails of ours, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.errors import InputError
from sekisho.notices.bounces import MAX_OCTETS, Bounce, Unread, parse, read_bounces

DSN = """From: mailer-daemon@isp.example
Subject: failed
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.isp.example

Final-Recipient: rfc822; taro@customer.example
Action: {action}
Status: {status}

--b
Content-Type: {returned}

Message-ID: <{number}@isp.example>
Subject: x

--b--
"""
DOMAIN = "isp.example"


def dsn(
    action: str = "failed", status: str = "5.1.1", returned: str = "text/rfc822-headers", number: str = "n1.a"
) -> bytes:
    return DSN.format(action=action, status=status, returned=returned, number=number).encode()


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", Bounce(notice="n1.a", status="5.1.1", is_final=True)),
        ("Failed", "5.2.2 (mailbox full)", Bounce(notice="n1.a", status="5.2.2", is_final=True)),
        ("delayed", "4.4.1", Bounce(notice="n1.a", status="4.4.1", is_final=False)),
        ("failed", "nonsense", Bounce(notice="n1.a", status="", is_final=True)),
        ("delivered", "2.0.0", Unread.NOT_A_STATUS),
    ],
)
def test_a_report_is_read(returned: str, action: str, status: str, expected: object) -> None:
    """RFC 3464 section 2.3.3: only failed is final; delayed goes on; RFC 3463 gives the status."""
    assert parse(dsn(action, status, returned), DOMAIN) == expected


def test_only_our_own_message_ids_count() -> None:
    """Anybody can write a report about anything."""
    assert parse(dsn(), "other.example") is Unread.NOT_OURS
    assert parse(dsn(number="../x y"), DOMAIN) is Unread.NOT_OURS
    assert parse(b"Subject: hello\n\nI am on holiday.\n", DOMAIN) is Unread.NOT_A_STATUS


def test_a_file_and_a_maildir_are_read_alike(tmp_path: Path) -> None:
    """Reading removes nothing; a mail that is too large is told and not read."""
    mbox, maildir = tmp_path / "mbox", tmp_path / "Maildir"
    mbox.write_bytes(b"From x Tue Nov 24 11:00:00 2026\n" + dsn())
    for folder in ("new", "cur", "tmp"):
        (maildir / folder).mkdir(parents=True)
    (maildir / "new" / "1").write_bytes(dsn())
    (maildir / "new" / "2").write_bytes(dsn() + b"x" * MAX_OCTETS)
    expected = Bounce(notice="n1.a", status="5.1.1", is_final=True)
    for _ in range(2):
        assert [found for _, found in read_bounces(mbox, DOMAIN)] == [expected]
        assert [found for _, found in read_bounces(maildir, DOMAIN)] == [expected, Unread.TOO_LARGE]


def test_a_place_that_is_neither_is_told(tmp_path: Path) -> None:
    """An empty answer would look like no bounces."""
    with pytest.raises(InputError, match="Maildir or a file in mbox form"):
        list(read_bounces(tmp_path, DOMAIN))


@given(st.integers(min_value=0, max_value=len(dsn())), st.binary(max_size=200))
def test_any_octets_are_a_bounce_or_none(cut: int, tail: bytes) -> None:
    """Whatever arrives is read or told to be unread, and never raises."""
    assert isinstance(parse(dsn()[:cut] + tail, DOMAIN), Bounce | Unread)
