"""A real accounting packet, captured by somebody else."""

from __future__ import annotations

from pyrad.packet import AcctPacket

from sekisho.attribution.sources.radius.packet import attributes, decode
from sekisho.core.reasons import SourceReason
from shared_data import shared


def test_a_captured_packet_is_read():
    """Its attributes are found; without the right secret it is not believed."""
    octets = shared("lines/radius/radius.pcap").read_bytes()
    start = octets.index(b"\x04", 24 + 16 + 14 + 20 + 8)  # behind the headers of file, frame, Ethernet, IPv4, UDP
    length = int.from_bytes(octets[start + 2 : start + 4], "big")
    datagram = octets[start : start + length]
    record = attributes(AcctPacket(packet=datagram, secret=b""))
    assert record is not None
    assert {"Acct-Status-Type", "Acct-Session-Id", "User-Name"} <= set(record), record
    assert decode(datagram, b"not the secret") is SourceReason.WRONG_AUTHENTICATOR
