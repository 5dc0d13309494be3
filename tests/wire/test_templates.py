"""Templates: who may define what, what is rejected, what happens at each limit, and sets that wait for theirs."""

from __future__ import annotations

import struct

import pytest

from export_builders import (
    FLOW_FIELDS,
    IPFIX_FIELDS,
    NOW_MS,
    a_set,
    decode,
    field,
    flow,
    ipfix,
    ipfix_flow,
    ipfix_options_template,
    ipfix_templates,
    new_decoder,
    template,
    v9,
    v9_options_template,
    v9_templates,
)
from sekisho.core.reasons import WireReason
from sekisho.wire.held import CHECK_EVERY_MS
from sekisho.wire.limits import Limits

V9_TEMPLATE = v9_templates(template(256, FLOW_FIELDS))
IPFIX_TEMPLATE = ipfix_templates(template(256, IPFIX_FIELDS))
OTHER_FIELDS = [*FLOW_FIELDS[:4], (4, 1), (6, 1), (1, 4), (2, 4), *FLOW_FIELDS[8:]]
"""FLOW_FIELDS with octets and packets exchanged: the same length, another layout."""


def test_scope_is_exporter_version_and_domain():
    """A template of one exporter or domain decodes nothing of another."""
    decoder = new_decoder()
    decode(decoder, v9(V9_TEMPLATE, domain=7))
    assert decode(decoder, v9(a_set(256, flow()), domain=8)) == []
    assert decode(decoder, v9(a_set(256, flow()), domain=7), exporter=1) == []
    assert decode(decoder, ipfix(a_set(256, flow()), domain=7)) == []
    assert len(decode(decoder, v9(a_set(256, flow()), domain=7))) == 1
    assert decoder.drops == {WireReason.UNKNOWN_TEMPLATE: 3}


def test_source_port_alone_does_not_matter():
    """An exporter that sends templates and data from different ports is one exporter (nfdump#159)."""
    decoder = new_decoder()
    decode(decoder, v9(V9_TEMPLATE), port=1000)
    assert len(decode(decoder, v9(a_set(256, flow())), port=1001)) == 1


def test_source_port_parts_conflicting_templates():
    """Two processes of one address that use one id for different layouts are told apart by their port."""
    decoder = new_decoder()
    decode(decoder, v9(V9_TEMPLATE), port=1000)
    decode(decoder, v9(v9_templates(template(256, OTHER_FIELDS))), port=1001)
    for port, packets in ((1000, 3), (1001, 300), (1002, 300)):
        (row,) = decode(decoder, v9(a_set(256, flow(packets=3, octets=300))), port=port)
        assert row["packets"] == packets, port
    decode(decoder, v9(V9_TEMPLATE), port=1000)
    assert decoder.templates.port_conflicts == 1


@pytest.mark.parametrize(("message", "templates"), [(v9, v9_templates), (ipfix, ipfix_templates)])
def test_redefinition_replaces_and_is_counted(message, templates):
    """A template announced again with another layout replaces the old one; the same again is no change."""
    decoder = new_decoder()
    same = templates(template(256, FLOW_FIELDS))
    decode(decoder, message(same), message(same))
    assert decoder.templates.redefined.total() == 0
    decode(decoder, message(templates(template(256, OTHER_FIELDS))))
    (row,) = decode(decoder, message(a_set(256, flow(packets=3, octets=300))))
    assert (row["packets"], decoder.templates.redefined.total()) == (300, 1)


@pytest.mark.parametrize(
    ("withdrawal", "left"),
    [
        (a_set(2, struct.pack(">HH", 256, 0)), 1),
        (a_set(2, struct.pack(">HH", 2, 0)), 0),
        (a_set(3, struct.pack(">HH", 3, 0)), 2),
        (a_set(3, struct.pack(">HH", 256, 0)), 2),
    ],
    ids=["one", "all", "all options", "options of that id"],
)
def test_withdrawal(withdrawal, left):
    """Four octets withdraw one template, or with the set's id all of its sort (RFC 7011, 8.1)."""
    decoder = new_decoder()
    decode(decoder, ipfix(ipfix_templates(template(256, IPFIX_FIELDS), template(257, IPFIX_FIELDS)), withdrawal))
    assert len(decode(decoder, ipfix(a_set(256, ipfix_flow()), a_set(257, ipfix_flow())))) == left


def test_options_withdrawal_has_four_octets():
    """The set goes on right behind an options template's withdrawal."""
    decoder = new_decoder()
    again = ipfix_options_template(300, [(144, 4)], [(34, 4)])[4:]
    decode(decoder, ipfix(a_set(3, struct.pack(">HH", 299, 0) + again), a_set(300, struct.pack(">II", 1, 500))))
    assert [sampler.interval for sampler in decoder.samplers()] == [500.0]


@pytest.mark.parametrize(
    "bad",
    [
        v9(a_set(0, struct.pack(">HH", 256, 0))),
        v9(a_set(0, struct.pack(">HHHH", 256, 1, 1, 0))),
        v9(a_set(0, struct.pack(">HHHH", 255, 1, 1, 4))),
        v9(a_set(0, struct.pack(">HHHH", 256, 2, 1, 4))),
        v9(a_set(1, struct.pack(">HHH", 256, 0, 0))),
        v9(a_set(1, struct.pack(">HHHHHH", 256, 3, 4, 1, 4, 0))),
        ipfix(a_set(2, struct.pack(">HHHH", 256, 1, 1, 0))),
        ipfix(a_set(3, struct.pack(">HHHHH", 256, 1, 2, 1, 4))),
        ipfix(a_set(2, struct.pack(">HHHH", 256, 1, 0x8001, 4))),
        ipfix(a_set(2, struct.pack(">HH", 255, 0))),
    ],
)
def test_bad_templates_are_rejected(bad):
    """No fields, records of no octets, a reserved id, a template cut off: counted, and no endless loop follows."""
    decoder = new_decoder()
    decode(decoder, bad, v9(a_set(256, bytes(16))), ipfix(a_set(256, bytes(16))))
    assert decoder.drops[WireReason.BAD_TEMPLATE] == 1
    assert decoder.records == 0


def test_templates_before_a_bad_one_are_kept():
    """One bad template in a set does not take the others with it."""
    decoder = new_decoder()
    rows = decode(decoder, v9(a_set(0, V9_TEMPLATE[4:] + struct.pack(">HH", 300, 9)), a_set(256, flow())))
    assert (len(rows), decoder.drops) == (1, {WireReason.BAD_TEMPLATE: 1})


def test_fields_of_no_length_are_legal():
    """Juniper's options template has a scope of length 0; the record as a whole is not empty."""
    decoder = new_decoder()
    fields = [*FLOW_FIELDS, (210, 0)]
    assert len(decode(decoder, v9(v9_templates(template(256, fields)), a_set(256, flow() * 2)))) == 2


def test_padding_is_no_record():
    """What is shorter than a record at the end of a set, and zeros behind the last set (Palo Alto, Cisco ACI)."""
    decoder = new_decoder()
    rows = decode(
        decoder,
        v9(V9_TEMPLATE, a_set(256, flow() + bytes(3))) + bytes(40),
        ipfix(IPFIX_TEMPLATE, a_set(256, ipfix_flow() + bytes(2)), bytes(6)),
        v9(V9_TEMPLATE, a_set(256, flow())) + bytes(2),
    )
    assert (len(rows), decoder.drops) == (3, {})


def test_v9_count_is_no_bound():
    """Exporters write records, sets or nothing into the header's count."""
    for count in (0, 1, 30_000):
        payload = bytearray(v9(V9_TEMPLATE, a_set(256, flow() * 5)))
        payload[2:4] = struct.pack(">H", count)
        assert len(decode(new_decoder(), bytes(payload))) == 5


def test_message_length_short_of_the_last_set():
    """An IPFIX length two octets too small loses nothing, and is counted (telegraf#14370)."""
    payload = bytearray(ipfix(IPFIX_TEMPLATE, a_set(256, ipfix_flow())))
    payload[2:4] = struct.pack(">H", len(payload) - 2)
    decoder = new_decoder()
    assert len(decode(decoder, bytes(payload))) == 1
    assert decoder.drops == {WireReason.LENGTH_MISMATCH: 1}


def test_unknown_set_does_not_take_the_others():
    """The other sets of the datagram are decoded (GoFlow2 and Akvorado drop the datagram)."""
    decoder = new_decoder()
    assert len(decode(decoder, v9(V9_TEMPLATE, a_set(999, bytes(8)), a_set(256, flow())))) == 1
    assert decoder.drops == {WireReason.UNKNOWN_TEMPLATE: 1}


def test_data_before_its_template_is_held():
    """Data that came first gives its rows where the template comes, with its own times and arrival."""
    decoder = new_decoder()
    assert decode(decoder, v9(a_set(256, flow() * 2), sequence=1), at=NOW_MS) == []
    rows = decode(decoder, v9(V9_TEMPLATE, a_set(256, flow()), sequence=2), at=NOW_MS + 900)
    assert [row["received_at"] for row in rows] == [NOW_MS, NOW_MS, NOW_MS + 900]
    assert (decoder.drops, decoder.losses()[0].lost_units, decoder.datagrams) == ({}, 0, 2)


def test_held_sets_expire():
    """After some seconds of stream time a set without template is counted for good."""
    decoder = new_decoder()
    decode(decoder, v9(a_set(256, flow())), at=NOW_MS)
    later = NOW_MS + decoder.limits.held_ms + CHECK_EVERY_MS
    assert decode(decoder, v9(V9_TEMPLATE), at=later) == []
    assert decoder.drops == {WireReason.UNKNOWN_TEMPLATE: 1}


def test_held_octets_are_bounded_by_exporter():
    """An exporter's share used up, its further sets are counted; other exporters still have theirs."""
    decoder = new_decoder(limits=Limits(held_octets_per_exporter=200))
    decode(decoder, *[v9(a_set(256, bytes(60)))] * 5)
    decode(decoder, v9(a_set(256, flow())), exporter=1)
    assert decoder.drops == {WireReason.HELD_LIMIT: 3, WireReason.UNKNOWN_TEMPLATE: 3}
    assert len(decode(decoder, v9(V9_TEMPLATE), exporter=1)) == 1


def test_templates_are_bounded_by_exporter():
    """At the cap a new template is refused and counted; a known one may change, a withdrawal makes room."""
    decoder = new_decoder(limits=Limits(templates_per_exporter=3))
    decode(decoder, ipfix(ipfix_templates(*(template(256 + i, IPFIX_FIELDS) for i in range(5)))))
    assert decoder.drops == {WireReason.TEMPLATE_LIMIT: 2}
    decode(decoder, ipfix(ipfix_templates(template(256, [(8, 4), (1, 4)]))))
    decode(decoder, ipfix(a_set(2, struct.pack(">HH", 257, 0)), ipfix_templates(template(400, IPFIX_FIELDS))))
    assert decoder.drops == {WireReason.TEMPLATE_LIMIT: 2}
    assert len(decode(decoder, ipfix(a_set(400, ipfix_flow())))) == 1


def test_fields_of_a_template_are_bounded():
    """A template with more fields than any exporter has is refused."""
    decoder = new_decoder(limits=Limits(template_fields=20))
    decode(decoder, v9(v9_templates(template(256, [(1, 4)] * 21))))
    assert decoder.drops == {WireReason.TEMPLATE_LIMIT: 1}


def test_record_that_fits_no_datagram_is_refused():
    """A template whose shortest record is longer than a datagram never describes one."""
    decoder = new_decoder()
    decode(decoder, v9(v9_templates(template(256, [(1, 40_000), (2, 40_000)]))))
    assert decoder.drops == {WireReason.BAD_TEMPLATE: 1}


def test_sources_are_bounded():
    """One address with ever new domains is stopped at its share, and takes nothing from the others."""
    decoder = new_decoder(limits=Limits(sources=4, sources_per_exporter=2))
    decode(decoder, *(v9(V9_TEMPLATE, a_set(256, flow()), domain=n) for n in range(5)))
    assert len(decode(decoder, v9(V9_TEMPLATE, a_set(256, flow())), exporter=1)) == 1
    assert decoder.drops == {WireReason.EXPORTER_LIMIT: 3}
    assert len(decoder.losses()) == 3


def test_many_templates_survive_growth_and_compaction():
    """Hundreds of templates, redefined again and again, still decode with their last layout."""
    decoder = new_decoder()
    for layout in (FLOW_FIELDS, OTHER_FIELDS, FLOW_FIELDS):
        for first in range(256, 656, 20):
            decode(decoder, v9(v9_templates(*(template(i, layout) for i in range(first, first + 20)))))
    rows = decode(decoder, *(v9(a_set(i, flow(packets=i, octets=1))) for i in range(256, 656)))
    assert [row["packets"] for row in rows] == list(range(256, 656))


def test_options_scopes_in_octets_and_in_fields():
    """v9 gives the lengths of scopes and options in octets, IPFIX their numbers."""
    decoder = new_decoder(keep_options=True)
    decode(decoder, v9(v9_options_template(300, [(1, 4)], [(34, 4)]), a_set(300, struct.pack(">II", 9, 100))))
    decode(decoder, ipfix(ipfix_options_template(300, [(144, 4)], [(34, 4)]), a_set(300, struct.pack(">II", 9, 200))))
    fields = [event.fields for event in decoder.take_events()]
    assert fields == [{"scopeSystem": 9, "samplingInterval": 100}, {"exportingProcessId": 9, "samplingInterval": 200}]


def test_enterprise_elements_are_stepped_over():
    """An enterprise element takes eight octets in the template, and is not taken for the IANA element of its number."""
    decoder = new_decoder()
    fields = [(1, 4, 35_632), *IPFIX_FIELDS]
    (row,) = decode(decoder, ipfix(ipfix_templates(template(256, fields)), a_set(256, bytes(4) + ipfix_flow())))
    assert row["octets"] == 300
    assert len(field((1, 4, 35_632))) == 8
