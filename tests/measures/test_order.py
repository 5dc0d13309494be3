"""Kind of detection -> order of the measures."""

from __future__ import annotations

import pytest

from sekisho.measures.model import MeasureId
from sekisho.measures.order import (
    AMPLIFIERS,
    POINTS_AT,
    SUBSCRIBER_ORDER,
    DeviceKind,
    likely_devices,
    order_of_measures,
)

KINDS = [
    "udp_flood",
    "tcp_syn_flood",
    "tcp_flood",
    "icmp_flood",
    "gre_flood",
    "fragment_flood",
    "http_flood",
    "dns_flood",
    "reflection",
    "scan",
    "brute_force",
    "spam",
    "c2_contact",
    "volume_anomaly",
]


@pytest.mark.parametrize("kind", [*KINDS, "x_own"])
def test_every_measure_is_named_once_whatever_the_kind(kind: str) -> None:
    """The order changes, nothing is left out."""
    order = order_of_measures(kind, ports=[23])
    assert sorted(order) == sorted(MeasureId)
    assert order[-1] is MeasureId.MAKER


def test_every_kind_that_makes_a_case_has_a_row() -> None:
    """`spoofed_source` never makes a case; every other kind says where to start."""
    assert set(POINTS_AT) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "ports", "first"),
    [
        ("scan", [23], ["reboot", "credentials", "connections"]),
        ("scan", [2323, 80], ["reboot", "credentials", "connections"]),
        ("scan", [37215], ["reboot", "vulnerabilities", "connections"]),
        ("scan", [5555], ["reboot", "vulnerabilities", "connections"]),
        ("scan", [443], ["reboot", "credentials", "connections"]),
        ("reflection", [], ["connections", "reboot"]),
        ("udp_flood", [], ["reboot", "credentials"]),
        ("brute_force", [22], ["credentials", "reboot"]),
    ],
)
def test_evidence_points_at_a_measure_first(kind: str, ports: list[int], first: list[str]) -> None:
    """What was seen decides where the text begins."""
    assert [str(measure) for measure in order_of_measures(kind, ports=ports)][: len(first)] == first


def test_without_evidence_the_restart_comes_first() -> None:
    """The general order is the announcement's."""
    assert order_of_measures("x_own") == SUBSCRIBER_ORDER


def test_spam_names_a_pc_or_a_mail_account_and_floods_name_devices() -> None:
    """A flood rarely comes from a PC; spam mostly does."""
    assert likely_devices("spam") == (DeviceKind.PC_OR_MAIL,)
    assert likely_devices("udp_flood")[0] is DeviceKind.CAMERA


def test_amplifiers_carry_their_port() -> None:
    """The text names a service in a way that a router's page can be searched for."""
    assert all(f"({port})" in name for port, name in AMPLIFIERS.items())
