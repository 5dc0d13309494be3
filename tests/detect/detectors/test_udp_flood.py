"""UDP floods at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

import pytest

from detect.rows import BLOCK, ask, udp_target, udp_window, window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detectors.udp_flood import DETECTOR, PARAMS

HOME = PARAMS["home"]


def opens(rows: list) -> list[bool]:
    return [row.opens for row in rows]


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate_and_not_one_packet_a_second_below(more: int, expected: list[bool]):
    """The rate of one window opens an episode at the threshold; a little below, the window only goes on."""
    packets = HOME.pps_10s * 10 + more
    flood = udp_target("203.0.113.5", 80, HOME.pps_10s * 20, records=100_000.0)
    assert opens(ask(DETECTOR, [udp_window(packets)], [flood])) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six windows below the rate of ten seconds open together when the minute reaches its own rate."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [udp_window(each, at_s=10 * k) for k in range(6)]
    flood = udp_target("203.0.113.5", 80, each * 6, until_s=60, records=100_000.0)
    assert set(opens(ask(DETECTOR, windows, [flood]))) == {expected}


@pytest.mark.parametrize(("share", "count"), [(0.29, 0), (0.31, 1)])
def test_a_window_goes_on_at_a_third_of_the_rate(share: float, count: int):
    """Below the sustaining share of its rate a window is no candidate at all."""
    packets = HOME.pps_10s * 10 * share
    flood = udp_target("203.0.113.5", 80, 100_000, records=100_000.0)
    assert len(ask(DETECTOR, [udp_window(packets)], [flood])) == count


@pytest.mark.parametrize(("sampled", "found"), [(19, False), (20, True), (21, True)])
def test_scattered_flows_need_twenty_sampled_packets(sampled: int, found: bool):
    """Nineteen sampled packets in flows of their own prove nothing, twenty do."""
    packets = sampled * 1000.0
    flow = udp_target("203.0.113.5", 80, packets, sampling=1000, records=float(sampled))
    assert bool(ask(DETECTOR, [udp_window(packets, sampling=1000)], [flow])) is found


@pytest.mark.parametrize(("seconds", "found"), [(21, False), (20, True), (19, True)])
def test_packets_of_one_pair_look_scattered_where_timeouts_part_them(seconds: int, found: bool):
    """A live feed at 1:4096 shows a packet in ten seconds, each in a record of its own: one flow, not twenty."""
    windows = [udp_window(40_960, at_s=10 * k, octets=1344, sampling=4096) for k in range(2)]
    feed = {"until_s": seconds, "octets": 1344, "sampling": 4096, "records": 20.0}
    assert bool(ask(DETECTOR, windows, [udp_target("203.0.113.5", 80, 81_920, **feed)])) is found


def test_packets_to_many_ports_are_scattered_however_slow_they_are():
    """Twenty ports of one address in five minutes are no flow that a timeout has parted."""
    windows = [udp_window(16_384, at_s=10 * k, sampling=4096) for k in range(30)]
    each = {"until_s": 300, "sampling": 4096, "records": 1.0}
    ports = [udp_target("203.0.113.5", port, 4096, **each) for port in range(1000, 1020)]
    assert ask(DETECTOR, windows, ports)


@pytest.mark.parametrize(("octets", "sampled"), [(100, 32), (600, 64)])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_one_flow_needs_enough_missing_answers(octets: int, sampled: int, more: int):
    """A single unanswered flow is a flood once sixteen answers to packets of its size are missing."""
    packets = (sampled + more) * 1000.0
    flow = udp_target("203.0.113.5", 80, packets, octets=octets, sampling=1000)
    found = ask(DETECTOR, [udp_window(packets, octets=octets, sampling=1000)], [flow])
    assert bool(found) is (more >= 0)


@pytest.mark.parametrize(("answered", "found"), [(1000, True), (1001, False)])
def test_an_answer_to_a_hundred_packets_makes_it_a_conversation(answered: int, found: bool):
    """One answer in a hundred packets is the least that a receiver of anything sends."""
    flow = udp_target("203.0.113.5", 80, 100_000, answered_packets=float(answered))
    assert bool(ask(DETECTOR, [udp_window(100_000)], [flow])) is found


def test_answers_that_found_no_pair_excuse_a_flow_of_one_record():
    """Received packets of no known conversation may be the answers: no verdict on a single record."""
    flow = udp_target("203.0.113.5", 80, 100_000)
    sent, received = udp_window(100_000), window(side=1, udp_packets=20_000)
    assert ask(DETECTOR, [sent, received], [flow]) == []
    assert ask(DETECTOR, [sent, received], [flow | {"records": 3.0}])


@pytest.mark.parametrize(("answers", "found"), [(20_000, False), (0, True)])
def test_answers_before_the_edge_of_a_block_count_after_it(answers: int, found: bool):
    """An upload that ends just after the edge; its answers ended, unmatched, before it."""
    flows = [
        udp_target("203.0.113.5", 80, 100_000, at_s=590, until_s=600),
        udp_target("203.0.113.5", 80, 5_000, at_s=600, until_s=600.4),
    ]
    windows = [udp_window(100_000, 590), udp_window(5_000, 600), window(590, side=1, udp_packets=answers)]
    assert bool(ask(DETECTOR, windows, flows)) is found


def stream(pps: float, *, stop: int, pause_at: int | None = None, sampling: int = 1000) -> list:
    """Windows of one unanswered flow of large packets that a verdict names."""
    windows = [
        udp_window(pps * 10.0, at_s=at, octets=1316, sampling=sampling) for at in range(0, stop, 10) if at != pause_at
    ]
    flow = udp_target("203.0.113.5", 5004, pps * stop, octets=1316, sampling=sampling, until_s=stop + 0.001)
    return ask(DETECTOR, windows, [flow])


@pytest.mark.parametrize(("pps", "found"), [(5990, False), (6000, True), (6010, True)])
def test_a_live_feed_is_slower_than_a_flood_in_one_flow(pps: int, found: bool):
    """One flow of large packets without answers is a feed below 6,000 packets a second."""
    assert bool(stream(pps, stop=120)) is found


@pytest.mark.parametrize(("sampling", "found"), [(451, False), (450, False), (449, True)])
def test_below_that_rate_sixteen_hundred_packets_without_an_answer_speak(sampling: int, found: bool):
    """A feed of which 1,600 sampled packets show no answer is none."""
    assert bool(stream(6000 * 0.999, stop=120, sampling=sampling)) is found


@pytest.mark.parametrize(("stop", "pause_at", "found"), [(110, None, False), (120, None, True), (130, 60, False)])
def test_one_flow_of_large_packets_goes_on_for_two_minutes_or_is_a_measurement(
    stop: int, pause_at: int | None, found: bool
):
    """A speed test over UDP has no answers either, and ends or pauses; what does not is for a person to look at."""
    rows = stream(20_000, stop=stop, pause_at=pause_at)
    assert len(rows) == (stop // 10 if found else 0)
    assert not any(row.acts for row in rows)


@pytest.mark.parametrize(("flows", "found"), [(31, False), (32, True), (33, True)])
def test_one_way_asks_for_flows_of_their_own(flows: int, found: bool):
    """Where answers cannot be seen, four fifths of the sampled packets must be flows of their own."""
    flow = udp_target("203.0.113.5", 80, 40_000, sampling=1000, records=float(flows))
    assert bool(ask(DETECTOR, [udp_window(40_000, sampling=1000)], [flow], two_way=False)) is found


@pytest.mark.parametrize(("targets", "found"), [(63, False), (64, True), (65, True)])
def test_one_way_carpet_bombing_needs_a_quarter_of_the_network(targets: int, found: bool):
    """Where answers cannot be seen, 64 addresses of one /24 are a carpet, 63 are not."""
    flows = [udp_target(a, 80, 1000, records=1.0) for a in addresses("203.0.113.1", targets)]
    assert bool(ask(DETECTOR, [udp_window(targets * 1000.0)], flows, two_way=False)) is found


def test_the_rest_row_counts_for_the_network_that_takes_the_kept_ones():
    """Random ports beyond the cap on targets are estimated from the line's own windows."""
    kept = [udp_target("203.0.113.5", port, 1) for port in range(1024, 2048)]
    assert opens(ask(DETECTOR, [udp_window(30_000)], kept)) == [True]


@pytest.mark.parametrize("first", ["tunnel", "flood"])
def test_a_tunnel_beside_random_ports_is_not_part_of_their_flood(first: str):
    """Whether it came before or after the cap on targets was reached: its packets are in few records."""
    traffic = Traffic().talk(
        "198.51.100.9", 51820, start=0 if first == "tunnel" else 26, stop=240, pps=8000, octets=1350, answer_pps=4000
    )
    traffic.spray(["203.0.113.5"], range(1024, 60_000), start=25, stop=95, pps=2000, octets=600)
    (found,) = traffic.judge()
    assert found.kind == "udp_flood"
    assert found.packets == pytest.approx(2000 * 70, rel=0.1)
    assert found.peak_pps == pytest.approx(2000, rel=0.15)
    assert found.octets == pytest.approx(2000 * 70 * 600, rel=0.1)


@pytest.mark.parametrize(
    ("part", "of_window"),
    [({"own_port": 53}, "reflector_packets"), ({"fragment_packets": 100_000.0}, "fragment_packets")],
)
def test_reflections_and_later_fragments_are_other_kinds(part: dict, of_window: str):
    """Answers of a service on the line, and non-first fragments, are left to the detectors that are about them."""
    flood = udp_target("203.0.113.5", 0, 100_000, records=100_000.0)
    assert ask(DETECTOR, [udp_window(100_000)], [flood])
    assert ask(DETECTOR, [udp_window(100_000, **{of_window: 100_000.0})], [flood | part]) == []


@pytest.mark.parametrize("two_way", [True, False])
def test_the_edge_of_a_block_splits_no_evidence(two_way: bool):
    """Sampled packets on either side of the edge, too few by themselves, count together for windows on both sides."""
    before, after = (
        udp_target("203.0.113.5", 80, 30_000, at_s=at, until_s=at + 10, sampling=1000, records=30.0)
        for at in (590, 600)
    )
    windows = [udp_window(30_000, at_s=at, sampling=1000) for at in (590, 600)]
    strict = DETECTOR.with_overrides({"scattered_sampled": 40})
    assert opens(ask(strict, windows, [before, after], two_way=two_way)) == [True, True]
    assert ask(strict, windows, [before], two_way=two_way) == []


def test_nothing_before_the_first_packet_to_the_target_is_part_of_it():
    """What the line sent in the same minute, before the flood began, does not move its beginning."""
    windows = [udp_window(500, at_s=0), udp_window(40_000, at_s=40), udp_window(500, at_s=50)]
    flood = udp_target("203.0.113.5", 80, 40_000, at_s=40, until_s=50, records=40_000.0)
    assert [row.start_ms - BLOCK for row in ask(DETECTOR, windows, [flood])] == [40_000]


def test_what_goes_elsewhere_is_not_counted():
    """An answered upload of twice the flood's size in the same ten seconds is left out of its volume."""
    flood = udp_target("203.0.113.5", 80, 20_000, records=20_000.0)
    upload = udp_target("198.51.100.9", 443, 40_000, octets=1250, answered_packets=8000.0)
    (found,) = ask(DETECTOR, [udp_window(60_000)], [flood, upload])
    assert found.packets == pytest.approx(20_000)
    assert found.octets == pytest.approx(20_000 * 600)


def test_groups_have_their_own_rates():
    """What opens at home is below the rate of a building."""
    flow = udp_target("203.0.113.5", 80, 20_000, records=20_000.0)
    assert opens(ask(DETECTOR, [udp_window(20_000)], [flow])) == [True]
    assert opens(ask(DETECTOR, [udp_window(20_000)], [flow], group="building")) != [True]


FLOODS = {
    "constant": lambda t, n: t.talk("203.0.113.5", 80, pps=max(8000, 3 * n), octets=700, stop=70),
    "quic_port": lambda t, n: t.talk("203.0.113.5", 443, pps=max(8000, 8 * n), octets=1300, stop=180),
    "random_ports": lambda t, n: t.spray(["203.0.113.5"], range(1, 60_000), pps=max(2000, 5 * n), octets=600, stop=20),
    "carpet": lambda t, n: t.spray(addresses("203.0.113.0", 256), [53413], pps=max(2000, 5 * n), octets=600, stop=20),
}
HOUSEHOLD = {"pps": 400, "octets": 80, "answer_pps": 1200, "answer_octets": 1250, "stop": 190}


@pytest.mark.parametrize("sampling", [1, 1000, 4096])
@pytest.mark.parametrize("name", sorted(FLOODS))
def test_floods_are_found_beside_a_household_that_watches_a_video(name: str, sampling: int):
    """Each shape of flood is found while the same line receives a video stream."""
    traffic = Traffic(sampling=sampling).talk("198.51.100.9", 443, start=-60, **HOUSEHOLD)
    FLOODS[name](traffic, sampling)
    assert kinds(traffic.judge()) == [(1, "udp_flood")]


@pytest.mark.parametrize("sampling", [1, 1000, 4096])
@pytest.mark.parametrize("name", ["random_ports", "carpet"])
def test_scattered_floods_are_found_one_way(name: str, sampling: int):
    """Random ports and carpet bombing show themselves without return traffic."""
    traffic = Traffic(sampling=sampling, two_way=False)
    FLOODS[name](traffic, max(sampling, 1000))
    assert kinds(traffic.judge()) == [(1, "udp_flood")]


def bittorrent(t: Traffic) -> Traffic:
    for k, peer in enumerate(addresses("198.18.0.1", 40, step=997)):
        t.talk(peer, 20_000 + 37 * k, pps=200, octets=1400, answer_pps=60, stop=120)
    return t.spray(addresses("198.19.0.1", 3000, step=11), range(20_000, 60_000), pps=80, octets=110, answered=0.4)


LOOK_ALIKES = {
    "quic_upload_at_line_rate": lambda t: t.talk(
        "203.0.113.5", 443, pps=80_000, octets=1250, answer_pps=8000, stop=120
    ),
    "udp_speed_test": lambda t: t.talk("203.0.113.6", 8080, pps=80_000, octets=1400, answer_pps=8000, flows=4, stop=15),
    "udp_speed_test_hardly_answered": lambda t: t.talk(
        "203.0.113.6", 5201, pps=80_000, octets=1428, answer_pps=1, stop=30
    ),
    "tcp_speed_test": lambda t: t.talk(
        "203.0.113.6", 443, pps=80_000, octets=1500, answer_pps=20_000, flows=4, protocol=6, flags=24, stop=15
    ),
    "quic_download": lambda t: t.talk(
        "203.0.113.5", 443, pps=20_000, octets=75, answer_pps=80_000, answer_octets=1250, stop=120
    ),
    "video_call": lambda t: t.talk("203.0.113.7", 3478, pps=600, octets=900, answer_pps=600, flows=2, stop=300),
    "game": lambda t: t.talk("203.0.113.8", 27015, pps=128, octets=120, answer_pps=128, stop=300),
    "bittorrent": bittorrent,
    "srt_live": lambda t: t.talk("203.0.113.9", 9710, pps=1900, octets=1360, answer_pps=100, stop=300),
    "wireguard": lambda t: t.talk("203.0.113.10", 51820, pps=30_000, octets=700, answer_pps=30_000, stop=120),
    "esp": lambda t: t.talk("203.0.113.10", 0, pps=30_000, octets=900, answer_pps=30_000, protocol=50, stop=120),
    "busy_dns_client": lambda t: t.spray(["203.0.113.53"], [53], pps=700, octets=70, answered=0.95, stop=60),
    "sip": lambda t: t.talk("203.0.113.11", 16_384, pps=250, octets=200, answer_pps=250, flows=5, stop=300),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Ordinary heavy traffic is no detection of any kind, whatever the sampling, with answers seen or not."""
    assert LOOK_ALIKES[name](Traffic(sampling=sampling, two_way=two_way)).judge() == []


def test_one_sampled_packet_opens_nothing():
    """A packet that stands for 4,096 is one packet."""
    packet = udp_target("203.0.113.5", 80, 4096, sampling=4096, records=1.0)
    assert ask(DETECTOR, [udp_window(4096, sampling=4096)], [packet]) == []
