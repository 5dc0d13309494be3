"""Scans at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from detect.engine import engine
from detect.rows import BLOCK, ask, syn_target, syn_window, table, target
from detect.traffic import RST_ACK, SYN, SYN_ACK, Traffic, addresses, kinds, seen_at
from sekisho.detect.detectors.scan import DETECTOR, DEVICE_PORTS, ORDINARY_PORTS, PARAMS
from sekisho.schema.line_target import LINE_TARGET

HOME = PARAMS["home"]
TCP = {"protocol": 6, "flags": SYN, "octets": 40}
FAR = addresses("198.18.0.1", 4000, step=17)


def probes(count: int, port: int, *, at_s: float = 0, skip: int = 0, **values: float) -> list[dict]:
    return [syn_target(a, port, at_s=at_s, until_s=at_s + 1, **values) for a in FAR[skip : skip + count]]


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize(
    ("port", "enough"),
    [(p, HOME.device_targets_10min) for p in DEVICE_PORTS]
    + [(p, HOME.ordinary_targets_10min) for p in ORDINARY_PORTS]
    + [(6881, HOME.any_targets_10min)],
)
def test_one_port_on_many_addresses_in_a_block(port: int, enough: float, more: int):
    """Each class of port has its number of silent targets in ten minutes."""
    assert bool(ask(DETECTOR, [syn_window(enough)], probes(int(enough) + more, port))) is (more >= 0)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_one_port_on_many_addresses_in_an_hour(more: int):
    """Twenty new telnet servers in each of six blocks are a scan, and its windows are those of all six."""
    count = int(HOME.device_targets_60min / 6)
    flows = [row for k in range(6) for row in probes(count, 23, at_s=600 * k, skip=count * k)]
    flows += probes(more, 23, at_s=600, skip=3000) if more > 0 else []
    windows = [syn_window(20, at_s=600 * k) for k in range(6)]
    found = ask(DETECTOR, windows, flows[: -1 if more < 0 else None])
    assert [row.start_ms for row in found] == ([BLOCK + 600_000 * k for k in range(6)] if more >= 0 else [])


def live(count: int, port: int, *, at_s: float) -> list[dict]:
    counts = {"packets": 10.0, "sampled_packets": 10.0, "syn_packets": 1.0, "syn_sampled_packets": 1.0}
    return [target(a, port, at_s=at_s, protocol=6, **counts) for a in FAR[2000 : 2000 + count]]


def is_suspect(flows: list[dict]) -> bool:
    sql = DETECTOR.least(DETECTOR.suspects)
    return engine().run(sql, {"line_target": table(LINE_TARGET, flows)}).num_rows > 0


def test_whatever_is_a_scan_is_suspect_first():
    """No verdict is lost to the question that is asked before: silent and live targets at random over six blocks."""
    random, outcomes = np.random.default_rng(1), Counter()
    for _ in range(30):
        flows = []
        for k in range(6):
            silent, others = random.integers(0, 90, size=2) // random.integers(1, 8, size=2)
            flows += probes(silent, 23, at_s=600 * k, skip=90 * k) + live(others, 23, at_s=600 * k)
        found = bool(ask(DETECTOR, [syn_window(90, at_s=600 * k) for k in range(6)], flows))
        outcomes[found, is_suspect(flows)] += 1
    assert outcomes[True, False] == 0
    assert min(outcomes[True, True], outcomes[False, True]) > 5


@pytest.mark.parametrize(("silent", "others", "suspect"), [(7, 0, False), (8, 0, True), (8, 4, True), (8, 5, False)])
def test_few_or_outnumbered_silent_targets_are_not_suspect(silent: int, others: int, suspect: bool):
    """Most lines are asked about no further: eight silent targets on a port, and half as many live ones at most."""
    assert is_suspect(probes(silent, 23) + live(others, 23, at_s=0)) is suspect
    scattered = [row for k in range(20) for row in probes(1, 1000 + k, skip=k)]
    assert not is_suspect(scattered)


@pytest.mark.parametrize(("seen", "found"), [(7, False), (8, True), (9, True)])
def test_eight_distinct_targets_must_be_seen(seen: int, found: bool):
    """Seven sampled SYN at 1:1000 are no scan, however many targets they stand for."""
    strangers = addresses("198.18.0.1", seen, step=300)
    flows = [syn_target(a, 23, 1000, sampling=1000) for a in strangers]
    assert bool(ask(DETECTOR, [syn_window(seen * 1000, sampling=1000)], flows)) is found


@pytest.mark.parametrize(("others", "found"), [(51, False), (50, True), (49, True)])
def test_silent_targets_outnumber_those_with_traffic_two_to_one(others: int, found: bool):
    """A crawler meets dead hosts, but more live ones."""
    flows = probes(100, 23) + live(others, 23, at_s=0)
    assert bool(ask(DETECTOR, [syn_window(100)], flows)) is found


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_many_ports_of_one_address(more: int):
    """A hundred silent ports of one address are a vertical scan."""
    flows = [syn_target("203.0.113.5", 1000 + k) for k in range(int(HOME.ports_10min) + more)]
    assert bool(ask(DETECTOR, [syn_window(100)], flows)) is (more >= 0)


@pytest.mark.parametrize(("count", "found"), [(399, False), (400, True), (401, True)])
def test_an_unlisted_port_needs_a_share_of_all_probes(count: int, found: bool):
    """BitTorrent's dead peers are on thousands of ports; none has three tenths of them."""
    dead_peers = [syn_target(a, 20_000 + k) for k, a in enumerate(FAR[1000:1933])]
    assert bool(ask(DETECTOR, [syn_window(1000)], probes(count, 6881) + dead_peers)) is found


@pytest.mark.parametrize(("port", "found"), [(24, True), (25, False), (26, True)])
def test_attempts_to_send_mail_are_no_scan(port: int, found: bool):
    """A thousand mail servers that do not answer, since the port is blocked, are the work of another detector."""
    silent = probes(1000, port)
    assert bool(ask(DETECTOR, [syn_window(1000)], silent)) is found
    assert is_suspect(silent) is found


def test_a_flood_of_one_network_is_no_scan():
    """Ten packets for each address of a /24 are carpet bombing."""
    carpet = [syn_target(a, 80, 10) for a in addresses("203.0.113.0", 256)]
    assert ask(DETECTOR, [syn_window(2560)], carpet) == []


@pytest.mark.parametrize("port", [23, 2323, 26, 22, 80, 8080, 5555, 7547, 37215, 60001])
def test_fast_scans_are_found_sampled_and_one_way(port: int):
    """A bot's hundred SYN a second at 1:1000, answers not seen, on any port."""
    traffic = Traffic(sampling=1000, two_way=False).spray(FAR, [port], pps=150, stop=180, **TCP)
    assert kinds(traffic.judge()) == [(1, "scan")]


def test_a_slow_scan_is_found_within_the_hour():
    """Five SYN a second at 1:1000 leave three packets in ten minutes; an hour proves it, from its beginning."""
    traffic = Traffic(sampling=1000, seed=3).spray(FAR, [23], pps=6, stop=3600, **TCP)
    (found,) = traffic.judge()
    assert found.kind == "scan"
    assert (found.last_seen_ms - found.first_seen_ms) > 2_400_000


def test_the_scanned_host_stays_quiet():
    """A vertical scan is the scanner's; the host that answers with RST and SYN-ACK sends none of it."""
    traffic = Traffic().spray(["203.0.113.5"], range(1, 1001), line=1, pps=500, stop=4, **TCP)
    traffic.spray(
        ["198.51.100.7"], range(40_000, 41_000), line=2, pps=500, stop=4, protocol=6, flags=RST_ACK, octets=40
    )
    assert kinds(traffic.judge()) == [(1, "scan")]


def web(t: Traffic, *, pages_a_second: float, targets: list[str], ports: tuple[int, ...] = (443,)) -> Traffic:
    """Short connections as a sampling exporter shows them: SYN, then four more packets sent, all answered."""
    answered = {"answered": 0.97, "answer_flags": SYN_ACK, "stop": 600}
    t.spray(targets, ports, pps=pages_a_second, **TCP, **answered)
    return t.spray(targets, ports, pps=4 * pages_a_second, octets=200, protocol=6, flags=24, stop=600)


def crawler(t: Traffic) -> Traffic:
    if t.sampling > 1:
        return web(t, pages_a_second=30, targets=FAR)
    for k, site in enumerate(FAR[:300]):
        t.talk(
            site,
            443,
            pps=5,
            octets=200,
            answer_pps=5,
            protocol=6,
            flags=27,
            answer_flags=27,
            start=k / 3,
            stop=k / 3 + 3,
        )
    return t.spray(FAR[2000:2060], [443], pps=1, stop=100, **TCP)


def monitoring(t: Traffic) -> Traffic:
    fleet, dead = FAR[:80], FAR[80:85]
    for minute in range(3 if t.sampling == 1 else 60):
        for host in fleet:
            t.talk(
                host, 22, pps=6, octets=60, answer_pps=6, protocol=6, flags=27, start=60 * minute, stop=60 * minute + 1
            )
    return t.spray(dead, [22], pps=0.5, stop=180 if t.sampling == 1 else 3600, **TCP)


def bittorrent(t: Traffic) -> Traffic:
    for k, peer in enumerate(FAR[:60]):
        t.talk(peer, 10_000 + 61 * k, pps=150, octets=1400, answer_pps=80, protocol=6, flags=24, stop=100)
    return t.spray(FAR, range(10_000, 60_000), pps=8, stop=100, **TCP)


def under_attack(t: Traffic) -> Traffic:
    return t.spray(FAR, range(1024, 60_000), pps=1000, octets=40, protocol=6, flags=RST_ACK, stop=30)


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("look_alike", [crawler, monitoring, bittorrent, under_attack])
def test_look_alikes_stay_quiet(look_alike, sampling: int, two_way: bool):
    """Busy and partly unanswered TCP is no scan, whatever the sampling, with answers seen or not."""
    assert look_alike(Traffic(sampling=sampling, two_way=two_way)).judge() == []
