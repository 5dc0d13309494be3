"""Every kind of attack, decoded back to what the truth says."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.core.address import prefix_words
from sekisho.simulate import flow_cache as fc
from sekisho.simulate.amplifiers import AMPLIFIERS
from sekisho.simulate.attack_kinds import ATTACK_KINDS
from sekisho.simulate.attack_part import AttackPart
from sekisho.simulate.run import simulate, truth
from sekisho.simulate.simulation import Simulation
from simulated_records import decoded
from small_scenarios import exporter, scenario

ACCESS = ("pppoe", "map_e", "ipoe", "fixed")
LINES = dict.fromkeys(ACCESS, 2)


def flood(kind, access="pppoe", **changes):
    return {"kind": kind, "access": access, "start_s": 2.0, "duration_s": 12.0, "pps": 150.0} | changes


def seen(*attacks, seed=1, **part):
    """Entries of the truth, decoded columns and metered rows of a scenario in which nobody else sends anything."""
    chosen = scenario(lines=LINES | {"activity": 0.0}, exporter=[exporter(**part)], attack=list(attacks))
    simulation = Simulation(chosen, seed=seed)
    columns, rows = decoded(chosen, simulation.datagrams())
    return truth(simulation)["attacks"], columns, rows


def sent_by(columns, rows, attack=0):
    """Decoded records that the line of an attack has sent."""
    chosen = (rows[:, fc.ATTACK] == attack) & (rows[:, fc.OUTBOUND] == 1)
    return {name: column[chosen] for name, column in columns.items()}


@pytest.mark.parametrize("kind", ATTACK_KINDS)
@pytest.mark.parametrize("protocol", ["v5", "v9", "ipfix"])
def test_records_are_what_the_truth_says(kind, protocol):
    """Packets, octets and peak of a kind on a line with IPv4 add up in the decoded records, in every protocol."""
    (entry,), columns, rows = seen(flood(kind), protocol=protocol)
    sent = sent_by(columns, rows)
    assert len(columns["packets"]) == len(rows)
    assert sent["packets"].sum() == entry["packets"] == entry["sampled_packets"] == entry["received_packets"] > 0
    assert sent["octets"].sum() == entry["octets"]
    assert entry["kind"] == kind
    assert sum(entry["pps_by_window"]) * 10 == pytest.approx(entry["packets"])
    assert max(entry["pps_by_window"]) == entry["peak_pps"]


@pytest.mark.parametrize("kind", ATTACK_KINDS)
@pytest.mark.parametrize("access", ["map_e", "ipoe"])
def test_kinds_take_the_way_that_the_line_has(kind, access):
    """On a line without IPv4 of its own, targets, sizes and counts hold as well; ICMP becomes ICMPv6."""
    (entry,), columns, rows = seen(flood(kind, access), protocol="ipfix")
    sent = sent_by(columns, rows)
    assert sent["packets"].sum() == entry["packets"] > 0
    expected = 6 if access == "ipoe" or kind == "reflection" else 4
    assert set(sent["ip_version"].tolist()) == {expected}
    if kind == "icmp_flood":
        assert set(sent["protocol"].tolist()) == {58 if access == "ipoe" else 1}


@pytest.mark.parametrize("kind", ATTACK_KINDS)
def test_packets_go_where_the_truth_says(kind):
    """Every packet goes to one of the targets, from the line's address unless the source is forged."""
    (entry,), columns, rows = seen(flood(kind))
    sent = sent_by(columns, rows)
    part = AttackPart.model_validate(flood(kind))
    inside = np.zeros(len(sent["dst_lo"]), np.bool_)
    for network in part.target:
        _, lo, length = prefix_words(network)
        inside |= sent["dst_lo"] >> (128 - length) == lo >> (128 - length)
    assert inside.all()
    sources = set(sent["src_lo"].tolist())
    assert len(sources) > 100 if kind == "spoofed_source" else len(sources) == 1
    assert entry["subject"] == ("interface" if kind == "spoofed_source" else "line")


def test_rate_is_that_of_the_scenario():
    """Whatever belongs together, the line sends about the stated packets a second (connections: after the first)."""
    for kind in ATTACK_KINDS:
        (entry,), _, _ = seen(flood(kind, start_s=0.0, duration_s=20.0, pps=200.0))
        assert entry["packets"] == pytest.approx(4000, rel=0.16), kind


def test_icmp_carries_type_and_code():
    """Echo requests are type 8, replies type 0, in the field of each protocol, and no port stays behind."""
    for protocol in ("v5", "v9", "ipfix"):
        _, columns, rows = seen(flood("icmp_flood", accepted=0.5), protocol=protocol)
        out = rows[:, fc.OUTBOUND] == 1
        assert set(columns["icmp_type_code"][out].tolist()) == {8 << 8}
        assert set(columns["icmp_type_code"][~out].tolist()) == {0}
        assert not columns["dst_port"].any()


def test_fragments_are_told_from_first_fragments():
    """Later fragments have no ports and are marked in v9 and IPFIX; v5 has no field for it."""
    for protocol in ("v9", "ipfix", "v5"):
        _, columns, _ = seen(flood("fragment_flood"), protocol=protocol)
        assert columns["fragment"].all() == (protocol != "v5")
        assert not columns["src_port"].any()
        assert not columns["dst_port"].any()


def test_tcp_flood_has_many_flags_and_flows():
    """Nearly each packet of a TCP flood is a flow of its own, with flags that no connection begins with."""
    _, columns, rows = seen(flood("tcp_flood"))
    sent = sent_by(columns, rows)
    assert len(sent["packets"]) > 0.99 * sent["packets"].sum()
    assert {16, 24, 17, 20, 41} <= set(sent["tcp_flags"].tolist())
    assert 2 not in sent["tcp_flags"]
    answers = rows[:, fc.OUTBOUND] == 0
    assert answers.sum() == pytest.approx(0.2 * len(sent["packets"]), rel=0.25)
    assert set(columns["tcp_flags"][answers].tolist()) == {20}


@pytest.mark.parametrize("service", AMPLIFIERS)
def test_reflection_answers_more_than_was_asked(service):
    """Requests come to the service's port; the datagrams of an answer go back to the same victim and port."""
    amplifier = AMPLIFIERS[service]
    (entry,), columns, rows = seen(flood("reflection", service=service, pps=400.0))
    out = rows[:, fc.OUTBOUND] == 1
    assert set(columns["dst_port"][~out].tolist()) == {amplifier.port}
    whole = out & (columns["fragment"] == 0)
    assert set(columns["src_port"][whole].tolist()) == {amplifier.port}
    asked = set(zip(columns["src_lo"][~out].tolist(), columns["src_port"][~out].tolist(), strict=True))
    assert set(zip(columns["dst_lo"][whole].tolist(), columns["dst_port"][whole].tolist(), strict=True)) <= asked
    assert columns["octets"][out].sum() > 4 * columns["octets"][~out].sum()
    assert len(set(columns["dst_lo"][out].tolist())) == 3
    assert columns["fragment"][out].any() == bool(amplifier.later_fragments)
    assert entry["service"] == service


def test_connections_are_complete_refused_or_silent():
    """Of brute force most connections are complete both ways, some refused, the rest are SYNs alone."""
    _, columns, rows = seen(flood("brute_force", duration_s=10.0), active_timeout_s=600, inactive_timeout_s=60)
    out = rows[:, fc.OUTBOUND] == 1
    flags = columns["tcp_flags"]
    complete, lone = out & (flags == 2 | 8 | 16 | 1), out & (flags == 2)
    refusals, greetings = ~out & (flags == 20), ~out & (flags & 18 == 18)
    assert complete.sum() == greetings.sum() == pytest.approx(0.85 * out.sum(), rel=0.15)
    assert set(columns["packets"][complete].tolist()) == {14}
    assert 0 < refusals.sum() < lone.sum()


def test_blocked_spam_is_attempts_alone():
    """Where port 25 is blocked, each connection is three SYNs to a mail server, and nothing comes back."""
    _, columns, rows = seen(flood("spam", accepted=0.0, refused=0.0), inactive_timeout_s=60)
    assert set(rows[:, fc.OUTBOUND].tolist()) == {1}
    assert set(columns["tcp_flags"].tolist()) == {2}
    assert set(columns["dst_port"].tolist()) == {25}
    assert len(np.unique(columns["dst_lo"])) > 200


def test_c2_contact_is_one_small_connection_a_minute():
    """The usual pace is a connection a minute, to one address."""
    usual = {"kind": "c2_contact", "access": "pppoe", "duration_s": 300.0}
    chosen = scenario(lines=LINES | {"activity": 0.0}, attack=[usual], duration_s=310)
    simulation = Simulation(chosen, seed=1)
    columns, rows = decoded(chosen, simulation.datagrams())
    sent = sent_by(columns, rows)
    starts = np.sort(sent["flow_start"])
    assert len(starts) == 5
    assert np.diff(starts) == pytest.approx(60_000, abs=1100)
    assert len(set(sent["dst_lo"].tolist())) == 1


def test_controllers_stand_among_the_indicators(tmp_path):
    """A scenario with contacts to a controller writes its address once; another one writes no such file."""
    contact = flood("c2_contact")
    simulate(scenario(attack=[contact, contact]), tmp_path / "with")
    assert (tmp_path / "with" / "indicators.csv").read_text().splitlines() == [
        "address,port,protocol,name",
        "203.0.113.200,48101,tcp,c2_contact",
    ]
    simulate(scenario(attack=[flood("scan")]), tmp_path / "without")
    assert not (tmp_path / "without" / "indicators.csv").exists()


def test_what_has_no_ports_cannot_be_told_behind_a_shared_address():
    """The truth says ``needs_port`` for ICMP, GRE and fragments of a MAP-E line over IPv4, and for nothing else."""
    named = {
        (kind, access)
        for kind in ATTACK_KINDS
        for access in ACCESS
        if AttackPart.model_validate(flood(kind, access)).unattributed == "needs_port"
    }
    assert named == {(kind, "map_e") for kind in ("icmp_flood", "gre_flood", "fragment_flood")}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": "nonsense"}, "kind must be one of udp_flood"),
        ({"kind": "reflection", "service": "nosuch"}, "service must be one of dns"),
        ({"kind": "reflection", "access": "map_e", "target": "203.0.113.1/32"}, "shared address"),
        ({"kind": "http_flood", "ports": []}, "connections need"),
        ({"target": ["203.0.113.1/32", "2001:db8::1/128"]}, "one IP version"),
        ({"kind": "scan", "refused": 0.6, "accepted": 0.6}, "together at most 1"),
    ],
)
def test_what_cannot_be_is_refused(changes, problem):
    """Attacks that contradict themselves are errors that say why."""
    with pytest.raises(ValueError, match=problem):
        AttackPart.model_validate(flood("udp_flood") | changes)
