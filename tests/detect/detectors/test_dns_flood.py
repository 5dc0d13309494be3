"""Floods of name servers at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from detect.rows import ask, udp_target, udp_window, window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.dns_flood import DETECTOR, PARAMS
from sekisho.query.duckdb import DuckDBEngine

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = PARAMS["home"]
RESOLVER = "203.0.113.53"


def opens(packets: float, *, answered: float = 1.0, each: int = 1, sampling: int = 1, **values: Any) -> list[bool]:
    """Whether windows of as many questions open, on a line with one resolver; other values are the target's."""
    group, two_way = values.pop("group", "home"), values.pop("two_way", True)
    part = {"dns_packets": packets, "dns_octets": packets * 75}
    windows = [udp_window(packets, 10 * k, octets=75, sampling=sampling, **part) for k in range(each)]
    windows += [window(10 * k, side=1, dns_packets=packets * answered) for k in range(each)]
    counts = {"records": each * packets / sampling, "until_s": 10 * each} | values
    flow = udp_target(RESOLVER, 53, each * packets, octets=75, sampling=sampling, **counts)
    return [row.opens for row in ask(DETECTOR, windows, [flow], group=group, two_way=two_way)]


@pytest.mark.parametrize("two_way", [True, False])
@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_more_questions_than_any_client_asks(more: int, expected: list[bool], two_way: bool):
    """Answered or not seen, ten seconds open at the rate; a little below, the window only goes on."""
    assert opens(HOME.pps_10s * 10 + more, two_way=two_way) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    assert opens(HOME.pps_60s * 10 + more, each=6) == [expected] * 6


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_unanswered_questions_have_a_lower_rate(more: int, expected: list[bool]):
    """What the servers leave open is no client's."""
    assert opens(HOME.unanswered_pps_10s * 20 + more, answered=0.5) == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_unanswered_questions_have_a_minutes_rate(more: int, expected: bool):
    """Half of what is asked in a minute is left open."""
    assert opens(HOME.unanswered_pps_60s * 20 + more, each=6, answered=0.5) == [expected] * 6


@pytest.mark.parametrize(("answered", "expected"), [(0.74, [True]), (0.75, [True]), (0.76, [False])])
def test_a_quarter_must_be_unanswered(answered: float, expected: list[bool]):
    """Some questions are always lost."""
    assert opens(12_000, answered=answered) == expected


@pytest.mark.parametrize(("records", "expected"), [(9, []), (10, [True]), (11, [True])])
def test_questions_come_in_flows_of_their_own(records: int, expected: list[bool]):
    """Nine records in ten seconds may be a tunnel over port 53, whatever its rate."""
    assert opens(20_000, answered=0.6, records=records) == expected


@pytest.mark.parametrize(("answered", "expected"), [(0.019, [True]), (0.02, [True]), (0.021, [])])
def test_one_flow_floods_where_hardly_any_is_answered(answered: float, expected: list[bool]):
    """The receiver of a tunnel answers more than one packet in fifty."""
    assert opens(20_000, answered=answered, records=1) == expected


@pytest.mark.parametrize(("sampled", "expected"), [(59, []), (60, [True]), (61, [True])])
def test_one_flow_needs_sixty_sampled_packets(sampled: int, expected: list[bool]):
    """Where fewer were sampled, no sampled answer proves little."""
    assert opens(sampled * 1000, answered=0, records=1, sampling=1000) == expected


@pytest.mark.parametrize(("sampled", "expected"), [(19, []), (20, [True]), (21, [True])])
def test_twenty_sampled_packets_are_needed(sampled: int, expected: list[bool]):
    """Nineteen sampled packets prove no rate."""
    assert opens(sampled * 4096, sampling=4096) == expected


@pytest.mark.parametrize(("answered", "expected"), [(0.4, [True]), (0.6, [False])])
def test_missing_answers_must_be_more_than_chance(answered: float, expected: list[bool]):
    """Of 64 sampled questions 38 sampled answers are within what sampling does, 25 are not."""
    assert opens(64 * 100, answered=answered, sampling=100) == expected


def test_a_rate_from_few_sampled_packets_opens_nothing():
    """Six packets of 4,096 in one window are 2,457 a second by chance, at a mean of 700."""
    windows = [
        udp_window(p * 4096.0, 10 * k, octets=75, sampling=4096, dns_packets=p * 4096.0, dns_octets=p * 4096.0 * 75)
        for k, p in enumerate([1, 2, 6, 1, 0.5, 2] * 10)
    ]
    flow = udp_target(RESOLVER, 53, 125 * 4096, sampling=4096, records=125.0, until_s=600)
    assert not any(row.opens for row in ask(DETECTOR, windows, [flow], two_way=False))


def test_groups_have_their_own_rates():
    """A school's resolver asks what no home asks."""
    assert opens(20_000) == [True]
    assert opens(20_000, group="building") == [False]


def sprays(**values: Any) -> Callable[[Traffic], Traffic]:
    """Questions that are each a flow of their own."""
    return lambda t: t.spray(
        values.get("servers", [RESOLVER]),
        [53],
        pps=values["pps"],
        octets=values.get("octets", 75),
        answered=values.get("answered", 0),
        answer_octets=140,
        stop=30 if t.sampling == 1 else 300,
    )


def talks(**values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.talk(RESOLVER, 53, stop=60 if t.sampling == 1 else 300, **values)


SERVERS = addresses("198.18.0.1", 40, step=299)
FLOODS = {
    "water_torture": sprays(pps=3000, answered=0.6, servers=[RESOLVER, "203.0.113.54", "198.51.100.53"]),
    "one_server": sprays(pps=2500, octets=600),
    "open_resolvers": sprays(pps=3000, answered=0.8, servers=addresses("198.18.0.1", 500, step=299)),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(FLOODS))
def test_floods_are_found_and_are_no_other_kind(name: str, sampling: int, two_way: bool):
    """Random names through resolvers, and floods of the port, sampled and one way."""
    assert kinds(FLOODS[name](Traffic(sampling=sampling, two_way=two_way)).judge()) == [(1, "dns_flood")]


LOOK_ALIKES = {
    "busy_client": sprays(pps=700, answered=0.95),
    "crawler_with_a_resolver_of_its_own": sprays(pps=300, answered=0.85, servers=SERVERS),
    "mail_server_with_block_lists": sprays(pps=200, answered=0.9, servers=SERVERS),
    "retry_bug": sprays(pps=40),
    "outage": sprays(pps=80, answered=0.3),
    "upload_through_a_tunnel": talks(pps=8000, octets=1300, answer_pps=2500, answer_octets=110),
    "download_through_a_tunnel": talks(pps=3000, octets=110, answer_pps=8000, answer_octets=1400),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Busy, repeating or tunnelled, whatever the sampling, with answers seen or not."""
    assert (
        LOOK_ALIKES[name](Traffic(sampling=sampling, two_way=two_way)).judge(
            detect=Detect(engine=DuckDBEngine(), detectors=(DETECTOR,))
        )
        == []
    )
