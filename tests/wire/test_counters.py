"""Interface counters out of sFlow counter samples: totals that only rise, in bounded number."""

from __future__ import annotations

from export_builders import NOW_MS, decode, new_decoder
from sekisho.core.reasons import WireReason
from sflow_builders import counters_sample, expanded_counters_sample, if_counters, opaque, sflow, structure

ETHERNET_COUNTERS = structure(2, bytes(52))


def _after(*datagrams: bytes, first_ms: int = NOW_MS):
    decoder = new_decoder()
    for n, datagram in enumerate(datagrams):
        assert decode(decoder, datagram, at=first_ms + 1000 * n) == []
    return decoder.interface_counters()


def _octets(*values: int) -> list[bytes]:
    """A datagram for each value of the octets that came in; as many unicast packets, in 32 bits, went out."""
    return [
        sflow(
            counters_sample(
                if_counters(ingress=(value, 0, 0, 0, 0, 0), egress=(0, value % 2**32, 0, 0, 0, 0)), sequence=n
            ),
            sequence=n,
            uptime_ms=20_000 * n,
        )
        for n, value in enumerate(values, start=1)
    ]


def test_what_a_sample_holds():
    """The if_counters of both forms of counter samples (sFlow v5, section 5), beside records that are stepped over."""
    counters = if_counters(index=9, speed_bps=10**11, ingress=(1, 2, 3, 4, 5, 6), egress=(7, 8, 9, 10, 11, 12))
    for build in (counters_sample, expanded_counters_sample):
        (found,) = _after(sflow(build(ETHERNET_COUNTERS, counters, source=9)))
        assert (found.exporter, found.interface, found.received_at, found.samples) == (0, 9, NOW_MS, 1)
        assert (found.speed_bps, found.is_up, found.resets) == (10**11, True, 0)
        ingress, egress = found.ingress, found.egress
        assert (ingress.octets, ingress.unicast_packets, ingress.multicast_packets) == (1, 2, 3)
        assert (ingress.broadcast_packets, ingress.discards, ingress.errors) == (4, 5, 6)
        assert (egress.octets, egress.unicast_packets, egress.multicast_packets) == (7, 8, 9)
        assert (egress.broadcast_packets, egress.discards, egress.errors) == (10, 11, 12)


def test_totals_rise_over_wraps():
    """Octets have 64 bits, packets 32: a wrap of these is part of the traffic."""
    start = 2**32 - 1000
    (before,) = _after(*_octets(start))
    (after,) = _after(*_octets(start, start + 600, start + 5000))
    assert after.ingress.octets - before.ingress.octets == 5000
    assert after.egress.unicast_packets - before.egress.unicast_packets == 5000
    assert (after.samples, after.resets, after.received_at) == (3, 0, NOW_MS + 2000)


def test_lost_samples_are_made_good():
    """Counters are totals, so that a lost sample loses nothing (sFlow v5, section 5)."""
    first, _, _, last = _octets(100, 200, 300, 400)
    (found,) = _after(first, last)
    assert (found.ingress.octets, found.samples, found.resets) == (400, 2, 0)


def test_resets_add_nothing():
    """Counters that are reset take the sequence number with them (sFlow v5, section 5); the total stays and goes on."""
    reset = sflow(counters_sample(if_counters(ingress=(50, 0, 0, 0, 0, 0)), sequence=1), sequence=3, uptime_ms=60_000)
    later = sflow(counters_sample(if_counters(ingress=(80, 0, 0, 0, 0, 0)), sequence=2), sequence=4, uptime_ms=80_000)
    (found,) = _after(*_octets(1000, 3000), reset, later)
    assert (found.ingress.octets, found.resets) == (3030, 1)


def test_octets_that_fall_are_a_reset():
    """Not every agent resets its sequence."""
    (found,) = _after(*_octets(1000, 3000, 10, 30))
    assert (found.ingress.octets, found.resets) == (3020, 1)


def test_late_and_doubled_samples_change_nothing():
    """An earlier uptime is an earlier sample."""
    one, two, three = _octets(100, 200, 300)
    (found,) = _after(one, three, two, three)
    assert (found.ingress.octets, found.samples, found.resets) == (300, 2, 0)


def test_counters_that_an_exporter_does_not_have():
    """The maximum value says "that the counter is not available" (sFlow v5, section 5)."""
    absent = 2**32 - 1
    (found,) = _after(sflow(counters_sample(if_counters(ingress=(2**64 - 1, 7, absent, absent, 0, 0)))))
    assert (found.ingress.octets, found.ingress.multicast_packets, found.ingress.unicast_packets) == (-1, -1, 7)


def test_names_of_interfaces():
    """Format 1005 names the interface that the sample is of; samples of other things name none."""
    decoder = new_decoder()
    name = structure(1005, opaque(b"ge-0/0/1"))
    decode(decoder, sflow(counters_sample(name, if_counters(index=9), source=9), counters_sample(name, source_class=2)))
    assert decoder.interfaces == {(0, 9): "ge-0/0/1"}
    assert [found.interface for found in decoder.interface_counters()] == [9]
    decode(decoder, sflow(counters_sample(structure(1005, opaque(b"x" * 40)[:8]), source=3), sequence=1))
    assert (decoder.interfaces, decoder.drops) == ({(0, 9): "ge-0/0/1"}, {})


def test_short_counters_are_counted():
    """Interface counters of fewer octets than they have, and records cut off, are no counters."""
    decoder = new_decoder()
    decode(decoder, sflow(counters_sample(structure(1, bytes(87))), counters_sample(if_counters()[:-8])))
    assert decoder.interface_counters() == []
    assert decoder.drops == {WireReason.TRUNCATED_RECORD: 2}
