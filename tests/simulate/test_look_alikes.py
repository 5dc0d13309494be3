"""Every look-alike by name: what it is, on which line, in both languages."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from sekisho.simulate import flow_cache as fc
from sekisho.simulate.look_alikes import BORDER_RELAY, LOOK_ALIKES
from sekisho.simulate.run import simulate, truth
from sekisho.simulate.simulation import Simulation
from simulated_records import decoded
from small_scenarios import exporter, scenario

ASKED_FOR = (
    *("speed_test", "speed_test_udp", "cloud_backup", "quic_upload", "srt_live", "rtmp_live", "cloud_cameras"),
    *("bittorrent", "video_call", "game", "sip_trunk", "vpn_wireguard", "vpn_esp", "vpn_l2tp", "vpn_gre"),
    *("vpn_etherip", "tor_relay", "crawler", "peer_updates", "ntp_server", "web_server", "monitoring", "mail_server"),
    *("business_servers", "shared_building", "destination_outage", "cpe_retry_bug", "leaked_private"),
    *("tunnel_from_outside", "under_syn_attack", "under_udp_attack", "dns_client", "dns_forwarder"),
    "residential_proxy",
)


def alone(name, *, interval=20, **changes):
    """A scenario whose lines are silent but for one look-alike."""
    values = {
        "lines": {"pppoe": 3, "map_e": 3, "ipoe": 3, "fixed": 3, "activity": 0.0},
        "exporter": [exporter(sampling_interval=interval, inactive_timeout_s=15)],
        "attack": [],
        "look_alike": [{"name": name} | changes],
    }
    return scenario(**values)


def seen(name, **changes):
    chosen = alone(name, **changes)
    simulation = Simulation(chosen, seed=1)
    columns, rows = decoded(chosen, simulation.datagrams())
    return truth(simulation), columns, rows


def test_every_one_that_was_asked_for_is_there():
    """The table holds the look-alikes of the requirement, each once."""
    assert tuple(LOOK_ALIKES) == ASKED_FOR


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_its_traffic_is_on_its_lines_only(name):
    """What decodes is what was metered, all of it by the look-alike's lines, and none of it by an attack."""
    told, columns, rows = seen(name)
    (entry,) = told["look_alikes"]
    assert entry["title"] == {"ja": LOOK_ALIKES[name].ja, "en": LOOK_ALIKES[name].en}
    lines = {int(line_id[1:]) - 1 for line_id in entry["line_ids"]}
    out = rows[:, fc.OUTBOUND] == 1
    assert set(rows[out, fc.SRC_LINE].tolist()) <= lines
    assert set(rows[~out, fc.DST_LINE].tolist()) <= lines
    assert out.any()
    assert (rows[:, fc.ATTACK] == -1).all()
    assert columns["packets"].sum() == rows[:, fc.PACKETS].sum()
    assert columns["octets"].sum() == rows[:, fc.OCTETS].sum()
    assert told["attacks"] == []


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_it_has_a_name_in_both_languages_and_a_reason(name):
    """The Japanese name is Japanese, the English one is not, and the rates have a reason."""
    row = LOOK_ALIKES[name]
    assert re.search(r"[ぁ-んァ-ヶ一-龠]", row.ja) or row.ja == "BitTorrent"
    assert row.en.isascii()
    assert len(row.why) > 15
    assert row.expected in {"quiet", "watch"}
    assert row.applications or row.barrages


@pytest.mark.parametrize("name", [name for name, row in LOOK_ALIKES.items() if not row.everywhere])
def test_it_runs_on_every_line_that_can_have_it(name):
    """On each of its access kinds a look-alike sends something, over the IP version that the line has."""
    for access in LOOK_ALIKES[name].access:
        _, columns, rows = seen(name, access=access)
        out = rows[:, fc.OUTBOUND] == 1
        assert out.any(), access
        versions = set(columns["ip_version"].tolist())
        assert versions <= {"ipoe": {6}, "map_e": {4, 6}}.get(access, {4})


def test_the_speed_test_fills_the_line():
    """A test sends at the contracted speed less the headers of lower layers, in one flow or in eight together."""
    for name, flows in (("speed_test_udp", 1), ("speed_test", 8)):
        chosen = alone(name, access="pppoe", interval=100).model_copy(update={"duration_s": 40})
        simulation = Simulation(chosen, seed=1)
        rows = np.concatenate([d.rows for d in simulation.datagrams()])
        (line,) = simulation.placing.look_alikes[0].lines
        bulk = rows[(rows[:, fc.OUTBOUND] == 1) & (rows[:, fc.OCTETS] > 1000 * rows[:, fc.PACKETS])]
        seconds = (bulk[:, fc.LAST_MS].max() - bulk[:, fc.FIRST_MS].min()) / 1000
        assert len(np.unique(bulk[:, fc.PORTS])) == flows
        sent_bps = bulk[:, fc.OCTETS].sum() * 100 * 8 / seconds
        assert sent_bps == pytest.approx(0.93 * simulation.lines.up_bps[line], rel=0.1)


def test_vpns_have_the_protocol_of_their_kind():
    """ESP 50, GRE 47, EtherIP 97, L2TP on UDP 1701; each moves more than a hundred megabits a second."""
    expected = {"vpn_esp": 50, "vpn_gre": 47, "vpn_etherip": 97, "vpn_l2tp": 17, "vpn_wireguard": 17}
    for name, protocol in expected.items():
        chosen = alone(name)
        simulation = Simulation(chosen, seed=1)
        rows = np.concatenate([d.rows for d in simulation.datagrams()])
        assert set(rows[:, fc.PROTOCOL].tolist()) == {protocol}
        out = rows[rows[:, fc.OUTBOUND] == 1]
        limit = simulation.lines.up_bps[simulation.placing.look_alikes[0].lines[0]]
        assert out[:, fc.OCTETS].sum() * 20 * 8 / 20 > min(70e6, 0.7 * limit)


def test_a_tunnel_ends_at_the_border_relay():
    """Protocol 4 between the household's IPv6 address and the tunnel endpoint that the configuration names."""
    _, columns, rows = seen("tunnel_from_outside")
    assert set(columns["protocol"].tolist()) == {4}
    out = rows[:, fc.OUTBOUND] == 1
    assert len(set(zip(columns["dst_hi"][out].tolist(), columns["dst_lo"][out].tolist(), strict=True))) == 1
    assert set(columns["dst_lo"][out].tolist()) == {1}
    assert BORDER_RELAY.endswith("ffff::1")


def test_a_line_under_attack_answers_those_who_never_asked():
    """RSTs, or ICMP errors, go to the forged sources of what came in; nothing else leaves."""
    for name, protocol, word in (("under_syn_attack", 6, "tcp_flags"), ("under_udp_attack", 1, "icmp_type_code")):
        _, columns, rows = seen(name)
        out = rows[:, fc.OUTBOUND] == 1
        assert set(columns["protocol"][out].tolist()) == {protocol}
        assert set(columns[word][out].tolist()) == {20 if protocol == 6 else 3 << 8 | 3}
        assert len(np.unique(columns["dst_lo"][out])) > 0.9 * out.sum()


def test_leaked_sources_are_private():
    """Every source is of 192.168.0.0/16, and nothing answers."""
    _, columns, rows = seen("leaked_private")
    assert (rows[:, fc.OUTBOUND] == 1).all()
    assert set((columns["src_lo"] >> 16 & 0xFFFF).tolist()) == {192 << 8 | 168}


def test_a_monitoring_host_pings():
    """Echo requests leave and replies come back, of ICMP with its type in place of ports."""
    _, columns, rows = seen("monitoring")
    icmp, out = columns["protocol"] == 1, rows[:, fc.OUTBOUND] == 1
    assert set(columns["icmp_type_code"][icmp & out].tolist()) == {8 << 8}
    assert set(columns["icmp_type_code"][icmp & ~out].tolist()) == {0}


def test_faults_are_on_all_lines():
    """An outage and a firmware's fault are seen from every line that has the service."""
    for name in ("destination_outage", "cpe_retry_bug"):
        told, _, rows = seen(name, interval=1)
        assert len(told["look_alikes"][0]["line_ids"]) == 9
        # In twenty seconds not everybody has tried the service that is out.
        assert len(np.unique(rows[:, fc.SRC_LINE])) >= {"destination_outage": 6}.get(name, 9)
        assert (rows[:, fc.OUTBOUND] == 1).all()


def test_it_has_its_time():
    """A look-alike with a start and a duration sends nothing before and nothing after."""
    chosen = alone("quic_upload", start_s=5.5, duration_s=7.0)
    simulation = Simulation(chosen, seed=1)
    rows = np.concatenate([d.rows for d in simulation.datagrams()])
    first, last = rows[:, fc.FIRST_MS].min() - chosen.start_ms, rows[:, fc.LAST_MS].max() - chosen.start_ms
    assert 5500 <= first < 5600
    assert 12_300 < last <= 12_515


def test_lines_and_configuration_know_it(tmp_path):
    """The line is of the right group in the lines file, and tunnel endpoints stand in the configuration."""
    simulate(alone("shared_building"), tmp_path)
    (line_id,) = json.loads((tmp_path / "truth.json").read_text())["look_alikes"][0]["line_ids"]
    (row,) = [line for line in (tmp_path / "lines.csv").read_text().splitlines() if line.startswith(line_id)]
    assert row.split(",")[1:3] == ["fixed", "building"]
    assert BORDER_RELAY in (tmp_path / "sekisho.toml").read_text()


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"name": "nosuch"}, "name must be one of speed_test"),
        ({"name": "tunnel_from_outside", "access": "pppoe"}, "for lines of ipoe"),
        ({"name": "game", "lines": 9}, "fewer pppoe lines"),
    ],
)
def test_what_cannot_be_is_refused(part, problem):
    """A look-alike that nobody knows, on a line that cannot have it, or on more lines than there are, is an error."""
    with pytest.raises(ValueError, match=problem):
        alone(**part)
