"""GRE floods at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

import pytest

from detect.rows import ask, target, window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.gre_flood import DETECTOR, PARAMS
from sekisho.detect.level import LineInfo
from sekisho.query.duckdb import DuckDBEngine

HOME = PARAMS["home"]


def sent(packets: float, at_s: float = 60, *, octets: float = 540, sampling: int = 1) -> dict:
    each = {"packets": packets, "octets": packets * octets, "sampled_packets": packets / sampling}
    return window(at_s, **(each | {"gre_packets": packets, "gre_octets": packets * octets}))


def flow(
    packets: float, *, octets: float = 540, sampling: int = 1, address: str = "203.0.113.5", **values: float
) -> dict:
    counts = {"packets": packets, "octets": packets * octets, "sampled_packets": packets / sampling, "records": 1.0}
    return target(address, 0, protocol=47, **({"at_s": 60.0, "until_s": 70.0} | counts | values))


def before(at_s: float = 0) -> dict:
    """The line was seen at this time already."""
    return target("198.51.100.9", 443, at_s=at_s, until_s=at_s + 1, protocol=17, packets=1.0, sampled_packets=1.0)


def opens(rows: list) -> list[bool]:
    return [row.opens for row in rows]


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool]):
    """One window opens at its rate; a little below it only goes on."""
    packets = HOME.pps_10s * 10 + more
    (found,) = ask(DETECTOR, [sent(packets)], [flow(2 * packets)])
    assert [found.opens] == expected
    assert found.octets == packets * 540


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [sent(each, at_s=60 + 10 * k) for k in range(6)]
    assert set(opens(ask(DETECTOR, windows, [flow(each * 6, until_s=120)]))) == {expected}


@pytest.mark.parametrize(("octets", "sampled"), [(540, 160), (1400, 800)])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_enough_answers_must_be_missing(octets: int, sampled: int, more: int):
    """GRE to one target is a flood once sixteen answers for its size of packet are missing."""
    packets = (sampled + more) * 100.0
    found = ask(DETECTOR, [sent(packets, octets=octets, sampling=100)], [flow(packets, octets=octets, sampling=100)])
    assert bool(found) is (more >= 0)


@pytest.mark.parametrize(("answered", "found"), [(500, True), (501, False)])
def test_an_answer_in_two_hundred_makes_it_a_tunnel(answered: int, found: bool):
    """What a tunnel carries is acknowledged every 44th packet at the rarest."""
    assert bool(ask(DETECTOR, [sent(100_000)], [flow(100_000, answered_packets=float(answered))])) is found


@pytest.mark.parametrize(("targets", "found"), [(63, False), (64, True), (65, True)])
def test_one_way_a_quarter_of_a_network_is_no_tunnel(targets: int, found: bool):
    """Where answers cannot be seen, 64 other ends in one /24 are a flood, at a business as well."""
    flows = [flow(4000, address=a) for a in addresses("203.0.113.1", targets)]
    assert bool(ask(DETECTOR, [sent(targets * 4000)], flows, two_way=False, group="business")) is found


@pytest.mark.parametrize(("octets", "found"), [(199, False), (200, True), (999, True), (1000, False)])
def test_one_way_a_home_sends_middle_sized_packets_in_a_flood(octets: int, found: bool):
    """Full packets are an upload through a tunnel, nearly empty ones acknowledge a download."""
    rows = [sent(80_000, octets=octets)], [before(), flow(80_000, octets=octets)]
    assert bool(ask(DETECTOR, *rows, two_way=False)) is found
    assert ask(DETECTOR, *rows, two_way=False, group="business") == []


@pytest.mark.parametrize(("at_s", "found"), [(54.9, True), (55, True), (55.1, False)])
def test_one_way_a_tunnel_was_there_as_long_as_the_line(at_s: float, found: bool):
    """One target is a flood only if the line was seen for five seconds without it."""
    flows = [before(at_s), flow(80_000)]
    assert bool(ask(DETECTOR, [sent(80_000)], flows, two_way=False)) is found


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("targets", [1, 256])
def test_floods_are_found(targets: int, sampling: int, two_way: bool):
    """GRE that begins beside an ordinary conversation, to one address or to all of a network."""
    traffic = Traffic(sampling=sampling, two_way=two_way)
    traffic.talk("198.51.100.9", 443, pps=400, octets=80, answer_pps=1200, start=-120, stop=130)
    for address in addresses("203.0.113.0", targets):
        traffic.talk(address, 0, pps=max(9000, 4 * sampling) / targets, octets=540, protocol=47, stop=120)
    assert kinds(traffic.judge()) == [(1, "gre_flood")]


def tunnel(t: Traffic, *, up: float, up_octets: int, down: float, down_octets: int) -> Traffic:
    t.talk("198.51.100.9", 443, pps=400, octets=80, answer_pps=1200, start=-120, stop=300)
    return t.talk(
        "203.0.113.5",
        0,
        pps=up,
        octets=up_octets,
        answer_pps=down,
        answer_octets=down_octets,
        protocol=47,
        start=-120,
        stop=300,
    )


LOOK_ALIKES = {
    "site_vpn": lambda t: tunnel(t, up=30_000, up_octets=800, down=25_000, down_octets=900),
    "upload_through_a_tunnel": lambda t: tunnel(t, up=20_000, up_octets=1400, down=500, down_octets=80),
    "download_through_a_tunnel": lambda t: tunnel(t, up=9000, up_octets=90, down=20_000, down_octets=1400),
}


@pytest.mark.parametrize("group", ["home", "business"])
@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool, group: str):
    """Tunnels at hundreds of megabits a second are no detection of any kind, at home or at a business."""
    detect = Detect(engine=DuckDBEngine(), line_info=lambda _: LineInfo(group=group))
    assert LOOK_ALIKES[name](Traffic(sampling=sampling, two_way=two_way)).judge(detect=detect) == []


@pytest.mark.parametrize(("answers", "found"), [(20_000, False), (0, True)])
def test_answers_before_the_edge_of_a_block_count_after_it(answers: int, found: bool):
    """A tunnel that falls silent just after the edge; what came back ended, unmatched, before it."""
    flows = [flow(100_000, at_s=590, until_s=600), flow(5_000, at_s=600, until_s=600.4)]
    windows = [sent(100_000, 590), sent(5_000, 600), window(590, side=1, gre_packets=answers)]
    assert bool(ask(DETECTOR, windows, flows)) is found
