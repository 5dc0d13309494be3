"""Guessed passwords at, below and above each threshold, and what only looks like them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detect.rows import BLOCK, ask, table, target, window
from detect.traffic import Traffic, addresses, kinds, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.brute_force import DETECTOR, PARAMS, REMOTE_PORTS
from sekisho.query.duckdb import DuckDBEngine
from sekisho.schema.line_target import LINE_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = PARAMS["home"]
FAR = addresses("198.18.0.1", 1100, step=299)
SERVICES = {
    23: "telnet",
    2323: "telnet",
    22: "remote",
    3389: "remote",
    3306: "database",
    21: "transfer",
    993: "transfer",
}


def logins(
    connections: float, port: int = 22, *, each: float = 10, at_s: float = 0, sampling: int = 1, **values: Any
) -> dict:
    """Connections to one address in ten minutes, each of as many packets."""
    packets = connections * each
    counts = {"packets": packets, "octets": packets * 110, "sampled_packets": packets / sampling}
    counts |= {"connections": connections, "records": packets / sampling, "answered_packets": packets}
    return target(values.pop("address", FAR[0]), port, at_s=at_s, protocol=6, **(counts | values))


def guesses(packets: float, at_s: float = 0, *, sampling: int = 1) -> dict:
    counts = {"packets": packets, "octets": packets * 110, "sampled_packets": packets / sampling}
    return window(at_s, login_packets=packets, packets_var=packets * (sampling - 1), **counts)


def found(*rows: dict, **values: Any) -> bool:
    return bool(ask(DETECTOR, [guesses(600)], rows, **values))


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("port", SERVICES)
def test_connections_to_one_address_in_a_block(port: int, more: int):
    """Each kind of service has its number in ten minutes."""
    enough = getattr(HOME, f"{SERVICES[port]}_10min")
    assert found(logins(enough + more, port)) is (more >= 0)


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("port", SERVICES)
def test_connections_to_one_address_in_an_hour(port: int, more: int):
    """Slow guesses add up over six blocks, and their windows are those of all six."""
    enough = getattr(HOME, f"{SERVICES[port]}_60min")
    rows = [logins(enough / 6 + (more if k == 0 else 0), port, at_s=600 * k) for k in range(6)]
    answer = ask(DETECTOR, [guesses(50, at_s=600 * k) for k in range(6)], rows)
    assert [row.start_ms for row in answer] == ([BLOCK + 600_000 * k for k in range(6)] if more >= 0 else [])


@pytest.mark.parametrize(("each", "is_found"), [(4.9, False), (5, True), (40, True), (40.1, False)])
def test_a_login_has_its_length(each: float, is_found: bool):
    """A check for an open port is shorter, a session is longer."""
    assert found(logins(100, each=each)) is is_found


@pytest.mark.parametrize(("octets", "is_found"), [(599, True), (600, True), (601, False)])
def test_a_login_is_no_upload(octets: int, is_found: bool):
    """Passwords are small."""
    assert found(logins(100, octets=octets * 1000)) is is_found


@pytest.mark.parametrize(("answered", "is_found"), [(0.29, False), (0.3, True), (0.31, True)])
def test_a_login_is_answered(answered: float, is_found: bool):
    """What nobody answers is a scan; where answers cannot be seen, the shape is enough."""
    assert found(logins(100, answered_packets=1000 * answered)) is is_found
    assert found(logins(100, answered_packets=0), two_way=False)


@pytest.mark.parametrize(("refused", "is_found"), [(0.49, True), (0.5, True), (0.51, False)])
def test_a_login_is_not_refused(refused: float, is_found: bool):
    """A closed port answers with RST."""
    assert found(logins(100, answered_reset_packets=1000 * refused)) is is_found


@pytest.mark.parametrize(("connections", "is_found"), [(9.99, False), (10, True), (10.01, True)])
def test_many_addresses_with_few_guesses_each(connections: float, is_found: bool):
    """Ten thousand logins in ten minutes are no fleet's check, however few each address gets."""
    assert found(*(logins(connections, address=a) for a in FAR[:1000])) is is_found


@pytest.mark.parametrize(("sampled", "is_found"), [(1.9, False), (2, True), (2.1, True)])
def test_an_average_needs_addresses_that_were_seen(sampled: float, is_found: bool):
    """Of forty addresses with a packet each there may be four hundred: an average of them means nothing."""
    rows = [logins(200, each=20 * sampled / 2, address=a, sampling=2000) for a in FAR[:40]]
    assert found(*rows) is is_found


@pytest.mark.parametrize(("seen", "is_found"), [(1.9, False), (2, True), (2.1, True)])
def test_two_sampled_connections_are_needed(seen: float, is_found: bool):
    """Sixty packets of sessions show no SYN, hardly ever two."""
    assert found(logins(seen * 1000, each=60 / seen, sampling=1000)) is is_found


@pytest.mark.parametrize(("share", "is_found"), [(0.79, False), (0.8, True), (0.81, True)])
def test_sampled_packets_are_of_flows_of_their_own(share: float, is_found: bool):
    """The number of connections follows from the packets only where hardly two are of one flow."""
    assert found(logins(3000, each=20, sampling=1000, records=60 * share)) is is_found


@pytest.mark.parametrize(("sampled", "is_found"), [(19, False), (20, True), (21, True)])
def test_twenty_sampled_packets_are_needed(sampled: int, is_found: bool):
    """Nineteen sampled packets prove no number."""
    assert found(logins(sampled * 500, each=8, sampling=4000)) is is_found


def test_knocks_without_an_answer_do_not_hide_guesses():
    """A bot that knocks at a thousand doors and guesses at one is both."""
    knocks = [logins(1, 23, each=1, address=a, syn_packets=1.0, answered_packets=0) for a in FAR[1:1000]]
    assert found(logins(40, 23), *knocks)
    assert not found(*knocks)


def test_whatever_is_brute_force_is_suspect_first():
    """No verdict is lost to the question that is asked before: logins at random over six blocks."""
    random, outcomes = np.random.default_rng(1), []
    for _ in range(40):
        sampling, port = random.choice([1, 1000]), int(random.choice(REMOTE_PORTS))
        rows = [
            logins(
                random.integers(1, 60) * sampling, port, each=random.integers(4, 30), at_s=600 * k, sampling=sampling
            )
            for k in range(6)
        ]
        sql = DETECTOR.least(DETECTOR.suspects)
        suspect = DuckDBEngine().run(sql, {"line_target": table(LINE_TARGET, rows)}).num_rows > 0
        outcomes.append((bool(ask(DETECTOR, [guesses(50, at_s=600 * k) for k in range(6)], rows)), suspect))
    assert (True, False) not in outcomes
    assert outcomes.count((True, True)) > 5


def test_groups_have_their_own_numbers():
    """A developer's office fetches over SSH what no home fetches."""
    assert found(logins(250))
    assert not found(logins(250), group="business")


LONG_ENOUGH_S = {1: 180, 100: 600, 1000: 1500, 4096: 1500}
"""Until what is sampled is enough for a verdict."""


def connects(targets: list[str], port: int, **values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.connect(targets, [port], stop=LONG_ENOUGH_S[t.sampling], **values)


FORCED = {
    "ssh": connects(addresses("203.0.113.64", 4), 22, per_s=6, packets=14, octets=110, answered=0.85),
    "telnet": connects(addresses("203.0.113.64", 4), 23, per_s=6, packets=12, octets=60),
    "remote_desktop": connects(["203.0.113.64"], 3389, per_s=5, packets=16, octets=160),
    "mail": connects(["203.0.113.64"], 993, per_s=8, packets=14, octets=120),
}


@seen_at(1, 100, 1000)
@pytest.mark.parametrize("name", sorted(FORCED))
def test_guesses_are_found_and_are_no_scan(name: str, sampling: int, two_way: bool):
    """Logins that follow one another, sampled and one way."""
    assert kinds(FORCED[name](Traffic(sampling=sampling, two_way=two_way)).judge()) == [(1, "brute_force")]


def test_slow_guesses_are_found_within_the_hour():
    """One login in twelve seconds is below the number of ten minutes and above that of an hour."""
    slow = Traffic().connect(["203.0.113.64"], [22], per_s=1 / 12, packets=14, octets=110, stop=3600)
    assert kinds(slow.judge()) == [(1, "brute_force")]


def talks(**values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.talk("203.0.113.5", 22, stop=60 if t.sampling == 1 else 600, protocol=6, flags=24, **values)


LOOK_ALIKES = {
    "monitoring_host": connects(FAR[:300], 22, per_s=5, packets=6, octets=70),
    "monitoring_of_one_network": connects(addresses("203.0.113.0", 200), 22, per_s=3.3, packets=9, octets=120),
    "mail_of_several_accounts": connects(addresses("203.0.113.0", 5), 993, per_s=0.4, packets=14, octets=150),
    "camera_with_ftp": connects(["203.0.113.5"], 21, per_s=1, packets=12, octets=80),
    "playbook_run": connects(FAR[:100], 22, per_s=0.3, packets=30, octets=150),
    "backup": talks(pps=3000, octets=1450, answer_pps=800, flows=4),
    "restore": talks(pps=1000, octets=60, answer_pps=3000, answer_octets=1450, flows=4),
    "sessions": talks(pps=100, octets=90, answer_pps=100, flows=10),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """A fleet, a mailbox or a long session, whatever the sampling, with answers seen or not."""
    traffic = Traffic(sampling=sampling, two_way=two_way).talk("198.51.100.9", 443, pps=900, octets=80, answer_pps=900)
    assert LOOK_ALIKES[name](traffic).judge(detect=Detect(engine=DuckDBEngine(), detectors=(DETECTOR,))) == []
