"""Encode-decode round trips: any fields, any cut into datagrams and calls, any order of templates and data."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from hypothesis import given, settings
from hypothesis import strategies as st

from export_builders import (
    FLOW_FIELDS,
    NOW_MS,
    UPTIME_MS,
    VARIABLE,
    a_set,
    decode_datagrams,
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
from sekisho.core.address import from_words
from sekisho.wire.datagrams import Datagrams
from sflow_builders import expanded_flow_sample, flow_sample, sampled_addresses, sampled_header, sflow, structure

EMPTY_SAMPLE = structure(2, bytes(12))

LENGTHS = {
    8: (4,),
    12: (4,),
    27: (16,),
    28: (16,),
    1: (1, 2, 3, 4, 8),
    2: (1, 2, 4, 7, 8),
    4: (1,),
    6: (1, 2),
    7: (2,),
    11: (2,),
    10: (1, 2, 4),
    14: (2, 4),
    61: (1,),
    234: (4,),
    235: (4,),
    34: (4,),
    22: (4,),
    21: (4,),
    5: (1,),
    82: (1, 20),
    56: (6,),
}
"""Element -> lengths it is sent in."""

COLUMN = {
    1: "octets",
    2: "packets",
    4: "protocol",
    7: "src_port",
    11: "dst_port",
    10: "ingress_if",
    14: "egress_if",
    234: "ingress_vrf",
    235: "egress_vrf",
}


@st.composite
def templates(draw):
    """Fields of a flow template: addresses of a family or of both, a counter, and others in any order."""
    family = draw(st.sampled_from([(8, 12), (27, 28), (8, 12, 27, 28)]))
    others = draw(st.lists(st.sampled_from(sorted(set(LENGTHS) - {8, 12, 27, 28, 1})), unique=True))
    elements = draw(st.permutations([*family, 1, *others]))
    return [(element, draw(st.sampled_from(LENGTHS[element]))) for element in elements]


@st.composite
def messages(draw):
    """(fields, records as element -> value)."""
    fields = draw(templates())
    value = {element: st.integers(0, min(256**length - 1, 2**63 - 1)) for element, length in fields if length <= 8}
    for element in (27, 28):
        value[element] = st.integers(2**64, 2**128 - 1)
    for element, length in fields:
        if length > 16:
            value[element] = st.integers(0, 1000)
    one = st.fixed_dictionaries({element: value[element] for element, _ in fields})
    return fields, draw(st.lists(one, min_size=1, max_size=6))


@settings(deadline=None, max_examples=60)
@given(messages(), st.booleans(), st.booleans())
def test_round_trip(message, is_ipfix, has_variable):
    """Every value that was encoded stands in its column, whichever protocol, layout and way of reading."""
    fields, records = message
    wire_fields = [*fields, (96, VARIABLE)] if has_variable else fields
    body = b"".join(record(wire_fields, [values.get(e, b"x") for e, _ in wire_fields]) for values in records)
    build, announce = (ipfix, ipfix_templates) if is_ipfix else (v9, v9_templates)
    datagram = build(announce(template(256, wire_fields)), a_set(256, body))
    found = decode_datagrams(new_decoder(), Datagrams.of([(NOW_MS, 0, 1, datagram)]))
    assert len(found) == len(records)
    for row, values in zip(found, records, strict=True):
        _check(row, values)


def _check(row, values):
    has_ports = values.get(4, 0) in {6, 17, 132, 33}
    for element, column in COLUMN.items():
        expected = values.get(element, 0)
        assert row[column] == (expected if has_ports or not column.endswith("port") else 0)
    source = (27, 8)[row["ip_version"] == 4]
    assert row["ip_version"] == (6 if 27 in values else 4)
    number = values[source]
    assert row["src"] == str(from_words(0, 0xFFFF << 32 | number) if source == 8 else from_words(number >> 64, number))
    assert row["sampling_interval"] == float(values.get(34, 0))
    assert row["direction"] == (values.get(61, 2) if values.get(61, 2) < 2 else -1)
    assert row["flow_start"] <= row["flow_end"] <= NOW_MS + 2000


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.lists(st.booleans(), min_size=11, max_size=11))
def test_cut_anywhere(sizes, cuts):
    """The same datagrams in one call or in many give the same rows, whatever the batch holds."""
    number = iter(range(1000))
    datagrams = [(NOW_MS, 0, 1, v9(v9_templates(template(256, FLOW_FIELDS))))]
    for n, size in enumerate(sizes):
        records = b"".join(flow(packets=next(number)) for _ in range(size))
        datagrams.append((NOW_MS + n, 0, 1, v9(a_set(256, records), sequence=n)))
    whole = decode_datagrams(new_decoder(), Datagrams.of(datagrams))

    decoder, parts, call = new_decoder(), [], []
    for datagram, cut in zip(datagrams, [*cuts, True, True], strict=False):
        call.append(datagram)
        if cut:
            parts += decode_datagrams(decoder, Datagrams.of(call))
            call = []
    parts += decode_datagrams(decoder, Datagrams.of(call)) if call else []
    rest = datagrams[min(len(datagrams), len(cuts) + 2) :]
    parts += decode_datagrams(decoder, Datagrams.of(rest)) if rest else []
    assert parts == whole
    assert [row["packets"] for row in whole] == list(range(sum(sizes)))


@settings(deadline=None, max_examples=80)
@given(st.permutations(list(range(6))))
def test_any_order_of_templates_and_data(order):
    """Three templates and their data in any order give the same rows, none is lost and none comes twice."""
    layouts = [FLOW_FIELDS, FLOW_FIELDS[::-1], [*FLOW_FIELDS, (96, VARIABLE)]]
    datagrams = []
    for n, fields in enumerate(layouts):
        values = dict(
            zip([element for element, _ in FLOW_FIELDS], [1, 2, 3, 4, 17, 0, n, 9, UPTIME_MS, UPTIME_MS], strict=True)
        )
        body = record(fields, [values.get(element, b"x") for element, _ in fields])
        datagrams += [ipfix(ipfix_templates(template(300 + n, fields))), ipfix(a_set(300 + n, body), sequence=n)]
    decoder = new_decoder()
    found = decode_datagrams(decoder, Datagrams.of((NOW_MS, 0, 1, datagrams[i]) for i in order))
    assert sorted(row["packets"] for row in found) == [0, 1, 2]
    assert not decoder.drops


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=30))
def test_exporters_and_domains_do_not_mix(messages):
    """Interleaved exporters and domains decode with their own templates and keep their own account."""
    decoder = new_decoder()
    sent: dict[tuple[int, int], int] = {}
    datagrams = []
    for exporter, domain in messages:
        sequence = sent.get((exporter, domain), 0)
        layout = FLOW_FIELDS[:6] + (FLOW_FIELDS[6:8][::-1] if domain % 2 else FLOW_FIELDS[6:8]) + FLOW_FIELDS[8:]
        sets = (v9_templates(template(256, layout)), a_set(256, flow(packets=5, octets=7)))
        datagrams.append((NOW_MS, exporter, 1, v9(*sets, sequence=sequence, domain=domain)))
        sent[exporter, domain] = sequence + 1
    found = decode_datagrams(decoder, Datagrams.of(datagrams))
    assert [(row["exporter"], row["observation_domain_id"]) for row in found] == messages
    assert [row["packets"] for row in found] == [7 if domain % 2 else 5 for _, domain in messages]
    assert {(loss.exporter, loss.domain): loss.datagrams for loss in decoder.losses()} == sent
    assert all(loss.lost_units == 0 for loss in decoder.losses())


ADDRESSES = st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(2**64, 2**128 - 1).map(IPv6Address)


@settings(deadline=None, max_examples=80)
@given(
    ADDRESSES.flatmap(lambda a: st.tuples(st.just(a), ADDRESSES.filter(lambda b: b.version == a.version))),
    st.tuples(*[st.integers(0, 0xFFFF)] * 2),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
)
def test_sflow_round_trip(addresses, ports, rate, is_expanded, by_header):
    """What was sampled stands in its columns, in each form of sample and of record."""
    src, dst = addresses
    octets = 28 if src.version == 4 else 48
    record = sampled_addresses(
        3 if src.version == 4 else 4, src=str(src), dst=str(dst), octets=octets, src_port=ports[0], dst_port=ports[1]
    )
    if by_header:
        v4 = struct.pack(">BBHHHBBH", 0x45, 0, octets, 0, 0, 64, 17, 0)
        v6 = struct.pack(">IHBB", 6 << 28, 8, 17, 64)
        packet = (v4 if src.version == 4 else v6) + src.packed + dst.packed + struct.pack(">HHHH", *ports, 8, 0)
        record = sampled_header(packet, protocol=11 if src.version == 4 else 12)
    build = expanded_flow_sample if is_expanded else flow_sample
    payload = sflow(build(record, rate=rate), EMPTY_SAMPLE)
    (row,) = decode_datagrams(new_decoder(), Datagrams.of([(NOW_MS, 0, 1, payload)]))
    assert (row["src"], row["dst"]) == (str(src), str(dst))
    assert (row["src_port"], row["dst_port"], row["protocol"]) == (*ports, 17)
    assert (row["octets"], row["packets"], row["ip_version"]) == (octets, 1, src.version)
    assert row["sampling_interval"] == float(rate)


@settings(deadline=None, max_examples=60)
@given(st.permutations(range(12)), st.lists(st.integers(1, 4), max_size=12))
def test_sflow_cut_anywhere(order, cuts):
    """Samples of three data sources, however they are spread over datagrams and calls, give the same rows."""
    header = sampled_addresses(3, src="192.0.2.1", dst="192.0.2.2")
    samples = [flow_sample(header, source=1 + n % 3, sequence=n, rate=10 + n % 3, ingress=n) for n in order]
    whole = decode_datagrams(new_decoder(), Datagrams.of([(NOW_MS, 0, 1, sflow(*samples))]))
    decoder, parts = new_decoder(), []
    for n, size in enumerate([*cuts, *[1] * 12]):
        payload = sflow(*samples[:size], sequence=n)
        del samples[:size]
        parts += decode_datagrams(decoder, Datagrams.of([(NOW_MS, 0, 1, payload)]))
    assert parts == whole
    assert [row["ingress_if"] for row in whole] == list(order)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30))
def test_v5_round_trip(numbers):
    """Counters and addresses of v5 come back as they were sent."""
    records = [v5_record(src=number, packets=number, octets=2**32 - 1 - number) for number in numbers]
    found = decode_datagrams(new_decoder(), Datagrams.of([(NOW_MS, 0, 1, v5(records))]))
    assert [row["packets"] for row in found] == numbers
    assert [row["octets"] for row in found] == [2**32 - 1 - number for number in numbers]
    assert [row["src"] for row in found] == [str(from_words(0, 0xFFFF << 32 | number)) for number in numbers]
