"""ICMP floods at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

import pytest

from detect.rows import ask, target, window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detectors.icmp_flood import DETECTOR, PARAMS
from sekisho.schema.line_window import ICMP_ANSWERS, ICMPV6_ANSWERS

HOME = PARAMS["home"]
ECHO, ECHO_V6, UNKNOWN = 8 << 8, 128 << 8, 65535


def sent(packets: float, at_s: float = 0, *, sampling: int = 1, **values: float) -> dict:
    each = {"packets": packets, "octets": packets * 84, "sampled_packets": packets / sampling}
    return window(at_s, **(each | {"icmp_packets": packets, "icmp_octets": packets * 84} | values))


def flow(packets: float, *, sampling: int = 1, port: int = ECHO, protocol: int = 1, **values: float) -> dict:
    counts = {"packets": packets, "octets": packets * 84, "sampled_packets": packets / sampling, "records": 1.0}
    address = "203.0.113.5" if protocol == 1 else "2001:db8:5::1"
    return target(address, port, protocol=protocol, **(counts | values))


def opens(rows: list) -> list[bool]:
    return [row.opens for row in rows]


@pytest.mark.parametrize(("port", "protocol"), [(ECHO, 1), (ECHO_V6, 58)])
@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool], port: int, protocol: int):
    """One window opens at its rate, of either version; a little below it only goes on."""
    packets = HOME.pps_10s * 10 + more
    assert opens(ask(DETECTOR, [sent(packets)], [flow(2 * packets, port=port, protocol=protocol)])) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [sent(each, at_s=10 * k) for k in range(6)]
    assert set(opens(ask(DETECTOR, windows, [flow(each * 6, until_s=60)]))) == {expected}


@pytest.mark.parametrize(("sampled", "found"), [(19, False), (20, True), (21, True)])
def test_twenty_sampled_packets_are_needed(sampled: int, found: bool):
    """Nineteen sampled packets prove no rate."""
    packets = sampled * 1000
    assert bool(ask(DETECTOR, [sent(packets, sampling=1000)], [flow(packets, sampling=1000)])) is found


@pytest.mark.parametrize(
    ("port", "protocol"),
    [(kind << 8, 1) for kind in ICMP_ANSWERS] + [(kind << 8, 58) for kind in ICMPV6_ANSWERS] + [(UNKNOWN, 1)],
)
def test_answers_and_unknown_types_are_left_out(port: int, protocol: int):
    """What is sent because of what was received, or may be, is no flood at any rate."""
    assert ask(DETECTOR, [sent(100_000)], [flow(100_000, port=port, protocol=protocol)]) == []


def test_a_flood_beside_answers_counts_itself_alone():
    """A line that floods one network and answers another's pings reports the first."""
    flows = [flow(20_000), target("198.51.100.9", 0, protocol=1, packets=50_000.0, sampled_packets=50_000.0)]
    (found,) = ask(DETECTOR, [sent(70_000, icmp_answer_packets=50_000)], flows)
    assert found.packets == 20_000


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("targets", [1, 256])
def test_floods_are_found(targets: int, sampling: int, two_way: bool):
    """Echo requests to one address or to all of a network, whether they are answered or not."""
    traffic = Traffic(sampling=sampling, two_way=two_way)
    traffic.talk("198.51.100.9", 443, pps=300, octets=80, answer_pps=900, start=-60, stop=70)
    for address in addresses("203.0.113.0", targets):
        each = max(3000, 4 * sampling) / targets
        traffic.talk(address, ECHO, pps=each, octets=1028, protocol=1, answer_pps=each / 10, stop=60)
    assert kinds(traffic.judge()) == [(1, "icmp_flood")]


def fleet(t: Traffic) -> Traffic:
    for host in addresses("203.0.113.0", 200):
        t.talk(host, ECHO, pps=1, octets=84, protocol=1, answer_pps=1, stop=120)
    return t


LOOK_ALIKES = {
    "monitoring": fleet,
    "under_udp_attack": lambda t: t.talk("203.0.113.5", (3 << 8) + 3, pps=9000, octets=70, protocol=1, stop=60),
    "under_ping_attack": lambda t: t.talk("203.0.113.5", 0, pps=9000, octets=84, protocol=1, answer_pps=9000, stop=60),
    "sweep": lambda t: t.spray(addresses("198.18.0.0", 3000, step=256), [ECHO], pps=1000, octets=60, protocol=1),
    "ping_as_fast_as_a_person_may": lambda t: t.talk(
        "203.0.113.5", ECHO, pps=100, octets=84, protocol=1, answer_pps=100, stop=120
    ),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Monitoring, sweeps and the answers of a line under attack are no detection of any kind."""
    assert LOOK_ALIKES[name](Traffic(sampling=sampling, two_way=two_way)).judge() == []
