"""Contact with controllers: rows at each threshold, look-alikes, and what a verdict names."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from detect.rows import BLOCK, Row, ask, syn_target, target, window
from detect.traffic import RST_ACK, SYN, SYN_ACK, T0, Traffic, addresses, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.c2_contact import DETECTOR
from sekisho.detect.episodes import Window
from sekisho.detect.indicators.model import ALWAYS_FROM_MS, ALWAYS_UNTIL_MS, Indicator
from sekisho.detect.indicators.read import table_of
from sekisho.query.duckdb import DuckDBEngine
from sekisho.schema.detection import Cap, Detection, Level

C2 = "203.0.113.200"
CONNECTION = 27
"""SYN, ACK, PSH and FIN in one record: a whole short connection."""


def indicator(network: str = C2, **fields: Any) -> Indicator:
    given = {
        "network": ip_network(network),
        "port": 48_101,
        "protocol": 0,
        "label": "Mirai",
        "source": "feed.csv, line 2",
        "is_sinkhole": False,
        "valid_from_ms": ALWAYS_FROM_MS,
        "valid_until_ms": ALWAYS_UNTIL_MS,
    }
    return Indicator(**(given | fields))


def windows(until_s: int = 600, **values: float) -> list[Row]:
    each = {"packets": 50, "octets": 5000, "sampled_packets": 50, "packets_var": 0, "octets_var": 0}
    return [window(at, **(each | values)) for at in range(0, until_s, 10)]


def contact(packets: float = 20, *, port: int = 48_101, until_s: float = 400, sampling: int = 1, **values: Any) -> Row:
    counts = {"packets": packets, "octets": packets * 54, "sampled_packets": packets / sampling, "records": 5.0}
    counts |= {"connections": 5.0, "answered_packets": packets, "protocol": 6}
    return target(C2, port, until_s=until_s, **(counts | values))


def judge(*rows: Row, of: Indicator | None = None, two_way: bool = True, until_s: int = 600) -> list[Window]:
    inputs = {"indicators": table_of([of or indicator()])}
    return ask(DETECTOR, windows(until_s), rows, two_way=two_way, inputs=inputs)


def level(*rows: Row, **given: Any) -> str:
    found = judge(*rows, **given)
    return "quiet" if not found else "act" if any(w.acts for w in found) else "watch"


@pytest.mark.parametrize(("packets", "expected"), [(2, "quiet"), (3, "act"), (4, "act")])
def test_three_packets_over_three_minutes_are_repeated_contact(packets: float, expected: str):
    """An attempt that is refused has two; what has three is a contact."""
    assert level(contact(packets)) == expected


@pytest.mark.parametrize(("until_s", "expected"), [(179, "watch"), (181, "act"), (182, "act")])
def test_contact_that_is_over_sooner_is_for_a_person(until_s: float, expected: str):
    """One visit, its retries and its keep-alive end within three minutes."""
    assert level(contact(until_s=until_s)) == expected


@pytest.mark.parametrize(("syn", "expected"), [(17, "quiet"), (16, "quiet"), (15, "act")])
def test_what_never_came_about_is_no_contact(syn: float, expected: str):
    """SYN alone, or RST alone, four of five packets or more: an attempt, or an answer to somebody's scan."""
    assert level(contact(syn_packets=syn)) == expected
    assert level(contact(reset_packets=syn)) == expected


@pytest.mark.parametrize(("port", "expected"), [(48_100, "quiet"), (48_101, "act"), (48_102, "quiet")])
def test_a_port_that_the_feed_tells_must_be_the_same(port: int, expected: str):
    """Shared hosting: another service of the address is somebody else's."""
    assert level(contact(port=port)) == expected


@pytest.mark.parametrize(("protocol", "expected"), [(6, "act"), (17, "quiet"), (0, "act")])
def test_a_protocol_that_the_feed_tells_must_be_the_same(protocol: int, expected: str):
    """0 = the feed tells none."""
    assert level(contact(), of=indicator(protocol=protocol)) == expected


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("203.0.113.192/28", "act"),
        ("203.0.113.0/24", "act"),
        ("203.0.113.208/28", "quiet"),
        ("203.0.112.0/24", "quiet"),
    ],
)
def test_a_prefix_means_all_of_its_addresses(network: str, expected: str):
    """And none of its neighbours."""
    assert level(contact(), of=indicator(network)) == expected


def test_ipv6_indicators_hold_too():
    """An address and a /64."""
    row = contact() | {"target_hi": 0x2001_0DB8_F000_00C2, "target_lo": 1}
    assert level(row, of=indicator("2001:db8:f000:c2::1")) == "act"
    assert level(row, of=indicator("2001:db8:f000:c2::/64")) == "act"
    assert level(row, of=indicator("2001:db8:f000:c3::/64")) == "quiet"


@pytest.mark.parametrize(
    ("valid", "expected"),
    [
        ({"valid_until_ms": BLOCK}, "quiet"),
        ({"valid_until_ms": BLOCK + 1}, "act"),
        ({"valid_from_ms": BLOCK + 399_999}, "act"),
        ({"valid_from_ms": BLOCK + 400_000}, "quiet"),
    ],
)
def test_an_indicator_holds_for_its_time_only(valid: dict[str, int], expected: str):
    """Addresses change hands."""
    assert level(contact(), of=indicator(**valid)) == expected


@pytest.mark.parametrize(
    ("port", "connections", "expected"), [(32_767, 1, "act"), (32_768, 1, "watch"), (32_768, 2, "act")]
)
def test_an_address_alone_needs_a_service_on_a_high_port(port: int, connections: float, expected: str):
    """The line may be the one that was asked: the asker's own port does not come back for another connection."""
    assert level(contact(port=port, connections=connections), of=indicator(port=0)) == expected


def test_contact_is_counted_over_an_hour():
    """One packet in three blocks each, sampled, is repeated contact; in the first and the last of eight it is not."""
    sampled = {"packets": 1000, "sampling": 1000, "connections": 0}
    three = [contact(at_s=at, until_s=at + 1, **sampled) for at in (100, 800, 2000)]
    assert level(*three, until_s=2400) == "act"
    two = [contact(at_s=at, until_s=at + 1, **sampled) for at in (100, 4700)]
    assert level(*two, until_s=4800) == "watch"


def test_udp_needs_an_answer_where_answers_can_be_seen():
    """A probe of a scanner has none."""
    assert level(contact(protocol=17, answered_packets=0)) == "quiet"
    assert level(contact(protocol=17, answered_packets=1)) == "act"
    assert level(contact(protocol=17, answered_packets=0), two_way=False) == "act"


def test_a_service_abused_with_the_address_as_forged_asker_is_no_contact():
    """The line's own DNS answers what claims to come from there: that is kind reflection."""
    assert level(contact(5000, port=0, own_port=53, protocol=17), of=indicator(port=0)) == "quiet"


def test_a_scan_that_hits_the_address_is_no_contact():
    """One of thousands, SYN alone."""
    rows = [syn_target(address, 23, 3) for address in addresses("203.0.113.0", 256)]
    assert level(*rows, of=indicator(port=0)) == "quiet"


def test_the_packets_are_spread_over_the_windows_between_first_and_last():
    """As many windows as the contact lasted, never more than the window has, all of its packets together."""
    found = judge(contact(20, at_s=100, until_s=450))
    assert [w.start_ms for w in found] == [BLOCK + at * 1000 for at in range(100, 450, 10)]
    assert sum(w.packets for w in found) == pytest.approx(20)
    assert sum(w.octets for w in found) == pytest.approx(20 * 54)
    assert max(w.packets for w in judge(contact(50_000))) == 50


def test_the_indicator_with_the_port_is_named():
    """Of two that list the address, the one that says more."""
    inputs = {"indicators": table_of([indicator(port=0, label="old list"), indicator(label="Mirai")])}
    found = ask(DETECTOR, windows(), [contact()], inputs=inputs)
    assert {w.texts["label"] for w in found} == {"Mirai"}


def detect(*indicators: Indicator) -> Detect:
    table = table_of(indicators or [indicator()])
    return Detect(engine=DuckDBEngine(), inputs={"indicators": lambda _lines, _at_ms: table})


def bot(traffic: Traffic, *, minutes: int = 30, line: int = 1) -> Traffic:
    """A connection a minute with four packets each way."""
    given = {"pps": 10, "octets": 54, "answer_pps": 10, "protocol": 6, "flags": CONNECTION, "answer_flags": CONNECTION}
    for at in range(0, minutes * 60, 60):
        traffic.talk(C2, 48_101, line=line, start=at, stop=at + 0.4, **given)
    return traffic


def found_by(traffic: Traffic, *indicators: Indicator) -> list[Detection]:
    traffic.talk("192.0.2.9", 443, pps=20, octets=400, answer_pps=30, protocol=6, flags=24, stop=1800)
    return traffic.judge(detect=detect(*indicators))


@pytest.mark.parametrize("two_way", [True, False])
def test_a_bot_that_reports_every_minute_is_found_and_its_indicator_named(two_way: bool):
    """With and without answers in sight; label and place of the feed stand in the evidence."""
    (found,) = found_by(bot(Traffic(two_way=two_way)))
    assert (found.kind, found.level, found.caps) == ("c2_contact", Level.ACT, ())
    assert found.packets == pytest.approx(120, abs=5)
    assert [t.prefix for t in found.top_targets] == ["203.0.113.0/24"]
    evidence = found.to_json()["evidence"]
    assert (evidence["label"], evidence["source"], evidence["main_port"]) == ("Mirai", "feed.csv, line 2", 48_101)


def test_a_sampled_bot_is_found_by_three_packets():
    """At 1:20 six packets are expected in half an hour; each of them went to the address for certain."""
    (found,) = found_by(bot(Traffic(sampling=20)))
    assert (found.kind, found.level) == ("c2_contact", Level.ACT)
    assert found.sampled_packets < 20


def test_without_indicators_the_detector_is_off():
    """It ships off, and overrides of its thresholds are no error."""
    off = Detect(engine=DuckDBEngine(), overrides={"c2_contact": {"contact_s": 60}})
    assert bot(Traffic()).judge(detect=off) == []


def test_a_single_contact_is_for_a_person_and_becomes_more_when_it_repeats():
    """One visit is watch; three minutes later it is act."""
    (single,) = found_by(bot(Traffic(), minutes=1))
    assert (single.level, single.caps) == (Level.WATCH, (Cap.FOR_A_PERSON,))
    (repeated,) = found_by(bot(Traffic(), minutes=7))
    assert (repeated.level, repeated.detected_at_ms) == (Level.ACT, single.detected_at_ms)


@seen_at(1, 1000, 4096)
def test_look_alikes_stay_quiet(sampling: int, two_way: bool):
    """A scanner, a line that the controller scans, one that answers forged SYN with SYN-ACK, a neighbour's visitor."""
    traffic = Traffic(sampling=sampling, two_way=two_way)
    pps, stop = (20, 300) if sampling == 1 else (50, 600)
    traffic.spray(addresses("203.0.113.0", 256), [48_101], line=2, pps=pps, octets=40, protocol=6, flags=SYN, stop=stop)
    traffic.spray([C2], range(1024, 65_000), line=3, pps=pps, octets=40, protocol=6, flags=RST_ACK, stop=stop)
    traffic.spray([C2], range(32_768, 65_000), line=4, pps=pps, octets=44, protocol=6, flags=SYN_ACK, stop=stop)
    traffic.talk("203.0.113.201", 48_101, line=5, pps=10, octets=400, answer_pps=10, protocol=6, flags=24, stop=stop)
    assert [d for d in found_by(traffic, indicator(port=0)) if d.kind == "c2_contact"] == []


def test_a_sinkhole_is_told_as_one():
    """An infected device that nobody steers: the sentence says so, in both languages."""
    (found,) = found_by(bot(Traffic()), indicator(is_sinkhole=True))
    row = {**found.evidence, **found.texts}
    assert "sinkhole" in DETECTOR.explain(row, "en")
    assert "シンクホール" in DETECTOR.explain(row, "ja")
    assert found.first_seen_ms >= T0
