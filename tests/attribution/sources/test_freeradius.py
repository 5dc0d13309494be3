"""A real FreeRADIUS writes ``detail`` files and sends copies; radclient plays the NAS. Loopback, high ports."""

from __future__ import annotations

import subprocess
import time
from ipaddress import ip_address

import pytest

from attribution.told import assignments
from ports import free_port
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.radius.detail import DetailFile
from sekisho.attribution.sources.radius.listener import Listener
from tools import needs

LOOPBACK = ip_address("127.0.0.1")
WAIT_S = 15

CONFIG = """
prefix = /usr
logdir = {here}
raddbdir = /etc/freeradius/3.0
dictionary = /usr/share/freeradius
run_dir = {here}
libdir = /usr/lib/freeradius
pidfile = {here}/pid
log {{
 destination = files
 file = {here}/log
}}
security {{
 max_attributes = 200
}}
client nas {{
 ipaddr = 127.0.0.1
 secret = testing123
}}
home_server copies {{
 type = acct
 ipaddr = 127.0.0.1
 port = {copies}
 secret = copysecret
}}
home_server_pool copies {{
 home_server = copies
}}
realm copies {{
 acct_pool = copies
}}
modules {{
 detail {{
  filename = {here}/detail
  header = "%t"
  permissions = 0644
 }}
 replicate {{
 }}
 always ok {{
  rcode = ok
 }}
}}
server default {{
 listen {{
  type = acct
  ipaddr = 127.0.0.1
  port = {port}
 }}
 preacct {{
  ok
 }}
 accounting {{
  detail
  update control {{
   &Replicate-To-Realm := copies
  }}
  replicate
 }}
}}
"""

RECORD = """Acct-Status-Type = {status}
NAS-IP-Address = 192.0.2.1
Acct-Session-Id = "s1"
User-Name = "Taro@example.jp"
Framed-IP-Address = 203.0.113.7
Framed-Route = "198.51.100.0/29 203.0.113.7 1"
Delegated-IPv6-Prefix = 2001:db8:700::/56
Acct-Session-Time = {seconds}
"""


@pytest.fixture
def listener():
    source = Listener(name="copies", address=LOOPBACK, port=0, secrets={LOOPBACK: b"copysecret"})
    source.start()
    yield source
    source.close()


@pytest.fixture
def radius(tmp_path, listener):
    """A server with a configuration of its own; its folder and its port."""
    program, port = needs("freeradius"), free_port()
    (tmp_path / "radiusd.conf").write_text(CONFIG.format(here=tmp_path, port=port, copies=listener.port))
    command = [program, "-f", "-d", str(tmp_path), "-D", "/usr/share/freeradius"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield tmp_path, port
    process.terminate()
    process.wait(10)


def send(port, status, seconds=0):
    """One request, tried until the server is up."""
    request = RECORD.format(status=status, seconds=seconds)
    command = [needs("radclient"), "-r", str(WAIT_S), "-t", "1", f"127.0.0.1:{port}", "acct", "testing123"]
    subprocess.run(command, input=request, check=True, capture_output=True, text=True)


def polled(listener):
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        events = listener.poll(time.time_ns() // 1_000_000)
        if events:
            listener.committed()
            return events
    raise AssertionError("no copy arrived")


def test_detail_and_copies_tell_the_same(radius, listener):
    """Start and Stop by both ways: one session, every prefix, no loss, no delay, nothing dropped."""
    here, port = radius
    send(port, "Start")
    copies = polled(listener)
    send(port, "Stop", seconds=0)
    copies += polled(listener)
    source = DetailFile(here / "detail", name="detail")
    detail = source.poll(time.time_ns() // 1_000_000)
    assert [type(event).__name__ for event in detail] == [type(event).__name__ for event in copies] == ["Begin", "End"]
    assert not +source.dropped
    assert not +listener.dropped
    with History() as history:
        for name, events in (("detail", detail), ("copies", copies)):
            history.apply(name, events)
        held = {str(held.prefix) for event in detail for held in event.held}
        assert held == {"203.0.113.7/32", "198.51.100.0/29", "2001:db8:700::/56"}
        assert not history.quarantined()
        assert {span.holder for _, span in assignments(history)} <= {"taro@example.jp"}
    assert {event.session for event in (*detail, *copies)} == {"s1"}
