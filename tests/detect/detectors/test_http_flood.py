"""Floods of web sites at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from detect.engine import engine
from detect.rows import ask, target, window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.http_flood import DETECTOR, PARAMS
from sekisho.schema.line_window import LOGIN_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = PARAMS["home"]
SITE = "203.0.113.5"
FAR = addresses("198.18.0.1", 400, step=299)


def web(packets: float, at_s: float = 0, *, sampling: int = 1) -> dict:
    counts = {"packets": packets, "octets": packets * 190, "sampled_packets": packets / sampling}
    variance = packets * (sampling - 1)
    return window(at_s, tcp_packets=packets, tcp_octets=packets * 190, packets_var=variance, **counts)


def site(connections: float = 2000, each: float = 8, *, port: int = 443, sampling: int = 1, **values: Any) -> dict:
    """Connections to a site, each of as many packets."""
    packets = connections * each
    counts = {"packets": packets, "octets": packets * 190, "sampled_packets": packets / sampling}
    counts |= {"connections": connections, "records": packets / sampling, "answered_packets": packets}
    return target(values.pop("address", SITE), port, protocol=6, **(counts | values))


def found(*sites: dict, sampling: int = 1, **values: Any) -> bool:
    packets = sum(row["packets"] for row in sites)
    return any(row.opens for row in ask(DETECTOR, [web(packets, sampling=sampling)], sites, **values))


@pytest.mark.parametrize(("more", "expected"), [(-8, [False]), (0, [True]), (8, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool]):
    """One window opens at its connections a second, a little below it only goes on."""
    rows = ask(DETECTOR, [web(HOME.connections_10s * 80 + more)], [site(until_s=20)])
    assert [row.opens for row in rows] == expected


@pytest.mark.parametrize(("more", "expected"), [(-8, False), (0, True), (8, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    windows = [web(HOME.connections_60s * 80 + more, at_s=10 * k) for k in range(6)]
    assert {row.opens for row in ask(DETECTOR, windows, [site(3000, until_s=60)])} == {expected}


@pytest.mark.parametrize(("each", "is_found"), [(39.9, True), (40, True), (40.1, False)])
def test_connections_are_short(each: float, is_found: bool):
    """Forty packets and more a connection are somebody's downloads."""
    assert found(site(each=each, octets=10_000)) is is_found


@pytest.mark.parametrize(("octets", "is_found"), [(7999, True), (8000, True), (8001, False)])
def test_connections_ask_little(octets: int, is_found: bool):
    """Eight thousand octets and more a connection are uploads."""
    assert found(site(octets=octets * 2000)) is is_found


@pytest.mark.parametrize(("share", "is_found"), [(0.39, True), (0.4, True), (0.41, False)])
def test_connections_are_complete(share: float, is_found: bool):
    """From two fifths of SYN on it is a SYN flood."""
    assert found(site(syn_packets=16_000 * share)) is is_found


@pytest.mark.parametrize(("answered", "is_found"), [(0.19, False), (0.2, True), (0.21, True)])
def test_connections_are_answered(answered: float, is_found: bool):
    """What nobody answers is no request; where answers cannot be seen, the shape is enough."""
    assert found(site(answered_packets=16_000 * answered)) is is_found
    assert found(site(answered_packets=0), two_way=False)


@pytest.mark.parametrize(("refused", "is_found"), [(0.49, True), (0.5, True), (0.51, False)])
def test_connections_are_not_refused(refused: float, is_found: bool):
    """A closed port answers with RST."""
    assert found(site(answered_reset_packets=16_000 * refused)) is is_found


@pytest.mark.parametrize(("seen", "is_found"), [(2, False), (3, True), (4, True)])
def test_three_sampled_connections_are_needed(seen: int, is_found: bool):
    """Sixty packets of as many flows, with two SYN among them, may be sixty long connections."""
    assert found(site(seen * 1000, 60 / seen, sampling=1000), sampling=1000) is is_found


@pytest.mark.parametrize(("sampled", "is_found"), [(19, False), (20, True), (21, True)])
def test_twenty_sampled_packets_are_needed(sampled: int, is_found: bool):
    """Nineteen sampled packets prove no rate."""
    assert found(site(sampled * 1024, 4, sampling=4096), sampling=4096) is is_found


@pytest.mark.parametrize(("share", "is_found"), [(0.79, False), (0.8, True), (0.81, True)])
def test_sampled_packets_are_of_flows_of_their_own(share: float, is_found: bool):
    """The number of connections follows from the packets only where hardly two are of one flow."""
    assert found(site(3000, 20, sampling=1000, records=60 * share), sampling=1000) is is_found


@pytest.mark.parametrize("port", [25, *LOGIN_PORTS])
def test_mail_and_logins_are_other_kinds(port: int):
    """Short connections to these ports are spam and brute force."""
    assert not found(site(port=port))


def test_other_traffic_of_the_line_is_not_counted():
    """A download in the same seconds keeps its part of the packets."""
    download = site(1, 16_000, address="198.51.100.9")
    (row,) = ask(DETECTOR, [web(32_000)], [site(), download])
    assert row.packets == pytest.approx(16_000)
    assert row.evidence["connections"] == pytest.approx(2000)


def test_groups_have_their_own_rates():
    """A school opens more connections to one network than a home."""
    assert found(site())
    assert not found(site(), group="building")


def connects(targets: list[str], ports: tuple[int, ...] = (443,), **values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.connect(targets, ports, stop=40 if t.sampling == 1 else 300, **values)


FLOODS = {
    "requests": connects([SITE], (443, 80), per_s=400, packets=8, octets=190, answered=0.85),
    "pages": connects([SITE], per_s=250, packets=20, octets=120),
    "another_port": connects([SITE], (25_565,), per_s=300, packets=7, octets=120),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(FLOODS))
def test_floods_are_found_and_are_no_other_kind(name: str, sampling: int, two_way: bool):
    """Short complete connections to one site, sampled and one way."""
    assert kinds(FLOODS[name](Traffic(sampling=sampling, two_way=two_way)).judge()) == [(1, "http_flood")]


def page_of_a_hundred_hosts(t: Traffic) -> Traffic:
    for k in range(4):
        t.connect(FAR[:100], [443], per_s=200, packets=12, octets=250, start=15 * k, stop=15 * k + 3)
    return t


def talks(**values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.talk(SITE, 443, stop=30 if t.sampling == 1 else 300, protocol=6, flags=24, **values)


LOOK_ALIKES = {
    "crawler": connects(FAR, per_s=60, packets=12, octets=200, answered=0.95),
    "program_without_kept_connections": connects([SITE], per_s=15, packets=12, octets=200),
    "scraper_through_a_proxy": connects(addresses("203.0.113.0", 8), per_s=20, packets=12, octets=250),
    "page_of_a_hundred_hosts": page_of_a_hundred_hosts,
    "monitoring_host": connects(FAR[:80], (80, 443), per_s=2, packets=6, octets=90),
    "download": talks(pps=4000, octets=60, answer_pps=8000, answer_octets=1480, flows=6),
    "speed_test": talks(pps=40_000, octets=1500, answer_pps=20_000, flows=16),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Many sites, few connections or long ones, whatever the sampling, with answers seen or not."""
    traffic = Traffic(sampling=sampling, two_way=two_way).talk("198.51.100.9", 443, pps=900, octets=80, answer_pps=900)
    assert LOOK_ALIKES[name](traffic).judge(detect=Detect(engine=engine(), detectors=(DETECTOR,))) == []
