"""Proof of a restart."""

from __future__ import annotations

import pytest

from sekisho.checkup.jobs import Attempt, Job, Seen, Status
from sekisho.checkup.probes.natpmp import NatPmpAnswer
from sekisho.checkup.probes.pcp import PcpAnswer
from sekisho.checkup.probes.snmp import SnmpEngine
from sekisho.checkup.probes.snmp_read import SnmpSystem
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.ssdp import SsdpAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.wsd import WsdAnswer
from sekisho.checkup.restart import SILENT_BEATS, Beat, Strength, came_back, counters, heartbeat_job, prove

ELAPSED_S = 60.0


@pytest.mark.parametrize(
    ("name", "before", "after", "strength"),
    [
        ("wsd_instance_id", 5, 6, Strength.STRONG),
        ("wsd_instance_id", 5, 5, Strength.NONE),
        ("snmp_engine_boots", 5, 6, Strength.MEDIUM),
        ("ssdp_boot_id", 5, 6, Strength.MEDIUM),
        ("ssdp_boot_id", 6, 5, Strength.NONE),
        ("snmp_up_time_s", 5000, 20, Strength.STRONG),
        ("snmp_up_time_s", 5000, 5060, Strength.NONE),
        ("pcp_epoch_s", 5000, 20, Strength.MEDIUM),
        ("igd_uptime_s", 5000, 20, Strength.WEAK),
        ("igd_uptime_s", 5000, 5060, Strength.NONE),
        ("natpmp_epoch_s", 5000, 20, Strength.MEDIUM),
        ("natpmp_epoch_s", 5000, 5060, Strength.NONE),
        ("natpmp_epoch_s", 5000, 5000, Strength.NONE),
        ("snmp_engine_time_s", 5000, 4999, Strength.MEDIUM),
        ("snmp_engine_time_s", 10, 40, Strength.NONE),
    ],
)
def test_a_counter_shows_a_restart_in_its_direction_only(
    name: str, before: int, after: int, strength: Strength
) -> None:
    """One below, equal, one above."""
    assert prove({name: before}, {name: after}, ELAPSED_S, []).strength is strength


def beats(pattern: str) -> list[Beat]:
    return [Beat(2000 * i, mark == "x") for i, mark in enumerate(pattern)]


@pytest.mark.parametrize(
    ("pattern", "restarted"),
    [
        ("xx...x", True),
        ("xx..x", False),
        ("x.x.x.x.x", False),
        ("...x", False),
        ("xx...", False),
        ("", False),
        ("xxxx", False),
        ("x..x...x", True),
    ],
)
def test_a_device_was_away_when_it_answered_then_did_not_then_did(pattern: str, restarted: bool) -> None:
    """Fewer than three silent looks are a lost packet; a device that never answered proves nothing."""
    assert SILENT_BEATS == 3
    assert came_back(beats(pattern)) is restarted


def test_the_strongest_signal_decides_and_all_are_kept() -> None:
    """The report names each."""
    proof = prove({"ssdp_boot_id": 1}, {"ssdp_boot_id": 2}, ELAPSED_S, beats("x...x"))
    assert proof.strength is Strength.STRONG
    assert [s.signal for s in proof.signals] == ["services_vanished_and_returned", "ssdp_boot_id"]
    assert proof.signals[0].after == "6 s"


def test_a_counter_that_is_missing_on_one_side_proves_nothing() -> None:
    """A service that came up late is no evidence."""
    assert prove({}, {"wsd_instance_id": 9}, ELAPSED_S, []).strength is Strength.NONE


def test_counters_are_read_from_the_answers(device: object) -> None:
    """Answers without a counter (-1) give none."""
    from sekisho.checkup.device import Device

    assert isinstance(device, Device)
    seen = Seen()
    answers = [
        WsdAnswer("e", "", (), (), instance_id=4),
        SsdpAnswer("", "", "", "", boot_id=-1),
        SnmpEngine("aa", 2, 30),
        NatPmpAnswer(77, ""),
        PcpAnswer(78),
        SnmpSystem("", 79),
        SoapAnswer("GetStatusInfo", 200, {"NewUptime": "80"}),
        SoapAnswer("GetStatusInfo", 200, {"NewUptime": "-1"}),
    ]
    for port, answer in enumerate(answers):
        seen.add(Attempt(Job("x", "127.0.0.20", port), Status.ANSWERED, 0, answer))
    assert counters(device, seen) == {
        "wsd_instance_id": 4,
        "snmp_engine_boots": 2,
        "snmp_engine_time_s": 30,
        "natpmp_epoch_s": 77,
        "pcp_epoch_s": 78,
        "snmp_up_time_s": 79,
        "igd_uptime_s": 80,
    }


def test_the_heartbeat_is_a_service_that_answered(device: object) -> None:
    """Silence of a port that never answered means nothing."""
    from sekisho.checkup.device import Device

    assert isinstance(device, Device)
    seen = Seen()
    seen.add(Attempt(Job("tcp", "127.0.0.20", 22), Status.CLOSED, 0))
    assert heartbeat_job(device, seen) is None
    seen.add(Attempt(Job("tcp", "127.0.0.20", 80), Status.ANSWERED, 0, Open()))
    assert heartbeat_job(device, seen) == Job("tcp", "127.0.0.20", 80)
