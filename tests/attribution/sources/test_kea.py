"""Kea's lease files: by header, the last row wins, nothing seen is forgotten."""

from __future__ import annotations

import json
import socket
import subprocess
import time

import pytest

from attribution.told import assignments
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.kea import KeaFile
from sekisho.core.reasons import SourceReason
from tools import needs

T = 1_795_000_000
V4 = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n"
V6 = (
    "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,"
    "hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n"
)


def v4(address="192.0.2.10", hwaddr="02:00:00:00:00:01", start=0, lifetime=3600, state=0, context=""):
    return f"{address},{hwaddr},,{lifetime},{T + start + lifetime},1,0,0,,{state},{context},0\n"


def v6(address, length, kind, start=0, lifetime=3600):
    return f"{address},00:01:02,{lifetime},{T + start + lifetime},1,1800,{kind},7,{length},0,0,,,0,,,,0\n"


def told(path, **more):
    """Assignments (prefix, holder, from, to) in seconds from T, and what was left out."""
    source = KeaFile(path, name="kea", **more)
    with History() as history:
        history.apply("kea", source.poll(T * 1000))
        found = sorted(
            (str(held.prefix), span.holder, span.from_ms // 1000 - T, span.to_ms // 1000 - T, span.inferred)
            for held, span in assignments(history)
        )
    return found, dict(+source.dropped)


def test_lease_renewal_release_and_a_new_client(tmp_path):
    """A renewal prolongs, a release (lifetime 0) ends, the address goes to another client, and comes back later."""
    path = tmp_path / "leases4.csv"
    other = "02:00:00:00:00:02"
    path.write_text(
        V4
        + v4()
        + v4(start=1800)
        + v4(start=2000, lifetime=0)
        + v4(hwaddr=other, start=3000, lifetime=600)
        + v4(start=9000, lifetime=600)
    )
    assert told(path) == (
        [
            ("192.0.2.10/32", "02:00:00:00:00:01", 0, 2000, False),
            ("192.0.2.10/32", "02:00:00:00:00:01", 9000, 9600, False),
            ("192.0.2.10/32", other, 3000, 3600, False),
        ],
        {},
    )


def test_columns_are_found_by_name(tmp_path):
    """Another order, fewer columns."""
    path = tmp_path / "leases4.csv"
    path.write_text(f"address,expire,valid_lifetime,hwaddr\n192.0.2.10,{T + 60},60,02:00:00:00:00:01\n")
    assert told(path) == ([("192.0.2.10/32", "02:00:00:00:00:01", 0, 60, False)], {})


def test_addresses_and_delegated_prefixes(tmp_path):
    """Lease type 2 is a prefix; the DUID names the client."""
    path = tmp_path / "leases6.csv"
    path.write_text(V6 + v6("2001:db8::7", 128, 0) + v6("2001:db8:700::", 56, 2))
    found, _ = told(path)
    assert [row[:2] for row in found] == [("2001:db8:700::/56", "00:01:02"), ("2001:db8::7/128", "00:01:02")]


def test_the_line_may_stand_in_another_column(tmp_path):
    """A template over the columns; an escaped comma is one."""
    path = tmp_path / "leases4.csv"
    path.write_text(V4 + v4(context="line&#x2c7"))
    assert told(path, line="{user_context}")[0][0][1] == "line,7"


def test_generations_are_read_before_the_file(tmp_path):
    """What a clean-up has put aside is history all the same."""
    (tmp_path / "leases4.csv.2").write_text(V4 + v4(start=-9000, lifetime=600))
    (tmp_path / "leases4.csv").write_text(V4 + v4())
    found, _ = told(tmp_path / "leases4.csv")
    assert [row[2] for row in found] == [-9000, 0]


def test_rows_that_cannot_be_used_are_counted(tmp_path):
    """Broken, declined, without a client; the rest is read; a row being written waits."""
    path = tmp_path / "leases4.csv"
    path.write_text(V4 + "192.0.2.9,x\n" + v4(state=1) + v4(hwaddr="") + v4() + v4()[:20])
    found, dropped = told(path)
    assert len(found) == 1
    assert dropped == {SourceReason.MALFORMED: 1, SourceReason.NOT_RELEVANT: 1, SourceReason.NO_HOLDER: 1}


def test_leases_that_a_real_kea_gave(tmp_path):
    """A Kea on loopback, asked over UDP by a relay, writes the lease that the source reads."""
    kea = needs("kea-dhcp4")
    leases, config = tmp_path / "leases4.csv", tmp_path / "kea.json"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    dhcp = {
        "interfaces-config": {"interfaces": ["lo/127.0.0.1"], "dhcp-socket-type": "udp"},
        "lease-database": {"type": "memfile", "persist": True, "name": str(leases), "lfc-interval": 0},
        "subnet4": [
            {
                "id": 1,
                "subnet": "192.0.2.0/24",
                "pools": [{"pool": "192.0.2.10 - 192.0.2.20"}],
                "relay": {"ip-addresses": ["127.0.0.1"]},
            }
        ],
        "valid-lifetime": 3600,
    }
    config.write_text(json.dumps({"Dhcp4": dhcp}))
    environment = {"KEA_PIDFILE_DIR": str(tmp_path), "KEA_LOCKFILE_DIR": str(tmp_path), "PATH": "/usr/bin:/usr/sbin"}
    server = subprocess.Popen(
        [kea, "-p", str(port), "-c", str(config)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _ask(server, port)
        found, dropped = told(leases)
    finally:
        server.terminate()
        server.wait(10)
    assert [(row[1], row[3] - row[2]) for row in found] == [("02:00:00:00:00:09", 3600)]
    assert found[0][0].startswith("192.0.2.1")
    assert dropped == {}


def _ask(server, port):
    """DISCOVER and REQUEST as a relay at 127.0.0.1, until the ACK."""
    try:
        relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        relay.bind(("127.0.0.1", 67))
    except OSError as error:
        pytest.skip(f"the relay's port 67 cannot be had here: {error.strerror}")
    with relay:
        relay.settimeout(0.3)
        deadline, options = time.monotonic() + 20, b"\x35\x01\x01"
        while time.monotonic() < deadline and server.poll() is None:
            relay.sendto(_message(options), ("127.0.0.1", port))
            try:
                answer = relay.recv(1500)
            except TimeoutError:
                continue
            if b"\x35\x01\x05" in answer[240:]:
                return
            server_id = answer[answer.index(b"\x36\x04", 240) :][:6]
            options = b"\x35\x01\x03\x32\x04" + answer[16:20] + server_id
    raise AssertionError("Kea did not answer")


def _message(options):
    hardware = bytes.fromhex("020000000009")
    head = b"\x01\x01\x06\x01" + b"\x00\x00\x00\x07" + bytes(4) + bytes(12) + bytes([127, 0, 0, 1])
    return head + hardware.ljust(16, b"\0") + bytes(192) + b"\x63\x82\x53\x63" + options + b"\xff"
