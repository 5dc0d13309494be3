"""Fragment floods at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

import pytest

from detect.rows import ask, target, window
from detect.traffic import Traffic, kinds, seen_at
from sekisho.detect.detectors.fragment_flood import DETECTOR, PARAMS

HOME = PARAMS["home"]


def sent(packets: float, at_s: float = 0, *, sampling: int = 1) -> dict:
    each = {"packets": packets, "octets": packets * 1500, "sampled_packets": packets / sampling}
    return window(at_s, **(each | {"fragment_packets": packets, "fragment_octets": packets * 1500}))


def flow(packets: float, *, sampling: int = 1, fragments: float = 1.0, **values: float) -> dict:
    counts = {"packets": packets, "octets": packets * 1500, "sampled_packets": packets / sampling, "records": 1.0}
    return target("203.0.113.5", 0, protocol=17, **(counts | {"fragment_packets": packets * fragments} | values))


def opens(rows: list) -> list[bool]:
    return [row.opens for row in rows]


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool]):
    """One window opens at its rate; a little below it only goes on."""
    packets = HOME.pps_10s * 10 + more
    assert opens(ask(DETECTOR, [sent(packets)], [flow(2 * packets)])) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [sent(each, at_s=10 * k) for k in range(6)]
    assert set(opens(ask(DETECTOR, windows, [flow(each * 6, until_s=60)]))) == {expected}


@pytest.mark.parametrize("two_way", [True, False])
@pytest.mark.parametrize(("sampled", "found"), [(39, False), (40, True), (41, True)])
def test_later_fragments_alone_need_forty_sampled_packets(sampled: int, found: bool, two_way: bool):
    """The share of later fragments means something from forty sampled packets on."""
    packets = sampled * 1000
    rows = [sent(packets, sampling=1000)], [flow(packets, sampling=1000)]
    assert bool(ask(DETECTOR, *rows, two_way=two_way)) is found


@pytest.mark.parametrize(("share", "found"), [(0.93, False), (0.94, True), (0.95, True)])
def test_one_way_almost_all_must_be_later_fragments(share: float, found: bool):
    """Where answers cannot be seen, first fragments in the mixture are those of a tunnel."""
    mixed = flow(100_000, fragments=share)
    assert bool(ask(DETECTOR, [sent(100_000 * share)], [mixed], two_way=False)) is found


@pytest.mark.parametrize(("sampled", "found"), [(159, False), (160, True), (161, True)])
def test_datagrams_of_two_fragments_need_enough_missing_answers(sampled: int, found: bool):
    """Half of the packets are later fragments: sixteen answers to those must be missing."""
    packets = sampled * 200.0
    halves = flow(packets, sampling=100, fragments=0.5)
    assert bool(ask(DETECTOR, [sent(packets / 2, sampling=100)], [halves])) is found


@pytest.mark.parametrize(("answered", "found"), [(1000, True), (1001, False)])
def test_an_answer_in_a_hundred_makes_it_a_conversation(answered: int, found: bool):
    """Answers to first fragments count for the network."""
    rest = target("203.0.113.5", 1701, protocol=17, answered_packets=float(answered))
    assert bool(ask(DETECTOR, [sent(100_000)], [flow(100_000), rest])) is found


def large_datagrams(t: Traffic, pps: float, fragments: int, answer_pps: float = 0) -> Traffic:
    first = pps / (fragments + 1)
    t.talk("203.0.113.5", 1701, pps=first, octets=1500, answer_pps=answer_pps, answer_octets=1400, stop=120)
    return t.talk("203.0.113.5", 0, pps=pps - first, octets=1500, stop=120)


@seen_at(1, 1000, 4096)
def test_floods_are_found(sampling: int, two_way: bool):
    """Datagrams of 64 KiB, of which one packet in 45 is a first fragment, beside a download."""
    traffic = Traffic(sampling=sampling, two_way=two_way)
    traffic.talk("198.51.100.9", 443, pps=400, octets=80, answer_pps=1200, start=-60, stop=130)
    assert kinds(large_datagrams(traffic, 12_000, 44).judge()) == [(1, "fragment_flood")]


LOOK_ALIKES = {
    "tunnel_whose_packets_do_not_fit": lambda t: large_datagrams(t, 20_000, 1, answer_pps=9000),
    "upload_through_such_a_tunnel": lambda t: large_datagrams(t, 20_000, 1, answer_pps=800),
    "long_sip_messages": lambda t: large_datagrams(t, 60, 2, answer_pps=20),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Tunnels that fragment, and long messages, are no detection of any kind."""
    assert LOOK_ALIKES[name](Traffic(sampling=sampling, two_way=two_way)).judge() == []
