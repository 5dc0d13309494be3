"""Hunting: what is counted, what is not read, and what is never shown."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.address import to_words
from sekisho.detect.indicators.model import ALWAYS_FROM_MS, ALWAYS_UNTIL_MS, Indicator
from sekisho.detect.indicators.read import table_of
from sekisho.store import parquet
from sekisho.store.compact import Compactor
from sekisho.store.hunt import Count, Period, hunt
from sekisho.store.layout import HOUR_MS
from sekisho.store.segments import Segments
from sekisho.store.space import SpaceFloor
from sekisho.store.targets import Bounds, Targets
from store.flows import T0, V4, Clock, numbered

TARGET = int(ip_address("203.0.113.5")) + V4


def targets(*networks, **fields):
    usual = {
        "port": 0, "protocol": 0, "source": "test", "is_sinkhole": False,
        "valid_from_ms": ALWAYS_FROM_MS, "valid_until_ms": ALWAYS_UNTIL_MS,
    }  # fmt: skip
    return Targets.of_indicators(
        table_of([Indicator(network=ip_network(n), label=n, **{**usual, **fields}) for n in networks])
    )


def write(root, *batches, compact=True):
    writer = Segments(root, collector="c1", clock=Clock(), space=SpaceFloor(root, 1, measure=lambda _: 1 << 40))
    writer.start()
    for batch in batches:
        writer.append(batch)
    writer.close()
    if compact:
        Compactor(root, clock=Clock()).run(everything=True)


@pytest.mark.parametrize("compact", [True, False])
def test_counts_by_hour_line_and_in_total(tmp_path, compact):
    """Records to the address are counted once each, by the hour in which they began, as exported."""
    lines = np.arange(8) % 3
    start = T0 + np.array([0, 0, 0, 0, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS])
    batch = numbered(0, 8, dst_lo=TARGET, src_line=lines, flow_start=start, flow_end=start + 10, packets=2, octets=100)
    write(tmp_path, batch, numbered(8, 50, dst_lo=TARGET + 1), compact=compact)
    found = hunt(tmp_path, targets("203.0.113.5"), Period())
    assert found.total == Count(lines=2, records=8, packets=16, octets=800, unattributed=3)
    assert found.hours == {
        T0: Count(lines=2, records=4, packets=8, octets=400, unattributed=2),
        T0 + HOUR_MS: Count(lines=2, records=4, packets=8, octets=400, unattributed=1),
    }
    assert [(line.line, line.records, line.octets) for line in found.lines] == [(1, 3, 300), (2, 2, 200)]


def test_a_flow_belongs_to_every_instant_of_it(tmp_path):
    """A flow counts where it was under way at some instant of the period: its last millisecond, or its first."""
    write(tmp_path, numbered(0, 1, dst_lo=TARGET, flow_start=T0 + 100, flow_end=T0 + 200))
    asked = targets("203.0.113.5")
    for from_ms, until_ms, records in ((0, 100, 0), (0, 101, 1), (200, 300, 1), (201, 300, 0), (120, 130, 1)):
        period = Period(from_ms=T0 + from_ms, until_ms=T0 + until_ms)
        assert hunt(tmp_path, asked, period).total.records == records


def test_what_need_not_be_read_is_not(tmp_path, monkeypatch):
    """Files of other times and row groups of other times or addresses are ruled out by what is known about them."""
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 32)
    spread = V4 + (np.arange(256) << 20)
    later = T0 + 5 * HOUR_MS
    for received in (T0, later):
        write(tmp_path, numbered(0, 256, exporter=0, dst_lo=spread, received_ms=received))
    found = hunt(tmp_path, targets("0.16.0.0"), Period(from_ms=later - HOUR_MS))
    assert found.total.records == 1
    reading = found.reading
    assert (reading.files, reading.files_by_time) == (2, 1)
    assert (reading.row_groups, reading.groups_by_time, reading.groups_by_address, reading.rows) == (8, 0, 7, 32)


def test_ports_protocols_and_validity_decide(tmp_path):
    """An indicator with a port, a protocol or a time counts where they agree."""
    write(tmp_path, numbered(0, 4, dst_lo=TARGET, dst_port=[443, 80, 443, 443], protocol=[6, 6, 17, 6], flow_start=T0))
    assert hunt(tmp_path, targets("203.0.113.5", port=443), Period()).total.records == 3
    assert hunt(tmp_path, targets("203.0.113.5", port=443, protocol=6), Period()).total.records == 2
    for from_ms, until_ms, records in ((T0, T0 + 1, 4), (T0 + 1, T0 + 2, 0), (T0 - 1, T0, 0)):
        asked = targets("203.0.113.5", valid_from_ms=from_ms, valid_until_ms=until_ms)
        assert hunt(tmp_path, asked, Period()).total.records == records


def test_a_record_of_two_indicators_counts_once(tmp_path):
    """Indicators that overlap each have the record; the total and the hours have it once."""
    write(tmp_path, numbered(0, 5, dst_lo=TARGET))
    found = hunt(tmp_path, targets("203.0.113.0/24", "203.0.113.5", "192.0.2.1"), Period())
    assert found.total.records == 5
    assert {number: count.records for number, count in found.indicators.items()} == {0: 5, 1: 5}


@pytest.mark.parametrize("network", ["2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1:2:8000::/65", "fe80::8/127"])
def test_ipv6_networks_match_to_the_bit(tmp_path, network):
    """First and last address of a network match, their neighbours do not, also where words are negative."""
    inside = ip_network(network)
    addresses = [
        ip_address(int(inside.network_address) + n) for n in (-1, 0, inside.num_addresses - 1, inside.num_addresses)
    ]
    words = np.array([to_words(address) for address in addresses])
    write(tmp_path, numbered(0, 4, dst_hi=words[:, 0], dst_lo=words[:, 1], ip_version=6, packets=[1, 10, 100, 1000]))
    assert hunt(tmp_path, targets(network), Period()).total.packets == 110


@settings(max_examples=200)
@given(
    networks=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 255), st.integers(24, 32)), min_size=1, max_size=6),
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_matches_are_what_addresses_say(networks, rows):
    """Matching by columns gives the pairs that comparing each address with each network gives."""
    asked = [ip_network(f"198.51.{b}.{c}/{length}", strict=False) for b, c, length in networks]
    addresses = [ip_address(f"198.51.{b}.{c}") for b, c in rows]
    sought = targets(*map(str, asked))
    hi, lo = np.array([to_words(address) for address in addresses], np.int64).T
    near = sought.near(hi, lo)
    columns = {"dst_hi": hi[near], "dst_lo": lo[near], **dict.fromkeys(("dst_port", "protocol", "flow_start"), near)}
    row, indicator = sought.match(columns)
    expected = {(r, n) for r, a in enumerate(addresses) for n, network in enumerate(asked) if a in network}
    assert set(zip(near[row].tolist(), indicator.tolist(), strict=True)) == expected
    assert len(row) == len(expected)
    bounds = Bounds(hi_first=int(hi.min()), hi_last=int(hi.max()), lo_first=int(lo.min()), lo_last=int(lo.max()))
    assert sought.may_be_within(bounds) or not expected


@pytest.mark.parametrize("text", ["203.0.113.5", "2001:db8::5", "fe80::ffff:ffff:ffff:ffff"])
def test_one_address_is_an_indicator_of_it_alone(text):
    """The target of an address is the same as that of a feed that lists this address and no port."""
    address = Targets.of_address(ip_address(text))
    listed = targets(text)
    assert address.labels == listed.labels
    assert {name: values.tolist() for name, values in address._of.items()} == {
        name: values.tolist() for name, values in listed._of.items()
    }


def test_nothing_found_is_an_answer(tmp_path):
    """A hunt without a match gives zeros."""
    write(tmp_path, numbered(0, 5))
    found = hunt(tmp_path, targets("192.0.2.77"), Period())
    assert (found.total.records, found.total.lines, found.hours, found.indicators, found.lines) == (0, 0, {}, {}, ())
