"""SYN floods at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

import pytest

from detect.rows import ask, syn_target, syn_window
from detect.traffic import SYN, SYN_ACK, Traffic, addresses, kinds, seen_at
from sekisho.detect.detectors.tcp_syn_flood import DETECTOR, PARAMS

HOME = PARAMS["home"]


def opens(rows: list) -> list[bool]:
    return [row.opens for row in rows]


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool]):
    """One window opens at its rate; a little below it only goes on, since the minute's rate is not reached either."""
    packets = HOME.pps_10s * 10 + more
    windows = [syn_window(packets)]
    answer = ask(DETECTOR, windows, [syn_target("203.0.113.5", 80, packets)])
    assert opens(answer) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [syn_window(each, at_s=10 * k) for k in range(6)]
    flood = syn_target("203.0.113.5", 80, each * 6, until_s=60)
    assert set(opens(ask(DETECTOR, windows, [flood]))) == {expected}


@pytest.mark.parametrize(("sampled", "found"), [(19, False), (20, True), (21, True)])
def test_twenty_sampled_packets_are_needed(sampled: int, found: bool):
    """Nineteen sampled SYN prove no rate."""
    packets = sampled * 1000
    windows = [syn_window(packets, sampling=1000)]
    assert bool(ask(DETECTOR, windows, [syn_target("203.0.113.5", 80, packets, sampling=1000)])) is found


@pytest.mark.parametrize(("other", "found"), [(6001, False), (6000, True), (5999, True)])
def test_syn_must_be_two_fifths_of_what_is_sent_there(other: int, found: bool):
    """Complete connections send three packets more for each SYN."""
    flow = syn_target("203.0.113.5", 80, 4000) | {"packets": 4000.0 + other}
    assert bool(ask(DETECTOR, [syn_window(4000)], [flow])) is found


@pytest.mark.parametrize(("ports", "found"), [(3, True), (4, True), (5, False)])
def test_more_than_a_scan_of_the_network_on_those_ports(ports: int, found: bool):
    """4,096 SYN flood four ports of a network; on five ports a complete scan with retries would need more."""
    flows = [syn_target("203.0.113.5", port, 4096 / ports) for port in range(80, 80 + ports)]
    assert bool(ask(DETECTOR, [syn_window(4096)], flows)) is found


@pytest.mark.parametrize(("packets", "found"), [(49_990, False), (50_000, True), (50_010, True)])
def test_random_ports_are_a_flood_at_a_rate_above_any_scan(packets: int, found: bool):
    """A thousand ports of one address are a vertical scan below 5,000 packets a second, a flood from there on."""
    flows = [syn_target("203.0.113.5", port, 1) for port in range(1024, 2048)]
    assert bool(ask(DETECTOR, [syn_window(packets)], flows)) is found


FLOODS = {
    "one_port": lambda t, n: t.spray(["203.0.113.5"], [80], pps=max(1500, 5 * n), octets=40, stop=20, **TCP),
    "carpet": lambda t, n: t.spray(
        addresses("203.0.113.0", 256), [80], pps=max(1500, 5 * n), octets=40, stop=20, **TCP
    ),
}
TCP = {"protocol": 6, "flags": SYN}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(FLOODS))
def test_floods_are_found_and_are_no_scan(name: str, sampling: int, two_way: bool):
    """A SYN flood of one port, on one address or all of a /24, is that kind alone."""
    traffic = Traffic(sampling=sampling, two_way=two_way)
    traffic.talk("198.51.100.9", 443, pps=100, octets=80, answer_pps=300, protocol=6, flags=24, start=-30, stop=40)
    assert kinds(FLOODS[name](traffic, sampling).judge()) == [(1, "tcp_syn_flood")]


def test_an_outage_with_retries_stays_quiet():
    """A hundred hosts of one network that stopped to answer get retries, not a flood."""
    outage = Traffic().spray(addresses("203.0.113.0", 100), [443], pps=50, octets=60, answered=0, stop=120, **TCP)
    assert outage.judge() == []


def test_a_load_test_with_complete_connections_stays_quiet():
    """A thousand complete connections a second to one host, sampled: SYN is a quarter of the packets."""
    traffic = Traffic(sampling=1000)
    traffic.spray(["203.0.113.5"], [443], pps=1000, octets=60, answered=1, answer_flags=SYN_ACK, stop=120, **TCP)
    traffic.spray(["203.0.113.5"], [443], pps=4000, octets=90, protocol=6, flags=24, stop=120)
    assert traffic.judge() == []
