"""Data records: lengths, counters, addresses, ports, biflows, and records that are no flows."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import numpy as np
import pytest

from export_builders import (
    FLOW_FIELDS,
    NOW_MS,
    VARIABLE,
    a_set,
    decode,
    flow,
    ipfix,
    ipfix_templates,
    new_decoder,
    record,
    template,
    v5,
    v5_record,
    v9,
    v9_templates,
)
from sekisho.core.reasons import WireReason
from sekisho.schema.batch import NAMES
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.elements import REVERSE_PEN
from sekisho.wire.limits import Limits

PLAIN = [(8, 4), (12, 4), (4, 1), (2, 4), (1, 4)]


def _ipfix(fields, *records, decoder=None):
    body = b"".join(record(fields, values) for values in records)
    return decode(decoder or new_decoder(), ipfix(ipfix_templates(template(256, fields)), a_set(256, body)))


def _v9(fields, *records, decoder=None):
    body = b"".join(record(fields, values) for values in records)
    return decode(decoder or new_decoder(), v9(v9_templates(template(256, fields)), a_set(256, body)))


def test_v5_record_and_header():
    """Every column that v5 has; the domain is engine type and id."""
    decoder = new_decoder()
    (row,) = decode(
        decoder, v5([v5_record(flags=0x12, protocol=6, dst_port=80)], engine_type=1, engine_id=2), at=NOW_MS
    )
    assert (row["src"], row["dst"], row["src_port"], row["dst_port"]) == ("192.0.2.1", "198.51.100.1", 40_000, 80)
    assert (row["protocol"], row["tcp_flags"], row["packets"], row["octets"]) == (6, 0x12, 3, 300)
    assert (row["ingress_if"], row["egress_if"], row["observation_domain_id"]) == (1, 2, 0x0102)


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", WireReason.EMPTY),
        (b"\0", WireReason.TRUNCATED_HEADER),
        (v5([v5_record()])[:20], WireReason.TRUNCATED_HEADER),
        (v9()[:19], WireReason.TRUNCATED_HEADER),
        (ipfix()[:15], WireReason.TRUNCATED_HEADER),
        (v5([], count=0), WireReason.BAD_COUNT),
        (v5([v5_record()], count=2), WireReason.BAD_COUNT),
        (b"\0\x07" + bytes(40), WireReason.UNKNOWN_VERSION),
        (v9(struct.pack(">HH", 256, 40) + bytes(20)), WireReason.TRUNCATED_SET),
        (v9(struct.pack(">HH", 256, 3) + bytes(20)), WireReason.LENGTH_MISMATCH),
        (v9(a_set(17, bytes(4))), WireReason.BAD_SET_ID),
        (ipfix(a_set(0, bytes(4))), WireReason.BAD_SET_ID),
        (b"\0\x0a\0\x04" + bytes(12), WireReason.LENGTH_MISMATCH),
    ],
)
def test_what_does_not_decode_is_counted(datagram, reason):
    """Each way a datagram can be wrong has its own reason, and gives no row."""
    decoder = new_decoder()
    assert decode(decoder, datagram) == []
    assert decoder.drops == {reason: 1}


def test_v5_octets_after_the_last_record():
    """The records are taken, the rest is counted."""
    decoder = new_decoder()
    assert len(decode(decoder, v5([v5_record()]) + bytes(7))) == 1
    assert decoder.drops == {WireReason.LENGTH_MISMATCH: 1}


@pytest.mark.parametrize("length", range(1, 9))
def test_reduced_size_integers(length):
    """Any length up to the type's (RFC 7011, 6.2), on both ways of reading."""
    value = int.from_bytes(b"\x7a" * length, "big")
    fields = [(8, 4), (12, 4), (1, length), (2, length)]
    (row,) = _v9(fields, [1, 2, value, 3])
    assert (row["octets"], row["packets"]) == (value, 3)
    (row,) = _ipfix([*fields, (82, VARIABLE)], [1, 2, value, 3, b"x"])
    assert (row["octets"], row["packets"]) == (value, 3)


def test_integers_longer_than_their_type():
    """A field of more than eight octets is read by its last eight; what fits no signed count is the largest."""
    (row,) = _v9([(8, 4), (12, 4), (1, 12), (2, 8)], [1, 2, 5, 2**64 - 1])
    assert (row["octets"], row["packets"]) == (5, 2**63 - 1)


@pytest.mark.parametrize("reader", [_v9, _ipfix], ids=["v9 (H3C)", "ipfix"])
def test_variable_length(reader):
    """One or three octets of length in front of the value; H3C sends such fields in v9 as well."""
    fields = [(8, 4), (82, VARIABLE), (12, 4), (96, VARIABLE), (2, 4), (1, VARIABLE)]
    rows = reader(fields, [1, b"", 2, b"a" * 300, 3, 70_000], [1, b"abc", 2, b"", 4, 9])
    assert [(row["packets"], row["octets"]) for row in rows] == [(3, 70_000), (4, 9)]


def test_variable_length_cut_off():
    """A record that runs over the end of its set is counted; those before it are kept."""
    fields = [(8, 4), (12, 4), (2, 4), (82, VARIABLE)]
    good = record(fields, [1, 2, 3, b"abc"])
    decoder = new_decoder()
    bad = good[:-4] + b"\x50ab"
    rows = decode(decoder, ipfix(ipfix_templates(template(256, fields)), a_set(256, good + bad)))
    assert (len(rows), decoder.drops) == (1, {WireReason.TRUNCATED_RECORD: 1})


def test_one_of_two_counters():
    """IE 1 and IE 23 count the same packets before and after the router changed them: one of them, never the sum."""
    (row,) = _v9([(8, 4), (12, 4), (23, 4), (1, 4), (24, 4), (2, 4)], [1, 2, 999, 100, 9, 3])
    assert (row["octets"], row["packets"]) == (100, 3)
    (row,) = _v9([(8, 4), (12, 4), (23, 4), (24, 4)], [1, 2, 999, 9])
    assert (row["octets"], row["packets"]) == (999, 9)


def test_layer_2_octets_only_where_there_is_nothing_else():
    """IE 352 counts frames: never in place of IP octets, only where no others are exported."""
    (row,) = _ipfix([(8, 4), (12, 4), (352, 8), (1, 8), (2, 4)], [1, 2, 1180, 1000, 10])
    assert row["octets"] == 1000
    (row,) = _ipfix([(8, 4), (12, 4), (352, 8), (2, 4)], [1, 2, 1180, 10])
    assert row["octets"] == 1180


def test_totals_are_differenced_by_flow():
    """IE 85 and 86 run on: each record adds what is new; another flow, a restart or a new start count from zero."""
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (152, 8), (85, 8), (86, 8)]
    a, b = [1, 2, 3, 4, 17, NOW_MS - 60_000], [1, 2, 3, 5, 17, NOW_MS - 60_000]
    later = [*a[:5], NOW_MS - 1000]
    rows = _ipfix(fields, [*a, 1000, 10], [*b, 50, 1], [*a, 1700, 12], [*a, 1700, 12], [*later, 9000, 90])
    assert [(row["octets"], row["packets"]) for row in rows] == [(1000, 10), (50, 1), (700, 2), (0, 0), (9000, 90)]


def test_totals_and_deltas_in_one_record():
    """Barracuda exports octets as a total and packets as a delta: only the total is differenced."""
    rows = _ipfix([(8, 4), (12, 4), (85, 8), (2, 4)], [1, 2, 1000, 10], [1, 2, 1500, 10])
    assert [(row["octets"], row["packets"]) for row in rows] == [(1000, 10), (500, 10)]


def test_totals_are_bounded():
    """A flow that was forgotten counts its whole total again: too much, never too little."""
    decoder = new_decoder(limits=Limits(totals_flows=8))
    fields = [(8, 4), (12, 4), (85, 8), (86, 8)]
    flows = [[n, 2, 1000, 10] for n in range(50)]
    first = _ipfix(fields, *flows, decoder=decoder)
    again = _ipfix(fields, *flows, decoder=decoder)
    assert {row["octets"] for row in first} == {1000}
    assert {row["octets"] for row in again} <= {0, 1000}


def test_records_without_counters_are_no_flows():
    """NAT and firewall events have no counters: counted, and the sequence goes on."""
    decoder = new_decoder()
    assert _ipfix([(8, 4), (12, 4), (233, 1)], [1, 2, 1], [1, 2, 2], decoder=decoder) == []
    assert _ipfix([(8, 4), (225, 4), (230, 1)], [1, 2, 4], decoder=decoder) == []
    assert (decoder.drops, decoder.records) == ({WireReason.NO_COUNTERS: 3}, 3)


def test_nat_events_when_asked():
    """With ``keep_nat_events`` they come as events by element name, in their place between the rows."""
    decoder = new_decoder(keep_nat_events=True)
    nat = [(8, 4), (225, 4), (361, 2), (362, 2), (230, 1)]
    values = [ip_address("100.64.0.9").packed, ip_address("203.0.113.7").packed, 1024, 1535, 16]
    templates = ipfix_templates(template(256, PLAIN), template(257, nat))
    sets = (a_set(256, record(PLAIN, [1, 2, 17, 3, 4])), a_set(257, record(nat, values)))
    assert len(decode(decoder, ipfix(templates, *sets, sets[0]))) == 2
    (event,) = decoder.take_events()
    assert (event.kind, event.row, event.received_at) == ("nat_event", 1, NOW_MS)
    assert event.fields == {
        "sourceIPv4Address": "100.64.0.9",
        "postNATSourceIPv4Address": "203.0.113.7",
        "portRangeStart": 1024,
        "portRangeEnd": 1535,
        "natEvent": 16,
    }
    assert (decoder.drops, decoder.take_events()) == ({}, [])


def test_repeated_elements_keep_their_order():
    """A repeated element is a list in an event, and its first value in a row."""
    decoder = new_decoder(keep_nat_events=True)
    _ipfix([(225, 4), (225, 4), (230, 1)], [b"\x01\x01\x01\x01", b"\x02\x02\x02\x02", 1], decoder=decoder)
    (event,) = decoder.take_events()
    assert event.fields["postNATSourceIPv4Address"] == ["1.1.1.1", "2.2.2.2"]
    (row,) = _ipfix([(8, 4), (12, 4), (2, 4), (2, 4)], [1, 2, 30, 40])
    assert row["packets"] == 30


def test_events_are_bounded():
    """Events that nobody takes are counted from the limit on."""
    decoder = new_decoder(keep_nat_events=True, limits=Limits(events=2))
    _ipfix([(8, 4), (230, 1)], *([1, 1] for _ in range(5)), decoder=decoder)
    assert (len(decoder.take_events()), decoder.events_dropped) == (2, 3)


def test_records_without_addresses():
    """Counters without any address (Cisco WLC) belong to no line: counted."""
    decoder = new_decoder()
    assert _v9([(1, 4), (2, 4), (61, 1)], [1, 2, 0], decoder=decoder) == []
    assert decoder.drops == {WireReason.NO_ADDRESSES: 1}


def test_biflow_has_two_rows():
    """RFC 5103: the reverse direction follows as a row with sides exchanged, one data record all the same."""
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (10, 4), (14, 4), (2, 4), (1, 4)]
    fields += [(2, 4, REVERSE_PEN), (1, 4, REVERSE_PEN), (6, 1, REVERSE_PEN)]
    decoder = new_decoder()
    forward = [0x0A000001, 0x0A000002, 5000, 80, 6, 2, 11, 12, 3, 180]
    there, back, alone = _ipfix(fields, [*forward, 2, 120, 18], [*forward, 0, 0, 0], decoder=decoder)
    assert (there["src"], there["src_port"], there["packets"], there["tcp_flags"]) == ("10.0.0.1", 5000, 3, 2)
    assert (back["src"], back["dst"], back["src_port"], back["dst_port"]) == ("10.0.0.2", "10.0.0.1", 80, 5000)
    assert (back["packets"], back["octets"], back["tcp_flags"]) == (2, 120, 18)
    assert (back["ingress_if"], back["egress_if"]) == (12, 11)
    assert (alone["packets"], decoder.records) == (3, 2)


@pytest.mark.parametrize(
    ("fields", "values", "version", "src"),
    [
        ([(27, 16), (28, 16)], [1 << 96 | 5, 2], 6, "0:1::5"),
        ([(8, 4), (12, 4), (27, 16), (28, 16)], [0x01020304, 2, 0, 0], 4, "1.2.3.4"),
        ([(8, 4), (12, 4), (27, 16), (28, 16)], [0, 0, 1 << 96 | 5, 2], 6, "0:1::5"),
        ([(60, 1), (8, 4), (12, 4), (27, 16), (28, 16)], [6, 9, 9, 5, 2], 6, "::5"),
        ([(60, 1), (8, 4), (12, 4), (27, 16), (28, 16)], [4, 9, 9, 5, 2], 4, "0.0.0.9"),
        ([(12, 4)], [2], 4, "0.0.0.0"),
    ],
)
def test_address_family(fields, values, version, src):
    """The template tells the family; where it has both, IE 60 does, or which address is there at all."""
    (row,) = _v9([*fields, (2, 4)], [*values, 1])
    assert (row["ip_version"], row["src"]) == (version, src)


@pytest.mark.parametrize(("protocol", "has_ports"), [(6, 1), (17, 1), (132, 1), (33, 1), (47, 0), (50, 0), (0, 0)])
def test_ports_only_where_the_protocol_has_some(protocol, has_ports):
    """TCP, UDP, SCTP and DCCP have ports; for all else exporters fill the fields with something."""
    (row,) = _v9(FLOW_FIELDS, [1, 2, 3000, 4000, protocol, 0, 1, 1, 0, 0])
    assert (row["src_port"], row["dst_port"]) == (3000 * has_ports, 4000 * has_ports)
    assert row["icmp_type_code"] == -1


def test_icmp_in_the_destination_port():
    """v5 and v9 write type * 256 + code where the destination port stands."""
    (row,) = _v9(FLOW_FIELDS, [1, 2, 0, 0x0301, 1, 0, 1, 1, 0, 0])
    assert (row["icmp_type_code"], row["dst_port"]) == (0x0301, 0)
    (row,) = decode(new_decoder(), v5([v5_record(protocol=1, dst_port=0x0800)]))
    assert (row["icmp_type_code"], row["dst_port"]) == (0x0800, 0)


@pytest.mark.parametrize(
    ("fields", "values", "expected"),
    [([(32, 2)], [0x0303], 0x0303), ([(176, 1), (177, 1)], [3, 1], 0x0301), ([(178, 1), (179, 1)], [128, 0], 0x8000)],
)
def test_icmp_elements(fields, values, expected):
    """Type and code in one element or two; unknown for other protocols."""
    icmp, udp = _ipfix([*PLAIN, *fields], [1, 2, 1, 3, 4, *values], [1, 2, 17, 3, 4, *values])
    assert (icmp["icmp_type_code"], udp["icmp_type_code"]) == (expected, -1)


def test_direction_and_forwarding_status():
    """Direction 255 and whatever is neither 0 nor 1 is unknown; forwarding status in one octet or four."""
    rows = _v9([*PLAIN, (61, 1), (89, 1)], *([1, 2, 6, 1, 1, d, f] for d, f in ((0, 64), (1, 130), (255, 0))))
    assert [(row["direction"], row["forwarding_status"]) for row in rows] == [(0, 64), (1, 130), (-1, 0)]
    (row,) = _ipfix([*PLAIN, (89, 4)], [1, 2, 6, 1, 1, 130])
    assert (row["direction"], row["forwarding_status"]) == (-1, 130)


def test_fragments():
    """A fragment offset tells; without it an identification and no ports do."""
    rows = _ipfix([*PLAIN, (88, 2)], [1, 2, 17, 3, 4, 0], [1, 2, 17, 3, 4, 185])
    assert [row["fragment"] for row in rows] == [0, 1]
    rows = _v9([*FLOW_FIELDS, (54, 4)], *([1, 2, p, p, 17, 0, 1, 1, 0, 0, 77] for p in (53, 0)))
    assert [row["fragment"] for row in rows] == [0, 1]


def test_tcp_flags_of_two_octets():
    """IE 6 may have two octets (RFC 7125); the reserved bits are left out."""
    (row,) = _ipfix([*PLAIN, (6, 2)], [1, 2, 6, 3, 4, 0xF112])
    assert row["tcp_flags"] == 0x112


def test_every_cell_of_a_row_is_written():
    """Batches are reused: whatever stood in a row before is gone, on both ways of reading."""
    walked = [*FLOW_FIELDS, (82, VARIABLE)]
    for fields, payload in ((FLOW_FIELDS, flow()), (walked, record(walked, [*[1] * 10, b"x"]))):
        seen = []
        for garbage in (0, 0x5A5A5A5A5A5A5A5A):
            decoder = new_decoder()
            decoder._batch.cells[:] = garbage
            datagram = v9(v9_templates(template(256, fields)), a_set(256, payload))
            (batch,) = decoder.decode(Datagrams.of([(NOW_MS, 0, 1, datagram)]))
            seen.append(batch.cells[:, 0].copy())
        assert dict(zip(NAMES, seen[0], strict=True)) == dict(zip(NAMES, seen[1], strict=True))
        row = dict(zip(NAMES, seen[0].tolist(), strict=True))
        assert (row["boundary"], row["src_line"], row["src_assignment"], row["dst_assignment"]) == (0, 0, -1, -1)


def test_batches_are_filled_and_reused():
    """More rows than a batch holds come in several, in input order, a set parted where one is full."""
    decoder = new_decoder()
    decode(decoder, v9(v9_templates(template(256, FLOW_FIELDS))))
    datagrams = [
        (NOW_MS, 0, 1, v9(a_set(256, b"".join(flow(packets=n * 30 + i) for i in range(30))), sequence=n))
        for n in range(700)
    ]
    packets, sizes = [], []
    for batch in decoder.decode(Datagrams.of(datagrams)):
        packets.append(batch.column("packets").copy())
        sizes.append(len(batch))
    assert np.array_equal(np.concatenate(packets), np.arange(21_000))
    assert sizes[:-1] == [decoder._batch.capacity] * (len(sizes) - 1)
