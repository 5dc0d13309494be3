"""NAT events from datagram to event, through the collector's own decoder."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from export_builders import VARIABLE, a_set, decode, ipfix, ipfix_templates, new_decoder, record, template
from sekisho.attribution.sources.cgnat import ipfix as nat
from sekisho.attribution.sources.cgnat.block import Realms
from sekisho.attribution.sources.events import Begin, End, Inside

BLOCK = [(323, 8), (230, 1), (8, 4), (225, 4), (361, 2), (362, 2)]
SESSION = [(323, 8), (230, 1), (8, 4), (225, 4), (4, 1), (7, 2), (227, 2), (12, 4), (11, 2)]
INSIDE, OUTSIDE, TARGET = 0x64400009, 0xC0000207, 0xC6336401


def events_of(fields, *rows):
    decoder = new_decoder(keep_nat_events=True)
    content = b"".join(record(fields, row) for row in rows)
    decode(decoder, ipfix(ipfix_templates(template(256, fields)), a_set(256, content)))
    return [
        nat.read_event(event, realms=Realms(inside="cgn-1"), exporter="198.51.100.1") for event in decoder.take_events()
    ]


def test_a_block_from_the_wire():
    """RFC 8158: allocation and release of a port block are a beginning and an end of one session."""
    begin, end = events_of(
        BLOCK, [1_000_000, 16, INSIDE, OUTSIDE, 2048, 2559], [1_090_000, 17, INSIDE, OUTSIDE, 2048, 2559]
    )
    assert (type(begin), type(end)) == (Begin, End)
    assert begin.session == end.session
    assert (begin.at_ms, end.at_ms) == (1_000_000, 1_090_000)
    assert begin.holder == Inside(address=ip_address("100.64.0.9"), realm="cgn-1")
    assert (begin.held[0].port_first, begin.held[0].port_last) == (2048, 2559)


def test_sessions_from_the_wire():
    """Sessions hold one port each, and those of two destinations are two."""
    rows = [[1_000, 4, INSIDE, OUTSIDE, 17, 5000, 40001, TARGET + n, 53] for n in range(2)]
    first, second = events_of(SESSION, *rows)
    assert first.session != second.session
    assert (first.held[0].port_first, first.held[0].port_last) == (40001, 40001)


@pytest.mark.parametrize("subscriber", ["LSN-Host@100.64.0.9", "a@100.64.0.9"])
def test_nokias_string_from_the_wire(subscriber):
    """A string of any length arrives as text: up to eight octets the decoder would take it for a number."""
    fields = [(152, 8), (225, 4), (227, 2), (148, 8), (93, VARIABLE, 637)]
    (begin,) = events_of(fields, [1_000, OUTSIDE, 40001, 9, subscriber.encode()])
    assert begin.holder == Inside(address=ip_address("100.64.0.9"), realm="cgn-1")


def test_a_short_subscriber_name_from_the_wire():
    """A subscriber of a few letters is a line."""
    fields = [(152, 8), (225, 4), (227, 2), (148, 8), (93, VARIABLE, 637)]
    (begin,) = events_of(fields, [1_000, OUTSIDE, 40001, 9, b"L-47"])
    assert begin.holder == "L-47"
