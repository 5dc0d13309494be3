"""Sampling intervals: by exporter, domain and sampler; options before, after and again."""

from __future__ import annotations

import struct

import pytest

from export_builders import (
    FLOW_FIELDS,
    a_set,
    decode,
    flow,
    ipfix,
    ipfix_options_template,
    ipfix_templates,
    new_decoder,
    record,
    template,
    v5,
    v5_record,
    v9,
    v9_options_template,
    v9_templates,
)
from sekisho.wire.limits import Limits

V9_TEMPLATE = v9_templates(template(256, FLOW_FIELDS))
WITH_SAMPLER = [*FLOW_FIELDS, (48, 1)]
SAMPLER_TEMPLATE = v9_templates(template(256, WITH_SAMPLER))


def _interval(decoder, *payloads: bytes, **options) -> float:
    return decode(decoder, *payloads, **options)[-1]["sampling_interval"]


def _sampler(identifier: int, interval: int, **header) -> bytes:
    options = v9_options_template(300, [(1, 4)], [(48, 1), (49, 1), (50, 4)])
    return v9(options, a_set(300, struct.pack(">IBBI", 0, identifier, 2, interval)), **header)


def _flow_of(sampler: int, **header) -> bytes:
    return v9(SAMPLER_TEMPLATE, a_set(256, flow() + bytes([sampler])), **header)


def _system(interval: int, element: int = 34) -> bytes:
    options = v9_options_template(301, [(1, 4)], [(element, 4)])
    return v9(options, a_set(301, struct.pack(">II", 0, interval)))


def test_samplers_of_one_exporter():
    """One exporter samples at several rates at once; the record's sampler decides (FastNetMon keeps one)."""
    decoder = new_decoder()
    decode(decoder, _sampler(1, 2000), _sampler(2, 4000), _sampler(1, 500, domain=9))
    assert [_interval(decoder, _flow_of(n)) for n in (1, 2)] == [2000.0, 4000.0]
    assert _interval(decoder, _flow_of(1, domain=9)) == 500.0
    assert _interval(decoder, _flow_of(1), exporter=1) == 0.0


def test_options_after_the_data_and_again():
    """Unknown until announced; the latest announcement holds from then on, and changes are counted."""
    decoder = new_decoder()
    assert _interval(decoder, _flow_of(1)) == 0.0
    assert _interval(decoder, _sampler(1, 100), _flow_of(1)) == 100.0
    assert _interval(decoder, _sampler(1, 100), _sampler(1, 1000), _flow_of(1)) == 1000.0
    assert decoder.sampling_changes == 1


def test_sampler_unknown_falls_back():
    """A sampler never announced: the system's rate, or the only sampler's; with two of them nobody knows."""
    only = new_decoder()
    assert _interval(only, _sampler(7, 100), _flow_of(1)) == 100.0
    assert _interval(only, _sampler(8, 200), _flow_of(1)) == 0.0
    system = new_decoder()
    assert _interval(system, _sampler(7, 100), _sampler(8, 200), _system(50), _flow_of(1)) == 50.0


def test_record_without_sampler():
    """A record that names no sampler has the rate of its source: of the system scope, or of sampler 0."""
    for announcement in (_system(256), _system(256, element=50), _sampler(0, 256), _sampler(3, 256)):
        assert _interval(new_decoder(), announcement, v9(V9_TEMPLATE, a_set(256, flow()))) == 256.0


def test_interval_in_the_record():
    """IE 34 may stand in the data record itself, and wins there; 0 says nothing."""
    fields = [*FLOW_FIELDS, (34, 4)]
    datagram = v9(v9_templates(template(256, fields)), a_set(256, flow() + struct.pack(">I", 64)))
    silent = v9(v9_templates(template(256, fields)), a_set(256, flow() + bytes(4)))
    assert _interval(new_decoder(), _system(9), datagram) == 64.0
    assert _interval(new_decoder(), _system(9), silent) == 9.0


@pytest.mark.parametrize(
    ("fields", "values", "interval"),
    [
        ([(305, 4), (306, 4)], [1, 999], 1000.0),
        ([(305, 4), (306, 4)], [10, 990], 100.0),
        ([(305, 4), (306, 4)], [2, 3], 2.5),
        ([(305, 4)], [1], 1.0),
        ([(309, 4), (310, 4)], [2, 500], 250.0),
        ([(311, 8)], [struct.pack(">d", 0.001)], 1000.0),
        ([(305, 4), (306, 4)], [0, 5], 0.0),
    ],
)
def test_ways_to_say_an_interval(fields, values, interval):
    """(305 + 306) / 305, population over size, and one over a probability; not necessarily whole (RFC 5477)."""
    scope = [(302, 8)]
    options = ipfix_options_template(300, scope, fields)
    announcement = ipfix(options, a_set(300, record(scope + fields, [5, *values])))
    data = [(8, 4), (12, 4), (2, 4), (302, 8)]
    datagram = ipfix(ipfix_templates(template(256, data)), a_set(256, record(data, [1, 2, 3, 5])))
    assert _interval(new_decoder(), announcement, datagram) == pytest.approx(interval)


def test_interval_and_space_in_the_record():
    """IE 305 and 306 in the data record give its ratio."""
    data = [(8, 4), (12, 4), (2, 4), (305, 4), (306, 4)]
    datagram = ipfix(ipfix_templates(template(256, data)), a_set(256, record(data, [1, 2, 3, 2, 3])))
    assert _interval(new_decoder(), datagram) == 2.5


def test_selection_sequence():
    """A record's selection sequence leads to its selector's rate, whichever of the two is announced first."""
    selector = ipfix(
        ipfix_options_template(300, [(302, 8)], [(305, 4), (306, 4)]),
        a_set(300, record([(302, 8), (305, 4), (306, 4)], [5, 1, 99])),
    )
    sequence = ipfix(
        ipfix_options_template(301, [(301, 8)], [(302, 8)]), a_set(301, record([(301, 8), (302, 8)], [77, 5]))
    )
    data = [(8, 4), (12, 4), (2, 4), (301, 8)]
    datagram = ipfix(ipfix_templates(template(256, data)), a_set(256, record(data, [1, 2, 3, 77])))
    assert _interval(new_decoder(), selector, sequence, datagram) == 100.0
    assert _interval(new_decoder(), sequence, selector, datagram) == 100.0


def test_interface_scope():
    """A rate announced for one interface holds for what came in or went out there."""
    fields = [*FLOW_FIELDS, (10, 4), (14, 4)]
    options = v9_options_template(301, [(2, 4)], [(34, 4)])
    decoder = new_decoder()
    decode(decoder, v9(options, a_set(301, struct.pack(">IIII", 4, 100, 5, 200))))
    shown = v9(v9_templates(template(256, fields)), a_set(256, flow() + struct.pack(">II", 4, 9)))
    other_side = v9(a_set(256, flow() + struct.pack(">II", 9, 5)))
    unknown = v9(a_set(256, flow() + struct.pack(">II", 9, 9)))
    assert [_interval(decoder, datagram) for datagram in (shown, other_side, unknown)] == [100.0, 200.0, 0.0]


def test_v5_rate_is_fourteen_bits():
    """The upper two bits are the mode (Akvorado takes all sixteen); 0 was not announced; changes are counted."""
    decoder = new_decoder()
    assert _interval(decoder, v5([v5_record()], sampling=0x4000 | 1000)) == 1000.0
    assert _interval(decoder, v5([v5_record()], sampling=100, sequence=1)) == 100.0
    assert decoder.sampling_changes == 1
    assert _interval(new_decoder(), v5([v5_record()])) == 0.0


def test_samplers_are_bounded():
    """Beyond the limit new samplers of a source are ignored; the known ones stay."""
    decoder = new_decoder(limits=Limits(samplers_per_source=2))
    decode(decoder, *(_sampler(n, 100 * n) for n in (1, 2, 3)))
    assert [_interval(decoder, _flow_of(n)) for n in (1, 2, 3)] == [100.0, 200.0, 0.0]
    assert len(decoder.samplers()) == 2
