"""Invariant: any bytes decode or are counted, in bounded time and memory."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from export_builders import (
    FLOW_FIELDS,
    IPFIX_FIELDS,
    NOW_MS,
    VARIABLE,
    a_set,
    decode_datagrams,
    flow,
    ipfix,
    ipfix_flow,
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
from sekisho.core.reasons import WireReason
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.limits import Limits
from sflow_builders import (
    EXTENDED_SWITCH,
    counters_sample,
    discarded_packet,
    expanded_counters_sample,
    expanded_flow_sample,
    flow_sample,
    if_counters,
    opaque,
    sampled_addresses,
    sampled_header,
    sflow,
    structure,
)
from shared_data import ROOT

SMALL = Limits(
    sources=16,
    sources_per_exporter=4,
    templates_per_exporter=12,
    held_octets_per_exporter=4000,
    totals_flows=16,
    samplers_per_source=4,
    events=50,
    interfaces_per_exporter=4,
    data_sources=8,
    data_sources_per_source=3,
    counted_interfaces=8,
    counted_interfaces_per_source=3,
)


@cache
def _valid() -> tuple[bytes, ...]:
    """One datagram of each kind that the builders know, and the samples where they are."""
    walked = [*FLOW_FIELDS, (96, VARIABLE), (1, 4, 29_305), (315, VARIABLE)]
    built = (
        v5([v5_record()] * 3),
        v9(v9_templates(template(256, FLOW_FIELDS), template(257, FLOW_FIELDS[:3])), a_set(256, flow() * 3)),
        v9(v9_options_template(300, [(1, 4)], [(34, 4), (82, 8)]), a_set(300, bytes(range(32)))),
        ipfix(ipfix_templates(template(256, IPFIX_FIELDS)), a_set(256, ipfix_flow() * 3)),
        ipfix(ipfix_options_template(301, [(302, 4)], [(305, 4), (306, 4)]), a_set(301, bytes(range(24)))),
        ipfix(
            ipfix_templates(template(400, walked), template(401, [(8, 4), (85, 8), (86, 8), (230, 1)])),
            a_set(400, record(walked, [1] * 10 + [b"abc", 3, bytes(60)])),
            a_set(401, bytes(50)),
        ),
    )
    samples = sorted((ROOT / "flow" / "logstash").glob("*.dat")) if ROOT.exists() else []
    samples += sorted((ROOT / "flow" / "telegraf").glob("sflow*/*.bin")) if ROOT.exists() else []
    return built + _sflow() + tuple(path.read_bytes() for path in samples)


def _sflow() -> tuple[bytes, ...]:
    """Samples and records of every kind, one datagram a kind of sample and one of all."""
    frame = sampled_header(bytes(12) + b"\x08\0\x45\0\0\x64\0\1\0\0\x40\x11" + bytes(range(60)))
    addresses = sampled_addresses(4, src="2001:db8::1", dst="2001:db8::2")
    tunnel = sampled_addresses(1024, src="192.0.2.1", dst="192.0.2.2", protocol=4)
    samples = (
        flow_sample(EXTENDED_SWITCH, frame, tunnel),
        expanded_flow_sample(addresses, frame),
        discarded_packet(frame, reason=258),
        counters_sample(if_counters(), structure(1005, opaque(b"eth0"))),
        expanded_counters_sample(structure(2, bytes(52)), if_counters(index=7), source=7),
    )
    return (*(sflow(sample) for sample in samples), sflow(*samples, agent="2001:db8::1", sub_agent=3))


def _mutated(random: np.random.Generator) -> bytes:
    """``valid[:i] + tail``, octets changed, or two datagrams spliced."""
    seeds = _valid()
    octets = bytearray(seeds[random.integers(len(seeds))])
    kind = random.integers(4)
    if kind == 0:
        octets = octets[: random.integers(len(octets) + 1)] + random.bytes(random.integers(80))
    elif kind == 1:
        other = seeds[random.integers(len(seeds))]
        octets = octets[: random.integers(len(octets) + 1)] + other[random.integers(len(other) + 1) :]
    for _ in range(random.integers(8)):
        if octets:
            octets[random.integers(len(octets))] = random.choice(np.array([0, 1, 2, 3, 4, 255, random.integers(256)]))
    return bytes(octets[:65_507])


@pytest.mark.parametrize("seed", range(6))
def test_any_bytes_decode_or_are_counted(seed):
    """Mutated datagrams of changing exporters: rows and reasons add up, no limit is passed, values fit their types."""
    random = np.random.default_rng(seed)
    decoder = new_decoder(limits=SMALL, keep_options=True, keep_nat_events=bool(seed % 2))
    for _ in range(12):
        payloads = [_mutated(random) for _ in range(60)]
        datagrams = Datagrams.of(
            (NOW_MS + int(random.integers(20_000)), int(random.integers(3)), int(random.integers(3)), payload)
            for payload in payloads
        )
        for batch in decoder.decode(datagrams):
            _check(batch)
    assert decoder.datagrams == 720
    accounts = decoder.losses()
    headers = (
        WireReason.EMPTY,
        WireReason.TRUNCATED_HEADER,
        WireReason.UNKNOWN_VERSION,
        WireReason.BAD_COUNT,
        WireReason.BAD_ADDRESS_TYPE,
        WireReason.EXPORTER_LIMIT,
    )
    dropped_whole = sum(decoder.drops[reason] for reason in headers)
    walked = sum(account.datagrams for account in accounts)
    assert (
        walked + dropped_whole
        <= decoder.datagrams
        <= walked + dropped_whole + decoder.drops[WireReason.LENGTH_MISMATCH]
    )
    assert len(accounts) <= SMALL.sources
    assert len(decoder._templates) <= 3 * SMALL.templates_per_exporter + 2
    assert len(decoder.take_events()) <= SMALL.events
    assert len(decoder.data_sources()) <= SMALL.data_sources
    assert len(decoder.interface_counters()) <= SMALL.counted_interfaces
    assert all(source.lost_samples >= 0 and 0 <= source.interval < 1e19 for source in decoder.data_sources())
    assert all(account.lost_units >= 0 and account.gaps >= 0 for account in accounts)


def _check(batch):
    batch.to_arrow().validate(full=True)
    assert 0 < len(batch) <= batch.capacity
    assert (batch.column("packets") >= 0).all()
    assert (batch.column("octets") >= 0).all()
    assert np.isin(batch.column("ip_version"), (4, 6)).all()
    assert (batch.column("flow_start") <= batch.column("flow_end")).all()
    assert (batch.column("flow_end") <= batch.column("received_at") + 2000).all()
    assert np.isfinite(batch.column("sampling_interval")).all()
    assert (batch.column("sampling_interval") >= 0).all()


def test_every_prefix_of_every_datagram():
    """A datagram cut at any octet decodes or is counted, and what follows it decodes."""
    for seed in _valid()[:18]:
        decoder = new_decoder(limits=SMALL)
        payloads = [seed[:cut] for cut in range(len(seed))]
        for payload in payloads:
            decode_datagrams(decoder, Datagrams.of([(NOW_MS, 0, 1, payload)]))
        after = v9(v9_templates(template(999, FLOW_FIELDS)), a_set(999, flow()), domain=77)
        assert len(decode_datagrams(decoder, Datagrams.of([(NOW_MS, 1, 1, after)]))) == 1


def test_templates_at_random():
    """Templates of random elements and lengths, with random data, neither loop nor read past their set."""
    random = np.random.default_rng(5)
    decoder = new_decoder(limits=SMALL)
    for n in range(300):
        fields = [
            (int(random.integers(400)), int(random.choice(np.array([0, 1, 2, 3, 4, 8, 16, 20, VARIABLE]))))
            for _ in range(random.integers(1, 40))
        ]
        body = random.bytes(int(random.integers(1200)))
        build, announce = ((v9, v9_templates), (ipfix, ipfix_templates))[n % 2]
        datagram = build(announce(template(256, fields)), a_set(256, body), sequence=n)
        for batch in decoder.decode(Datagrams.of([(NOW_MS, 0, 1, datagram)])):
            _check(batch)
    assert decoder.records > 300
