"""The capture writer."""

from __future__ import annotations

import io
import struct
import subprocess
from ipaddress import IPv4Address

from sekisho.simulate.capture import CaptureWriter, DatagramRoute
from tools import needs

ROUTE = (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.200"))


def written(*payloads, at_ms=1_793_530_800_000.25):
    file = io.BytesIO()
    writer, route = CaptureWriter(file), DatagramRoute(*ROUTE, src_port=50_000, dst_port=9)
    for payload in payloads:
        writer.write(at_ms, payload, route)
    return file.getvalue()


def test_times_keep_their_microseconds():
    """A quarter of a millisecond is 250 µs in the record header."""
    assert struct.unpack_from("<II", written(b"x"), 24) == (1_793_530_800, 250)


def test_an_empty_capture_is_its_header():
    """Without a datagram the file is a valid capture of 24 octets."""
    assert len(written()) == 24


def test_tshark_accepts_every_checksum(tmp_path):
    """Payloads of any length make frames whose IPv4 checksum tshark finds good, also after the identification wraps."""
    pcap = tmp_path / "x.pcap"
    pcap.write_bytes(written(*(bytes(n % 97) for n in range(66_000))))
    command = [needs("tshark"), "-r", str(pcap), "-o", "ip.check_checksum:TRUE"]
    bad = subprocess.run([*command, "-Y", "ip.checksum.status != 1"], check=True, capture_output=True, text=True)
    assert bad.stdout == ""
