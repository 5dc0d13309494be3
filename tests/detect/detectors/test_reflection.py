"""Abused services at, below and above each threshold, and what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from detect.rows import ask, target, udp_target, udp_window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.reflection import DETECTOR, PARAMS, SERVICES
from sekisho.query.duckdb import DuckDBEngine
from sekisho.schema.line_window import REFLECTOR_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = PARAMS["home"]
VICTIM = "203.0.113.7"
FAR = addresses("198.18.0.1", 400, step=299)


def answers(packets: float, at_s: float = 0, *, octets: float = 1500, sampling: int = 1, **values: float) -> dict:
    part = {"reflector_packets": packets, "reflector_octets": packets * octets}
    return udp_window(packets, at_s, octets=octets, sampling=sampling, **(part | values))


def client(
    address: str = VICTIM,
    packets: float = 10_000,
    *,
    own: int = 53,
    octets: float = 1500,
    asked: float = 1.0,
    asked_octets: float = 70,
    sampling: int = 1,
    records: float = 1000,
    **values: Any,
) -> dict:
    """What a service sent to one client; ``asked`` questions a packet."""
    counts = {"packets": packets, "octets": packets * octets, "sampled_packets": packets / sampling, "records": records}
    questions = {"answered_packets": packets * asked, "answered_octets": packets * asked * asked_octets}
    return target(address, 0, own_port=own, protocol=17, **(counts | questions | values))


def found(*clients: dict, octets: float = 1500, two_way: bool = True, group: str = "home") -> bool:
    packets = sum(row["packets"] for row in clients)
    return any(
        row.opens for row in ask(DETECTOR, [answers(packets, octets=octets)], clients, two_way=two_way, group=group)
    )


def single(**values: Any) -> dict:
    """A single flow from a port that may be any program's: large packets, an acknowledgement for every fourth."""
    return client(**{"own": 11_211, "records": 10, "octets": 1250, "asked": 0.25, "until_s": 600} | values)


@pytest.mark.parametrize(("more", "expected"), [(-10, [False]), (0, [True]), (10, [True])])
def test_ten_seconds_open_at_the_rate(more: int, expected: list[bool]):
    """One window opens at its rate; a little below it only goes on."""
    windows = [answers(HOME.pps_10s * 10 + more)]
    assert [row.opens for row in ask(DETECTOR, windows, [client()])] == expected


@pytest.mark.parametrize(("more", "expected"), [(-6, False), (0, True), (6, True)])
def test_a_minute_opens_at_a_lower_rate(more: int, expected: bool):
    """Six weak windows open together at the rate of a minute."""
    each = HOME.pps_60s * 10 + more / 6
    windows = [answers(each, at_s=10 * k) for k in range(6)]
    assert {row.opens for row in ask(DETECTOR, windows, [client(packets=each * 6)])} == {expected}


@pytest.mark.parametrize(("more", "is_found"), [(-1, False), (0, True), (1, True)])
def test_a_victim_gets_as_much_as_ten_seconds_at_the_rate(more: int, is_found: bool):
    """A hundred clients that get a little each are a service's ordinary day."""
    clients = [client(a, HOME.pps_10s * 10 + more) for a in FAR[:100]]
    assert found(*clients) is is_found


@pytest.mark.parametrize(("sampled", "is_found"), [(19, False), (20, True), (21, True)])
def test_twenty_sampled_packets_are_needed(sampled: int, is_found: bool):
    """Nineteen sampled packets prove no rate."""
    packets = sampled * 1000
    windows = [answers(packets, sampling=1000)]
    assert bool(ask(DETECTOR, windows, [client(packets=packets, sampling=1000, records=sampled)])) is is_found


@pytest.mark.parametrize(("more", "is_found"), [(-1, True), (0, True), (1, False)])
def test_answers_are_thrice_as_large_as_what_was_asked(more: int, is_found: bool):
    """A clock answers with what it was asked with; an abused service with a multiple."""
    assert found(client(own=123, octets=468, asked_octets=468 / HOME.amplification + more), octets=468) is is_found


@pytest.mark.parametrize(("own", "least"), [(53, HOME.dns_octets), (123, HOME.answer_octets)])
@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("two_way", [True, False])
def test_answers_have_a_least_size(own: int, least: float, more: int, two_way: bool):
    """Small answers are ordinary ones, seen both ways or one."""
    octets = least + more
    assert found(client(own=own, octets=octets, asked_octets=40), octets=octets, two_way=two_way) is (more >= 0)


SINGLE_FLOWS = {
    "a bulk transfer": (single(), False),
    "records of 39 flows": (single(records=39, until_s=30), False),
    "records of 40 flows": (single(records=40, until_s=30), True),
    "40 records at the pace of timeouts": (single(records=40, until_s=140), False),
    "an answer to 69 of 100": (single(asked=0.69), False),
    "an answer to 70 of 100": (single(asked=0.7), True),
    "600 octets": (single(octets=600), False),
    "599 octets": (single(octets=599, asked_octets=40), True),
    "a live feed": (single(packets=59_990, asked=0.015, until_s=10.001), False),
    "faster than a live feed": (single(packets=60_000, asked=0.015, until_s=10.001), True),
    "an upload at line rate": (single(packets=800_000, asked=0.06, until_s=10.001), False),
}


@pytest.mark.parametrize("name", SINGLE_FLOWS)
def test_a_flow_from_a_port_of_any_program_needs_the_shape_of_a_service(name: str):
    """Above port 1023 a transfer may leave from a service's port by chance."""
    flow, is_found = SINGLE_FLOWS[name]
    assert found(flow, octets=flow["octets"] / flow["packets"]) is is_found


@pytest.mark.parametrize(("own", "is_found"), [(161, True), (1900, False)])
def test_one_way_small_answers_speak_only_for_a_port_that_is_a_services(own: int, is_found: bool):
    """Where questions cannot be seen, a call may leave from port 1900, nothing leaves from 161."""
    assert found(client(own=own, octets=340, records=5, asked=0), octets=340, two_way=False) is is_found


@pytest.mark.parametrize(("fragments", "is_found"), [(4999, False), (5000, True), (5001, True)])
def test_fragments_are_no_upload(fragments: int, is_found: bool):
    """A later fragment for every second packet tells the answer of a resolver, and belongs to the volume."""
    later = udp_target("203.0.113.9", 0, fragments, octets=1500, fragment_packets=fragments)
    flow = client(records=1, until_s=600, asked=0.25)
    windows = [answers(10_000, fragment_packets=fragments, fragment_octets=fragments * 1500)]
    rows = ask(DETECTOR, windows, [flow, later], two_way=False)
    assert [row.packets for row in rows] == ([10_000 + fragments] if is_found else [])


@pytest.mark.parametrize(("others", "is_found"), [(7, True), (8, True), (9, False)])
def test_many_other_peers_make_it_a_program(others: int, is_found: bool):
    """BitTorrent's fast peers are few among hundreds; a victim stands nearly alone."""
    peers = [client(a, 100, own=32_414, octets=110, asked_octets=110) for a in FAR[:others]]
    assert found(client(own=32_414), *peers) is is_found


@pytest.mark.parametrize(("sampled", "is_found"), [(499, True), (500, False), (501, False)])
def test_answers_without_a_question_are_no_reflection(sampled: int, is_found: bool):
    """Not even memcached answers 500 packets to nothing: that is a flood from that port."""
    assert found(client(packets=sampled * 10, asked=0, sampling=10)) is is_found


def test_the_service_with_the_most_answers_is_named():
    """Two open services on a line: the larger one stands in the evidence."""
    rows = ask(DETECTOR, [answers(30_000)], [client(own=53), client(own=161, packets=20_000)])
    assert [(row.evidence["service_port"], row.evidence["targets"]) for row in rows] == [(161, 1)]


def test_every_reflecting_service_has_a_name():
    """The explanation names what is to be closed."""
    assert tuple(SERVICES) == REFLECTOR_PORTS


def test_groups_have_their_own_rates():
    """A busy zone of a business may send what no home sends."""
    assert found(client(packets=3000))
    assert not found(client(packets=3000), group="business")


def reflector(own: int, *, octets: int, each: int, asked: int) -> Callable[[Traffic], Traffic]:
    def send(t: Traffic) -> Traffic:
        stop = 60 if t.sampling == 1 else 300
        values = {"octets": octets, "answered": 1 / each, "answer_octets": asked, "own": own, "stop": stop}
        return t.spray([VICTIM, "198.51.100.20"], range(1024, 60_000), pps=max(1000, t.sampling / 2), **values)

    return send


ABUSED = {
    "dns": reflector(53, octets=1500, each=1, asked=70),
    "ntp": reflector(123, octets=468, each=10, asked=36),
    "snmp": reflector(161, octets=1500, each=1, asked=70),
    "ssdp": reflector(1900, octets=340, each=9, asked=125),
    "arms": reflector(3283, octets=1034, each=1, asked=32),
    "memcached": reflector(11_211, octets=1428, each=70, asked=43),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(ABUSED))
def test_abused_services_are_found_and_are_no_flood(name: str, sampling: int, two_way: bool):
    """Each service is told from its answers, with the questions seen or not, and is no other kind."""
    assert kinds(ABUSED[name](Traffic(sampling=sampling, two_way=two_way)).judge()) == [(1, "reflection")]


def seconds(t: Traffic) -> int:
    return 30 if t.sampling == 1 else 300


def bittorrent(t: Traffic) -> Traffic:
    for k, peer in enumerate(FAR[:20]):
        t.talk(peer, 20_000 + 37 * k, pps=200, octets=1400, answer_pps=60, own=32_414, stop=seconds(t))
    return t.spray(FAR[20:], range(20_000, 60_000), pps=80, octets=110, answered=0.4, own=32_414, stop=seconds(t))


def under_attack(t: Traffic) -> Traffic:
    t.talk("203.0.113.9", 443, pps=50, octets=80, answer_pps=100, stop=60)
    return t.spray(FAR, [53, 123, 1900], pps=1000, octets=1200, inward=True, stop=seconds(t))


def talks(port: int, **values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.talk("203.0.113.5", port, stop=seconds(t), **values)


def serves(clients: int, **values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.spray(FAR[:clients], range(1024, 60_000), answered=1, stop=seconds(t), **values)


LOOK_ALIKES = {
    "ntp_pool_server": serves(400, pps=600, octets=76, answer_octets=76, own=123),
    "ntp_client_behind_one_address": serves(1, pps=300, octets=76, answer_octets=76, own=123),
    "resolver_of_the_owner": serves(1, pps=10, octets=350, answer_octets=75, own=53),
    "quic_upload_from_a_services_port": talks(443, pps=8000, octets=1250, answer_pps=1500, own=11_211),
    "tunnel_on_port_53": talks(51_820, pps=3000, octets=1400, answer_pps=900, answer_octets=110, own=53),
    "call_from_a_services_port": talks(3478, pps=600, octets=500, answer_pps=600, answer_octets=500, own=1900),
    "remote_desktop": talks(50_000, pps=800, octets=1100, answer_pps=250, answer_octets=90, own=3389),
    "camera_from_a_services_port": talks(50_000, pps=400, octets=1100, answer_pps=20, answer_octets=90, own=37_810),
    "plex_and_mdns_strays": serves(5, pps=20, octets=300, answer_octets=80, own=5353),
    "bittorrent": bittorrent,
    "under_attack": under_attack,
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """What serves its own clients, or leaves from a service's port by chance, reflects nothing."""
    traffic = Traffic(sampling=sampling, two_way=two_way).talk("198.51.100.9", 443, pps=900, octets=80, answer_pps=900)
    assert LOOK_ALIKES[name](traffic).judge(detect=Detect(engine=DuckDBEngine(), detectors=(DETECTOR,))) == []


@pytest.mark.parametrize("group", ["business", "server"])
def test_an_authoritative_server_stays_quiet(group: str):
    """Hundreds of resolvers, one of them large, ask a business's zone; its answers are of moderate size."""
    clients = [client(a, 300, octets=350, asked_octets=75) for a in FAR[:300]]
    large = client("203.0.113.53", 60_000, octets=700, asked_octets=75)
    assert not found(*clients, large, octets=600, group=group)
