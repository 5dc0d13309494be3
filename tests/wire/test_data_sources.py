"""sFlow data sources: the sampling interval that was in effect, and samples that were lost."""

from __future__ import annotations

import numpy as np
import pytest

from export_builders import decode, new_decoder
from sekisho.wire.limits import Limits
from sflow_builders import HEADER, discarded_packet, expanded_flow_sample, flow_sample, sflow


def _intervals(*samples: dict[str, int]) -> list[float]:
    """Sampling interval of each row of samples that come one in a datagram."""
    datagrams = [sflow(flow_sample(HEADER, **sample), sequence=n) for n, sample in enumerate(samples)]
    return [row["sampling_interval"] for row in decode(new_decoder(), *datagrams)]


def _steady(count: int, *, rate: int, step: int, drops: int = 0, pool: int = 0) -> list[dict[str, int]]:
    """Samples each of which was taken ``step`` packets after the last one, with ``drops`` more dropped each time."""
    return [
        {"sequence": n + 1, "rate": rate, "pool": (pool + n * step) & 0xFFFFFFFF, "drops": n * drops}
        for n in range(count)
    ]


def test_the_first_sample_has_the_nominal_interval():
    """What was configured (sampling_rate of sFlow v5, section 5), until a second look tells more."""
    assert _intervals({"rate": 400, "pool": 123_456_789}) == [400.0]


def test_an_exporter_that_keeps_to_its_rate():
    """Steps scatter as section 3.1 of sFlow v5 draws them, 1 to 2N - 1; the interval stays N."""
    random = np.random.default_rng(3)
    pools = np.cumsum(random.integers(1, 2000, 20_000)) & 0xFFFFFFFF
    samples = [{"sequence": n + 1, "rate": 1000, "pool": int(pool)} for n, pool in enumerate(pools)]
    assert set(_intervals(*samples)) == {1000.0}


@pytest.mark.parametrize("seed", range(4))
def test_chance_contradicts_nothing(seed):
    """Where each packet is drawn by itself the steps scatter more; still the interval stays nominal."""
    random = np.random.default_rng(seed)
    pools = np.cumsum(random.geometric(1 / 256, 10_000)) & 0xFFFFFFFF
    samples = [{"sequence": n + 1, "rate": 256, "pool": int(pool)} for n, pool in enumerate(pools)]
    assert set(_intervals(*samples)) == {256.0}


@pytest.mark.parametrize(("step", "effective"), [(2000, 2000.0), (500, 500.0), (1100, 1100.0)])
def test_the_effective_interval_is_packets_over_samples(step, effective):
    """Observed packets over samples once they contradict the nominal interval; a tenth takes some thousand samples."""
    intervals = _intervals(*_steady(3000, rate=1000, step=step, pool=2**32 - 5_000_000))
    assert (intervals[1], intervals[-1]) == (1000.0, effective)


def test_dropped_samples_count():
    """Each sample stands for its share of those that were dropped, from the second sample on."""
    assert _intervals(*_steady(50, rate=1000, step=4000, drops=3)) == [1000.0] + [4000.0] * 49


def test_a_rate_that_changes_begins_anew():
    """The new rate holds from the sample that brings it."""
    samples = _steady(100, rate=1000, step=3000)
    changed = [sample | {"rate": 500} for sample in samples[50:60]]
    assert _intervals(*samples[:50], *changed)[49:] == [3000.0] + [500.0] * 10


@pytest.mark.parametrize(
    "pool",
    [lambda _: 0, lambda n: n // 100, lambda n: (1 << 32) - 1 - 10**6 * n],
    ids=["never counted", "fewer than samples", "runs backwards"],
)
def test_counts_that_cannot_be_are_not_used(pool):
    """Samples are among the packets observed; a count that says otherwise means something else."""
    samples = [{"sequence": n + 1, "rate": 1000, "pool": pool(n)} for n in range(200)]
    assert set(_intervals(*samples)) == {1000.0}


def test_lost_samples_do_not_change_the_interval():
    """What was lost on the way was sampled: the interval is packets over samples made, and the loss is told apart."""
    samples = _steady(2000, rate=1000, step=2000)
    decoder = new_decoder()
    kept = [sample for n, sample in enumerate(samples) if n % 4]
    rows = decode(decoder, *(sflow(flow_sample(HEADER, **sample), sequence=n) for n, sample in enumerate(kept)))
    assert rows[-1]["sampling_interval"] == 2000.0
    (source,) = decoder.data_sources()
    assert (source.samples, source.lost_samples, source.nominal_interval, source.interval) == (1500, 499, 1000, 2000.0)
    assert decoder.losses()[0].lost_units == 0


def test_unknown_rate():
    """A rate of 0 is not known, until enough samples show it."""
    intervals = _intervals(*_steady(40, rate=0, step=100))
    assert (intervals[:16], set(intervals[16:])) == ([0.0] * 16, {100.0})


def test_data_sources_count_by_themselves():
    """Sequence, pool and drops are those of one source_id (sFlow v5, section 5); compact and expanded are one."""
    decoder = new_decoder()
    samples = []
    for n in range(1, 30):
        samples.append(flow_sample(HEADER, sequence=n, source=5, rate=10, pool=10 * n))
        samples.append(expanded_flow_sample(HEADER, sequence=500 + n, source=6, rate=20, pool=7 + 60 * n))
        samples.append(flow_sample(HEADER, sequence=9 * n, source=5, source_class=1, rate=30, pool=0))
    decode(decoder, sflow(*samples))
    found = [(s.identifier, s.samples, s.lost_samples, s.interval) for s in decoder.data_sources()]
    assert found == [(5, 29, 0, 10.0), (6, 29, 0, 60.0), (1 << 32 | 5, 29, 8 * 28, 30.0)]


def test_discards_have_their_own_sequence():
    """Format 5: events of a data source count apart from its samples, and so do those that were not sent."""
    decoder = new_decoder()
    for n in range(1, 4):
        event = discarded_packet(HEADER, sequence=2 * n, source=5, drops=10 * n, reason=258)
        decode(decoder, sflow(flow_sample(HEADER, sequence=100 + n, source=5, pool=1000 * n), event, sequence=n))
    found = [(s.kind, s.samples, s.lost_samples, s.dropped_samples) for s in decoder.data_sources()]
    assert found == [(0, 3, 0, 0), (1, 3, 2, 20)]


def _loss(*payloads: bytes):
    decoder = new_decoder()
    decode(decoder, *payloads)
    return decoder.losses()[0], decoder.data_sources()[0]


def _datagram(n: int, *, uptime_ms: int, sub_agent: int = 0) -> bytes:
    return sflow(flow_sample(HEADER, sequence=n + 7), sequence=n, uptime_ms=uptime_ms, sub_agent=sub_agent)


def test_lost_datagrams():
    """The sequence is "incremented with each sample datagram" (sFlow v5, section 5): gaps are datagrams."""
    loss, source = _loss(*(_datagram(n, uptime_ms=1000 * n) for n in (1, 2, 6, 7)))
    assert (loss.unit, loss.lost_units, loss.gaps, loss.expected_units) == ("packets", 3, 1, 7)
    assert (source.lost_samples, source.gaps) == (3, 1)


def test_reordering_is_no_loss():
    """A late datagram has an earlier uptime: neither it nor its samples are lost, and nothing began anew."""
    loss, source = _loss(*(_datagram(n, uptime_ms=1000 * n) for n in (1, 2, 5, 4, 3, 6)))
    assert (loss.lost_units, loss.reordered, loss.restarts) == (0, 2, 0)
    assert (source.lost_samples, source.reordered, source.restarts) == (0, 2, 0)


def test_restart_is_no_loss():
    """Counts that began anew after a reboot (uptime fell) or of an agent alone (it rose) are no loss."""
    rebooted = [_datagram(n, uptime_ms=10**8 + n) for n in (900, 901)] + [_datagram(n, uptime_ms=n) for n in (1, 2)]
    agent = [_datagram(900, uptime_ms=5000), _datagram(1, uptime_ms=6000), _datagram(2, uptime_ms=7000)]
    for payloads in (rebooted, agent):
        loss, source = _loss(*payloads)
        assert (loss.lost_units, loss.restarts, source.lost_samples, source.restarts) == (0, 1, 0, 1)


def test_sequences_wrap():
    """Sequence numbers and uptime run over at 2**32."""
    top = 2**32
    loss, source = _loss(*(_datagram(n % top, uptime_ms=n * 10 % top) for n in range(top - 3, top + 4) if n != top))
    assert (loss.lost_units, source.lost_samples, loss.restarts, source.restarts) == (1, 1, 0, 0)


def test_sub_agents_count_apart():
    """Each sub-agent of an agent is an observation domain with sequences of its own."""
    decoder = new_decoder()
    payloads = [_datagram(n + 500 * s, uptime_ms=n, sub_agent=s) for n in range(3) for s in (1, 2)]
    decode(decoder, *payloads)
    assert [(loss.domain, loss.datagrams, loss.lost_units) for loss in decoder.losses()] == [(1, 3, 0), (2, 3, 0)]
    assert [(s.domain, s.samples, s.lost_samples) for s in decoder.data_sources()] == [(1, 3, 0), (2, 3, 0)]


def test_data_sources_are_bounded():
    """Beyond the limit samples still become rows, with the nominal interval, and are counted."""
    decoder = new_decoder(limits=Limits(data_sources=8, data_sources_per_source=5))
    samples = [flow_sample(HEADER, sequence=n, source=n, rate=100, pool=9**9) for n in range(1, 21)]
    rows = decode(decoder, sflow(*samples), sflow(*samples, sub_agent=1, sequence=9))
    assert [row["sampling_interval"] for row in rows] == [100.0] * 40
    assert (len(decoder.data_sources()), decoder.data_sources_left_out) == (8, 32)
