"""sFlow v5: samples become rows of one packet; whatever does not is counted."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from export_builders import NOW_MS, decode, decode_datagrams, new_decoder, v5, v5_record
from sekisho.core.reasons import WireReason
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.limits import Limits
from sflow_builders import (
    EXTENDED_SWITCH,
    FRAME,
    HEADER,
    INTERNAL,
    PACKET,
    UDP,
    counters_sample,
    discarded_packet,
    expanded_flow_sample,
    flow_sample,
    if_counters,
    opaque,
    sampled_addresses,
    sampled_header,
    sflow,
    structure,
    words,
)

FLOW = {"src": "192.0.2.9", "dst": "198.51.100.9", "protocol": 17, "src_port": 5000, "dst_port": 53}


def _row(*samples: bytes, **header: int) -> dict:
    (row,) = decode(new_decoder(), sflow(*samples, **header))
    return row


def _has(row: dict, **expected: object) -> bool:
    return {column: row[column] for column in expected} == expected


def test_a_flow_sample_is_one_packet():
    """A flow_sample with its header (sFlow v5, section 5) becomes a row of one packet and the packet's IP length."""
    row = _row(flow_sample(EXTENDED_SWITCH, HEADER, rate=400, ingress=5, egress=6), sub_agent=7)
    assert _has(row, **FLOW, packets=1, octets=128, sampling_interval=400.0, ingress_if=5, egress_if=6)
    assert _has(row, observation_domain_id=7, forwarding_status=-1, ip_version=4, tunnel_kind=0, fragment=0)
    assert row["received_at"] == row["flow_start"] == row["flow_end"] == NOW_MS


def test_the_expanded_form_says_the_same():
    """The flow_sample_expanded is for ifIndex of 2**24 and more (sFlow v5, section 5), the row is the same."""
    compact = _row(flow_sample(HEADER))
    assert _row(expanded_flow_sample(HEADER)) == compact
    large = _row(expanded_flow_sample(HEADER, ingress=(0, 0x4CA30001), egress=(0, 0x4CA30002), source=0x4CA30002))
    assert _has(large, ingress_if=0x4CA30001, egress_if=0x4CA30002, direction=1)


def test_many_samples_in_one_datagram():
    """Samples of all kinds side by side, in their order, through batches of any size."""
    samples = []
    for n in range(300):
        samples.append(flow_sample(HEADER, sequence=n, pool=1000 * n, ingress=n + 1))
        samples.append(counters_sample(if_counters(index=n)))
    decoder = new_decoder(limits=Limits(counted_interfaces_per_source=100))
    datagrams = Datagrams.of([(NOW_MS, 0, 1, sflow(*samples, sequence=n)) for n in range(40)])
    rows = decode_datagrams(decoder, datagrams)
    assert [row["ingress_if"] for row in rows] == list(range(1, 301)) * 40
    assert (decoder.records, decoder.drops) == (12_000, {})
    assert (len(decoder.interface_counters()), decoder.counters_left_out) == (100, 200 * 40)


@pytest.mark.parametrize(
    ("egress", "egress_if", "status"),
    [
        (6, 6, -1),
        (0, 0, -1),
        (INTERNAL, 0, -1),
        (0x80000000, 0, -1),
        (0x80000007, 0, -1),
        (0x40000000 | 258, 0, 129),
        (0x40000000 | 1, 0, 131),
        (0x40000000 | 262, 0, 133),
        (0x40000000 | 257, 0, 137),
        (0x40000000 | 261, 0, 138),
        (0x40000000 | 260, 0, 139),
        (0x40000000 | 302, 0, 140),
        (0x40000000 | 256, 0, 128),
        (0x40000000 | 9999, 0, 128),
    ],
)
def test_output_interfaces(egress, egress_if, status):
    """The upper two bits of an interface say one, discarded and why, or several (sFlow v5, section 5).

    Reasons become RFC 7270, section 4.12 codes, 128 where there is no closer one; those that are not known yet, too.
    """
    assert _has(_row(flow_sample(HEADER, egress=egress)), egress_if=egress_if, forwarding_status=status)
    pair = (egress >> 30, egress & INTERNAL)
    assert _has(_row(expanded_flow_sample(HEADER, egress=pair)), egress_if=egress_if, forwarding_status=status)


@pytest.mark.parametrize(
    ("sample", "direction"),
    [
        ({"source": 5, "ingress": 5, "egress": 6}, 0),
        ({"source": 6, "ingress": 5, "egress": 6}, 1),
        ({"source": 5, "ingress": 5, "egress": INTERNAL}, 0),
        ({"source": 9, "ingress": 5, "egress": 6}, -1),
        ({"source": 5, "ingress": 5, "egress": 5}, -1),
        ({"source": 0, "ingress": 0, "egress": 6}, -1),
        ({"source": 5, "source_class": 1, "ingress": 5, "egress": 6}, -1),
    ],
)
def test_direction_is_where_it_was_sampled(sample, direction):
    """A data source that is the input saw the packet come in; a VLAN or a third interface tells nothing."""
    assert _row(flow_sample(HEADER, **sample))["direction"] == direction


@pytest.mark.parametrize(
    ("protocol", "octets"),
    [
        (1, FRAME),
        (7, b"\xff\x03\0\x21" + PACKET),
        (11, PACKET),
        (13, b"\0\x01\x11\x40" + PACKET),
        (14, b"\xff\x03\0\x21" + PACKET),
    ],
    ids=["Ethernet", "PPP", "IPv4", "MPLS", "SONET"],
)
def test_header_protocols(protocol, octets):
    """The header_protocol says what the sampled octets begin with (sFlow v5, section 5)."""
    assert _has(_row(flow_sample(sampled_header(octets, protocol=protocol))), **FLOW, octets=128)


def test_ipv6_header():
    """Header protocol 12: the octets begin with IPv6."""
    packet = struct.pack(">IHBB", 6 << 28, 108, 17, 64)
    packet += ip_address("2001:db8::9").packed + ip_address("2001:db8::8").packed + UDP
    row = _row(flow_sample(sampled_header(packet, protocol=12)))
    assert _has(row, src="2001:db8::9", dst="2001:db8::8", dst_port=53, octets=148, ip_version=6)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5, 6, 8, 9, 10, 15, 17, 2**32 - 1])
def test_other_header_protocols_are_counted(protocol):
    """Token rings, ATM, radio and what is not known: no row, one reason, and the next sample is read."""
    decoder = new_decoder()
    rows = decode(decoder, sflow(flow_sample(sampled_header(FRAME, protocol=protocol)), flow_sample(HEADER)))
    assert (len(rows), decoder.records) == (1, 2)
    assert decoder.drops == {WireReason.UNKNOWN_ENCAPSULATION: 1}


def test_length_zero_counts_the_frame():
    """Where the IP header has length 0, frame_length less what was stripped stands in (sFlow v5, section 5)."""
    frame = bytearray(FRAME)
    frame[16:18] = b"\0\0"
    row = _row(flow_sample(sampled_header(bytes(frame), frame_octets=9018, stripped=4)))
    assert row["octets"] == 9000


def test_addresses_without_header():
    """Where no header was taken, sampled_ipv4 and sampled_ipv6 tell the flow (sFlow v5, section 5)."""
    record = sampled_addresses(3, src="192.0.2.9", dst="198.51.100.9", octets=128)
    assert _has(_row(flow_sample(EXTENDED_SWITCH, record)), **FLOW, octets=128, packets=1, ip_version=4)
    record = sampled_addresses(4, src="2001:db8::9", dst="2001:db8::8", protocol=6, dst_port=443, flags=0x12)
    row = _row(flow_sample(record))
    assert _has(row, src="2001:db8::9", dst="2001:db8::8", protocol=6, tcp_flags=0x12, dst_port=443, ip_version=6)


@pytest.mark.parametrize("order", [1, -1])
def test_the_header_wins_over_addresses(order):
    """Both records may be there, in any order; the sampled octets know of tunnels and fragments."""
    records = [HEADER, sampled_addresses(3, src="203.0.113.1", dst="203.0.113.2")][::order]
    assert _has(_row(flow_sample(*records)), **FLOW)


@pytest.mark.parametrize(
    ("number", "outer", "protocol", "port", "kind"),
    [
        (1024, "203.0.113.7", 4, 0, 3),
        (1024, "203.0.113.7", 41, 0, 2),
        (1024, "203.0.113.7", 47, 0, 4),
        (1024, "203.0.113.7", 97, 0, 6),
        (1024, "203.0.113.7", 17, 4789, 7),
        (1024, "203.0.113.7", 17, 1701, 5),
        (1026, "2001:db8::7", 4, 0, 1),
        (1026, "2001:db8::7", 41, 0, 3),
    ],
)
def test_a_tunnel_that_ended_before_the_sample(number, outer, protocol, port, kind):
    """Formats 1024 and 1026: the outer header was taken off on the way in; its source names the line."""
    far = "203.0.113.8" if number == 1024 else "2001:db8::8"
    tunnel = sampled_addresses(number, src=outer, dst=far, protocol=protocol, dst_port=port)
    assert _has(_row(flow_sample(HEADER, tunnel)), **FLOW, octets=128, tunnel_kind=kind, tunnel_src=outer)


def test_other_outer_headers_are_no_tunnel():
    """UDP to a port that no tunnel has tells nothing."""
    record = sampled_addresses(1024, src="203.0.113.7", dst="203.0.113.8", dst_port=53)
    assert _has(_row(flow_sample(HEADER, record)), tunnel_kind=0, tunnel_src="::")


def test_discarded_packets_are_attempts():
    """Format 5: a row that says dropped and why; each event is one packet, however many were not sent."""
    sample = discarded_packet(HEADER, structure(1036, words(42)), reason=258, drops=256, ingress=1, egress=0)
    row = _row(sample)
    assert _has(row, **FLOW, forwarding_status=129, sampling_interval=1.0, packets=1, ingress_if=1, egress_if=0)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (flow_sample(), WireReason.NO_ADDRESSES),
        (flow_sample(EXTENDED_SWITCH), WireReason.NO_ADDRESSES),
        (flow_sample(structure(2, bytes(24))), WireReason.NO_ADDRESSES),
        (flow_sample(structure(3, bytes(31))), WireReason.NO_ADDRESSES),
        (flow_sample(structure(1, HEADER[8:], enterprise=9)), WireReason.NO_ADDRESSES),
        (flow_sample(structure(1, words(1, 100, 4))), WireReason.UNKNOWN_ENCAPSULATION),
        (flow_sample(sampled_header(bytes(12) + b"\x08\x06" + bytes(28))), WireReason.UNKNOWN_ENCAPSULATION),
        (structure(1, bytes(31)), WireReason.TRUNCATED_RECORD),
        (structure(3, bytes(43)), WireReason.TRUNCATED_RECORD),
        (structure(5, bytes(31)), WireReason.TRUNCATED_RECORD),
        (structure(2, bytes(11)), WireReason.TRUNCATED_RECORD),
        (structure(4, bytes(15)), WireReason.TRUNCATED_RECORD),
        (structure(6, bytes(40)), WireReason.UNKNOWN_SAMPLE),
        (structure(1, bytes(40), enterprise=9), WireReason.UNKNOWN_SAMPLE),
    ],
)
def test_samples_without_a_row_have_a_reason(sample, reason):
    """Each sample that gives no row is counted once, and the next one is read by its length."""
    decoder = new_decoder()
    rows = decode(decoder, sflow(sample, flow_sample(HEADER)))
    assert len(rows) == 1
    assert decoder.drops == {reason: 1}


def test_records_cut_off_leave_what_is_certain():
    """A sample whose records end too early keeps the flow that stood before, and counts the rest."""
    decoder = new_decoder()
    body = words(1, 5, 1000, 1000, 0, 5, 6, 3) + HEADER + words(1001, 16) + bytes(8)
    (row,) = decode(decoder, sflow(structure(1, body)))
    assert _has(row, **FLOW)
    assert decoder.drops == {WireReason.TRUNCATED_RECORD: 1}


@pytest.mark.parametrize("octets", range(14, len(FRAME)))
def test_a_header_cut_anywhere(octets):
    """The sampled octets may end anywhere: addresses with a whole IP header, ports with a whole transport header."""
    rows = decode(new_decoder(), sflow(flow_sample(sampled_header(FRAME[:octets]))))
    assert len(rows) == (octets >= 34)
    if rows:
        assert _has(rows[0], src="192.0.2.9", octets=128, dst_port=53 if octets >= 38 else 0)


def test_a_header_longer_than_its_record():
    """The opaque length of the record bounds what is read, whatever the header's own length says."""
    record = structure(1, words(1, 146, 4) + words(4000) + FRAME + bytes(2))
    assert _has(_row(flow_sample(record)), **FLOW)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (sflow()[:7], WireReason.TRUNCATED_HEADER),
        (sflow()[:27], WireReason.TRUNCATED_HEADER),
        (sflow(agent="2001:db8::1")[:39], WireReason.TRUNCATED_HEADER),
        (words(4, 1, 0, 0, 0, 0, 0), WireReason.UNKNOWN_VERSION),
        (words(5, 3, 0, 0, 0, 0, 0, 0), WireReason.BAD_ADDRESS_TYPE),
        (sflow(flow_sample(HEADER))[:-1], WireReason.TRUNCATED_SET),
        (sflow(count=1), WireReason.TRUNCATED_SET),
        (sflow(count=2**32 - 1), WireReason.TRUNCATED_SET),
        (sflow() + b"\0\0\0\1", WireReason.LENGTH_MISMATCH),
    ],
)
def test_bad_datagrams_have_a_reason(payload, reason):
    """Header, count and octets that do not fit are counted once."""
    decoder = new_decoder()
    assert decode(decoder, payload) == []
    assert decoder.drops == {reason: 1}


def test_zeros_behind_the_last_sample_are_padding():
    """A tail of zeros is no loss, as in other protocols."""
    decoder = new_decoder()
    assert len(decode(decoder, sflow(flow_sample(HEADER)) + bytes(40))) == 1
    assert not decoder.drops


def test_agents_without_address_have_a_header_too():
    """Address type UNKNOWN has no octets (sFlow v5, section 5)."""
    payload = words(5, 0) + words(3, 9, 1000, 1) + flow_sample(HEADER)
    (row,) = decode(new_decoder(), payload)
    assert _has(row, **FLOW, observation_domain_id=3)


def test_netflow_v5_and_sflow_on_one_exporter():
    """The version words 5 of two octets and of four do not get into each other's way."""
    decoder = new_decoder()
    rows = decode(decoder, v5([v5_record()]), sflow(flow_sample(HEADER)), v5([v5_record()], sequence=1))
    assert [row["packets"] for row in rows] == [3, 1, 3]
    assert [(loss.version, loss.unit, loss.lost_units) for loss in decoder.losses()] == [
        (5, "flows", 0),
        (0, "packets", 0),
    ]


def test_opaque_fill_is_stepped_over():
    """RFC 4506, section 4.10: opaque octets are filled up to four; a header of 41 octets is followed by the next."""
    frame = FRAME[:41]
    assert len(opaque(frame)) == 48
    assert _has(_row(flow_sample(sampled_header(frame), EXTENDED_SWITCH)), **FLOW)
