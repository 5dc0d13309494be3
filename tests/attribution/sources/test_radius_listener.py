"""The listener answers only what is on the disk, and only to whom it knows."""

from __future__ import annotations

import socket
import subprocess
import time
from ipaddress import ip_address

import pytest

from attribution.told import assignments
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.events import Begin
from sekisho.attribution.sources.radius.listener import Listener
from sekisho.core.reasons import SourceReason
from tools import needs

LOOPBACK = ip_address("127.0.0.1")
RECORD = """Acct-Status-Type = {status}
NAS-IP-Address = 192.0.2.1
Acct-Session-Id = "{session}"
User-Name = "taro@example.jp"
Framed-IP-Address = 203.0.113.7
Delegated-IPv6-Prefix = 2001:db8:700::/56
Acct-Session-Time = 60
Acct-Input-Octets = 7
Acct-Input-Gigawords = 1
"""


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def listener():
    source = Listener(name="copies", address=LOOPBACK, port=0, secrets={LOOPBACK: b"testing123"})
    source.start()
    yield source
    source.close()


def radclient(listener, *, secret="testing123", **fields):
    """One request by FreeRADIUS's own client, which waits up to ten seconds for the answer."""
    command = [needs("radclient"), "-r", "1", "-t", "10", f"127.0.0.1:{listener.port}", "acct", secret]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    process.stdin.write(RECORD.format(**{"status": "Start", "session": "1"} | fields))
    process.stdin.close()
    return process


def polled(listener):
    """The first events or drops that arrive."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        events = listener.poll(now_ms())
        if events or listener.dropped:
            return events
    raise AssertionError("nothing arrived")


def test_radclient_is_answered_after_the_write(listener):
    """A Start from radclient is decoded; the answer, which radclient verifies, leaves after the commit only."""
    process = radclient(listener)
    (event,) = polled(listener)
    assert isinstance(event, Begin)
    assert (event.holder, event.server) == ("taro@example.jp", "192.0.2.1")
    assert [str(what.prefix) for what in event.held] == ["203.0.113.7/32", "2001:db8:700::/56"]
    assert process.poll() is None
    with History() as history:
        history.apply(listener.name, [event])
        listener.committed()
        assert process.wait(10) == 0, process.stdout.read()
        assert {str(held.prefix) for held, _ in assignments(history)} == {"203.0.113.7/32", "2001:db8:700::/56"}
    process.stdout.close()


def test_a_stop_by_radclient_counts_gigawords(listener):
    """The whole session comes out of its Stop alone."""
    process = radclient(listener, status="Stop")
    (event,) = polled(listener)
    listener.committed()
    assert process.wait(10) == 0
    process.stdout.close()
    assert event.octets_up == 7 + (1 << 32)
    assert event.at_ms - event.since_ms == 60_000


def test_a_wrong_secret_is_dropped_and_not_answered(listener):
    """The authenticator does not fit: counted, silent."""
    process = radclient(listener, secret="wrong")
    assert polled(listener) == []
    assert listener.dropped == {SourceReason.WRONG_AUTHENTICATOR: 1}
    listener.committed()
    assert process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize(
    ("known", "datagram", "reason"),
    [
        (False, b"\x04", SourceReason.UNKNOWN_SENDER),
        (True, b"", SourceReason.MALFORMED),
        (True, b"\x04\x01\x00\x14", SourceReason.MALFORMED),
        (True, b"\x01\x01\x00\x14" + bytes(16), SourceReason.NOT_RELEVANT),
        (True, bytes(4097), SourceReason.TOO_LONG),
    ],
)
def test_other_datagrams_have_reasons(known, datagram, reason):
    """Whatever arrives is counted and gone on from."""
    source = Listener(name="copies", address=LOOPBACK, port=0, secrets={LOOPBACK: b"x"} if known else {})
    source.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, ("127.0.0.1", source.port))
        assert polled(source) == []
    assert source.dropped == {reason: 1}
    source.close()
