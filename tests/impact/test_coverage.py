"""Flows beside counters: any span of time, however many are asked about."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from sekisho.impact.counters import Counters, Interval
from sekisho.impact.coverage import SAMPLED_AT_LEAST, Covered, flow_sums
from sekisho.impact.load import Load, Side, Sum
from sekisho.schema.batch import FlowBatch

T0 = 1_793_530_800_000
EXPORTER, INTERFACES = 0, (1, 2, 3)


def every(starts, _):
    return np.ones(len(starts), dtype=bool)


@pytest.fixture(scope="module")
def load() -> Load:
    """Flows of half an hour, in by three interfaces and out by them."""
    load, random, rows = Load(np.array([60_000])), np.random.default_rng(4), 4000
    load.start()
    for interface in INTERFACES:
        load.watch(EXPORTER, interface)
    batch = FlowBatch(exporters=["192.0.2.1"])
    batch.length = rows
    end = T0 + np.sort(random.integers(0, 1_800_000, rows))
    columns = {
        "received_at": end,
        "flow_end": end,
        "flow_start": end - random.integers(0, 50_000, rows),
        "ingress_if": random.choice(INTERFACES, rows),
        "egress_if": random.choice(INTERFACES, rows),
        "direction": random.integers(0, 2, rows),
        "packets": random.integers(1, 50, rows),
        "octets": random.integers(40, 60_000, rows),
        "sampling_interval": np.full(rows, 100.0),
    }
    for name, values in columns.items():
        batch.column(name)[:] = values
    load.add(batch)
    return load


def counters(*, packets: float = 3e5) -> Counters:
    """Looks every 27 s, each interface at other times."""
    counters = Counters()
    for interface in INTERFACES:
        starts = [T0 + 1700 * interface + 27_000 * k for k in range(60)]
        counts = {"octets": (4e8, 5e8), "packets": (packets, 3e5), "discards": (0.0, 0.0)}
        counters.add((EXPORTER, interface), [Interval(start_ms=at, end_ms=at + 27_000, **counts) for at in starts])
    return counters


def covered(load: Load, looks: Counters) -> Covered:
    ways = [((EXPORTER, interface), side) for interface in INTERFACES for side in Side]
    return Covered(load, [(key, side, looks.columns(key)) for key, side in ways], every)


def one_by_one(load: Load, looks: Counters, first_ms: int, last_ms: int) -> tuple[float, float, float, int]:
    """The definition: windows of every interval that overlaps, added up."""
    flows, counted, sampled, intervals = np.zeros(2), np.zeros(2), 0.0, 0
    for interface in INTERFACES:
        for side in Side:
            for interval in looks.of((EXPORTER, interface)):
                if interval.end_ms > first_ms and interval.start_ms < last_ms:
                    sums = flow_sums(load, (EXPORTER, interface), side, interval.start_ms, interval.end_ms).sum(axis=0)
                    flows += sums[[Sum.OCTETS, Sum.PACKETS]]
                    counted += interval.octets[side], interval.packets[side]
                    sampled, intervals = sampled + sums[Sum.SAMPLED], intervals + 1
    return *(flows / counted), sampled, intervals


@pytest.mark.parametrize(
    ("first_s", "last_s"), [(0, 1800), (100, 101), (300, 900), (-50, 2), (1600, 9000), (27 + 1.7, 54 + 1.7)]
)
def test_any_span_is_what_its_intervals_add_up_to(load: Load, first_s: float, last_s: float):
    """Two look-ups in running sums give what walking over every interval gives, edges included."""
    looks, first_ms, last_ms = counters(), T0 + round(1000 * first_s), T0 + round(1000 * last_s)
    found = covered(load, looks).between(first_ms, last_ms)
    octets, packets, sampled, intervals = one_by_one(load, looks, first_ms, last_ms)
    assert found.intervals == intervals > 0
    assert (found.octets, found.packets) == pytest.approx((octets, packets), rel=1e-9)
    assert found.sampled == pytest.approx(sampled, rel=1e-9)


def test_a_span_without_intervals_is_not_known(load: Load):
    """Neither before the first look nor after the last."""
    for span in ((T0 - 9000, T0 - 1000), (T0 + 9_000_000, T0 + 9_900_000)):
        found = covered(load, counters()).between(*span)
        assert (found.intervals, found.share, found.is_alarm) == (0, None, False)


def test_what_is_not_counted_is_left_out_and_nothing_else(load: Load):
    """An interface that counts no packets that came in leaves the octets to tell."""
    found = covered(load, counters(packets=nan)).between(T0, T0 + 1_800_000)
    assert isnan(found.packets)
    assert found.share == found.octets > 0


def test_too_few_sampled_packets_tell_nothing(load: Load):
    """Chance alone moves such a number by a tenth."""
    looks = counters()
    spans = [(T0, T0 + 1000 * seconds) for seconds in (1, 1800)]
    few, many = (covered(load, looks).between(*span) for span in spans)
    assert few.sampled < many.sampled
    assert (many.sampled >= SAMPLED_AT_LEAST) == (many.share is not None)
