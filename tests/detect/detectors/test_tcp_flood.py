"""TCP floods at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

import pytest

from detect.rows import ask, table, target, window
from detect.traffic import ACK_DATA, RST_ACK, SYN, SYN_ACK, Traffic, addresses, kinds, seen_at
from sekisho.detect.detectors.tcp_flood import DETECTOR, PARAMS
from sekisho.query.duckdb import DuckDBEngine
from sekisho.schema.line_target import LINE_TARGET

HOME = PARAMS["home"]
TCP = {"protocol": 6, "flags": ACK_DATA}


def sent(packets: float, at_s: float = 0, *, octets: float = 600, sampling: int = 1, **values: float) -> dict:
    sampled = packets / sampling
    each = {"packets": packets, "octets": packets * octets, "sampled_packets": sampled}
    return window(at_s, **(each | {"tcp_packets": packets, "tcp_octets": packets * octets} | values))


def flow(packets: float, *, octets: float = 600, sampling: int = 1, port: int = 80, **values: float) -> dict:
    counts = {"packets": packets, "octets": packets * octets, "sampled_packets": packets / sampling}
    return target("203.0.113.5", port, protocol=6, **(counts | {"records": packets / sampling} | values))


def opens(rows: list) -> list[bool]:
    return [row.opens for row in rows]


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool]):
    """One window opens at its rate; a little below it only goes on."""
    packets = HOME.pps_10s * 10 + more
    assert opens(ask(DETECTOR, [sent(packets)], [flow(HOME.pps_10s * 20)])) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [sent(each, at_s=10 * k) for k in range(6)]
    assert set(opens(ask(DETECTOR, windows, [flow(each * 6, until_s=60)]))) == {expected}


@pytest.mark.parametrize(("sampled", "found"), [(19, False), (20, True), (21, True)])
def test_scattered_segments_need_twenty_sampled_packets(sampled: int, found: bool):
    """Nineteen sampled packets in flows of their own prove nothing, twenty do."""
    packets = sampled * 1000.0
    assert bool(ask(DETECTOR, [sent(packets, sampling=1000)], [flow(packets, sampling=1000)])) is found


@pytest.mark.parametrize(("octets", "sampled"), [(40, 320), (600, 320), (1400, 800)])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_one_flow_needs_enough_missing_acknowledgements(octets: int, sampled: int, more: int):
    """A single flow without acknowledgements is a flood once sixteen for its size of segment are missing."""
    packets = (sampled + more) * 1000.0
    single = flow(packets, octets=octets, sampling=1000, records=1.0)
    assert bool(ask(DETECTOR, [sent(packets, octets=octets, sampling=1000)], [single])) is (more >= 0)


@pytest.mark.parametrize(("answered", "found"), [(500, True), (501, False)])
def test_an_acknowledgement_in_two_hundred_makes_it_a_connection(answered: int, found: bool):
    """The rarest acknowledging receiver answers every 44th segment; refusals are no acknowledgement."""
    plain = flow(100_000, answered_packets=float(answered))
    refused = flow(100_000, answered_packets=50_000.0 + answered, answered_reset_packets=50_000.0)
    assert bool(ask(DETECTOR, [sent(100_000)], [plain])) is found
    assert bool(ask(DETECTOR, [sent(100_000)], [refused])) is found


def test_received_segments_of_no_known_connection_may_be_the_acknowledgements():
    """A server's clients acknowledge on other connections than those that were sampled: no verdict on those."""
    clients = [flow(4000, octets=1350, sampling=1000, port=40_000 + k) for k in range(30)]
    windows = [sent(120_000, octets=1350, sampling=1000), window(side=1, tcp_packets=40_000)]
    assert ask(DETECTOR, windows, clients) == []
    assert ask(DETECTOR, windows[:1], clients)


@pytest.mark.parametrize(("acknowledgements", "found"), [(35_000, False), (0, True)])
def test_acknowledgements_before_the_edge_of_a_block_count_after_it(acknowledgements: int, found: bool):
    """A speed test's upload ends just after the edge; its sampled acknowledgements ended, unmatched, before it."""
    each = {"octets": 1460, "sampling": 1000, "port": 8080, "records": 0.5}
    uploads = [
        flow(774_000, at_s=590, until_s=600, **each),
        flow(29_000, at_s=600, until_s=600.4, **each),
    ]
    windows = [
        sent(774_000, 590, octets=1460, sampling=1000),
        sent(29_000, 600, octets=1460, sampling=1000),
        window(590, side=1, tcp_packets=acknowledgements),
    ]
    assert bool(ask(DETECTOR, windows, uploads)) is found


@pytest.mark.parametrize("left_out", [{"syn_packets": 100_000.0}, {"reset_packets": 100_000.0}])
def test_requests_and_refusals_alone_are_no_tcp_flood(left_out: dict):
    """SYN has a detector of its own, and RST is what a line under attack sends."""
    assert ask(DETECTOR, [sent(100_000)], [flow(100_000)])
    assert ask(DETECTOR, [sent(100_000)], [flow(100_000) | left_out]) == []


@pytest.mark.parametrize(
    ("connections", "found"), [(2500, True), (2501, False), (12_500, False), (39_999, False), (40_000, True)]
)
def test_complete_connections_are_requests_and_no_flood_of_segments(connections: int, found: bool):
    """Between one SYN in forty packets and two in five they are connections; more SYN is one of random flags."""
    assert bool(ask(DETECTOR, [sent(100_000)], [flow(100_000, connections=float(connections))])) is found


@pytest.mark.parametrize(("flows", "found"), [(63, False), (64, True), (65, True)])
def test_one_way_asks_for_flows_of_their_own(flows: int, found: bool):
    """Where answers cannot be seen, four fifths of the sampled packets must be flows of their own."""
    scattered = flow(80_000, sampling=1000, records=float(flows))
    assert bool(ask(DETECTOR, [sent(80_000, sampling=1000)], [scattered], two_way=False)) is found


@pytest.mark.parametrize(
    ("octets", "found"), [(40, True), (44, False), (60, False), (66, True), (999, True), (1000, False)]
)
def test_one_way_leaves_out_the_sizes_of_other_traffic(octets: int, found: bool):
    """44 to 60 octets are what a line under attack accepts connections with, 1,000 and more what a server sends."""
    scattered = flow(80_000, octets=octets, sampling=1000)
    assert bool(ask(DETECTOR, [sent(80_000, octets=octets, sampling=1000)], [scattered], two_way=False)) is found


@pytest.mark.parametrize(("pps", "found"), [(149_990, False), (150_000, True), (150_010, True)])
def test_one_way_small_segments_are_a_flood_above_any_download(pps: int, found: bool):
    """Acknowledgements in one flow are a flood only above those of a download at 10 Gb/s."""
    single = flow(pps * 10.0, octets=52, sampling=100, records=1.0, until_s=10.001)
    assert bool(ask(DETECTOR, [sent(pps * 10.0, octets=52, sampling=100)], [single], two_way=False)) is found


FLOODS = {
    "data": lambda t, n: t.spray(["203.0.113.5"], range(1, 60_000), pps=max(4500, 10 * n), octets=600, stop=20, **TCP),
    "ack": lambda t, n: t.spray(
        ["203.0.113.5"], [443], pps=max(4500, 10 * n), octets=40, stop=20, protocol=6, flags=16
    ),
    "carpet": lambda t, n: t.spray(
        addresses("203.0.113.0", 256), [80], pps=max(4500, 10 * n), octets=640, stop=20, **TCP
    ),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(FLOODS))
def test_floods_are_found_beside_a_download(name: str, sampling: int, two_way: bool):
    """Random ports, bare ACK and carpet bombing are that kind alone, seen both ways and one way."""
    traffic = Traffic(sampling=sampling, two_way=two_way)
    traffic.talk("198.51.100.9", 443, pps=300, octets=52, answer_pps=700, start=-30, stop=40, **TCP)
    assert kinds(FLOODS[name](traffic, sampling).judge()) == [(1, "tcp_flood")]


@pytest.mark.parametrize("sampling", [1, 1000])
def test_a_flood_in_one_connection_is_found_where_answers_are_seen(sampling: int):
    """Data from one port to one port that nothing acknowledges, refused by every tenth packet."""
    traffic = Traffic(sampling=sampling).talk("198.51.100.9", 443, pps=300, octets=52, answer_pps=700, stop=130, **TCP)
    traffic.talk("203.0.113.5", 80, pps=9000, octets=768, answer_pps=900, answer_flags=RST_ACK, stop=130, **TCP)
    assert kinds(traffic.judge()) == [(1, "tcp_flood")]


def upload(t: Traffic, flows: int, pps: float, acknowledged: float) -> Traffic:
    return t.talk(
        "203.0.113.5",
        443,
        pps=pps,
        octets=1440,
        answer_pps=pps * acknowledged,
        answer_octets=52,
        flows=flows,
        stop=120,
        **TCP,
    )


def web_server(t: Traffic) -> Traffic:
    """Visitors of one mobile network, each with short connections from ports of their own."""
    return t.spray(
        addresses("203.0.113.0", 200),
        range(30_000, 60_000),
        pps=1500,
        octets=1300,
        answered=0.4,
        answer_flags=16,
        stop=60,
        **TCP,
    )


LOOK_ALIKES = {
    "upload": lambda t: upload(t, 4, 80_000, 0.5),
    "upload_merged_at_the_receiver": lambda t: upload(t, 1, 80_000, 1 / 44),
    "download": lambda t: t.talk(
        "203.0.113.5", 443, pps=120_000, octets=52, answer_pps=300_000, answer_octets=1480, flows=16, stop=60, **TCP
    ),
    "tunnel_over_tcp": lambda t: t.talk(
        "203.0.113.5", 443, pps=20_000, octets=700, answer_pps=20_000, answer_octets=700, stop=120, **TCP
    ),
    "under_syn_attack_refusing": lambda t: t.spray(
        ["203.0.113.5"],
        range(1024, 60_000),
        pps=9000,
        octets=40,
        protocol=6,
        flags=RST_ACK,
        answered=1,
        answer_flags=SYN,
        stop=20,
    ),
    "under_syn_attack_accepting": lambda t: t.spray(
        ["203.0.113.5"],
        range(1024, 60_000),
        pps=9000,
        octets=60,
        protocol=6,
        flags=SYN_ACK,
        answered=1,
        answer_flags=SYN,
        stop=20,
    ),
    "web_server": web_server,
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Ordinary heavy TCP, and what a line under attack sends, is no detection of any kind."""
    assert LOOK_ALIKES[name](Traffic(sampling=sampling, two_way=two_way)).judge() == []


@pytest.mark.parametrize(
    ("flows", "sampled", "suspect"), [(10, 20, True), (9, 20, False), (1, 319, False), (1, 320, True), (19, 19, False)]
)
def test_ordinary_lines_are_asked_about_no_further(flows: int, sampled: int, suspect: bool):
    """Unanswered segments in a few flows, as of any download seen one way, are suspect only once they are many."""
    rows = [flow(sampled * 1000.0, octets=52, sampling=1000, records=float(flows))]
    answer = DuckDBEngine().run(DETECTOR.least(DETECTOR.suspects), {"line_target": table(LINE_TARGET, rows)})
    assert bool(answer.num_rows) is suspect
