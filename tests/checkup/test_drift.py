"""Drift by meaning."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.checkup.drift import Change, Kind, compare, compare_network
from sekisho.checkup.snapshot import DeviceState, Snapshot

BASE: dict[str, Any] = {
    "name": "camera",
    "lasting": True,
    "services": {"80": "", "22": "aa"},
    "keys": {"22": "k1"},
    "openings": ("TCP 80 → 192.0.2.9:80",),
    "ipv6_firewall": "1",
    "upnp_router": False,
    "users": ("admin",),
    "firmware": "1.0",
    "descriptions": {"config_id": "1"},
}


def state(**changes: Any) -> DeviceState:
    return DeviceState(**BASE | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"name": "renamed", "lasting": False}, []),
        ({"services": {"80": "", "22": "aa", "23": ""}}, [Change(Kind.PORT_OPENED, {"port": "23"})]),
        ({"services": {"80": ""}}, [Change(Kind.PORT_CLOSED, {"port": "22"})]),
        (
            {"services": {"80": "", "22": "bb"}},
            [Change(Kind.GREETING_CHANGED, {"port": "22", "before": "aa", "after": "bb"})],
        ),
        ({"services": {"80": "x", "22": "aa"}}, []),
        ({"keys": {"22": "k2"}}, [Change(Kind.KEY_CHANGED, {"port": "22", "before": "k1", "after": "k2"})]),
        ({"openings": ()}, []),
        (
            {"openings": (*BASE["openings"], "TCP 23 → 192.0.2.9:23")},
            [Change(Kind.OPENING_ADDED, {"opening": "TCP 23 → 192.0.2.9:23"})],
        ),
        ({"ipv6_firewall": "0"}, [Change(Kind.FIREWALL_OFF, {})]),
        ({"ipv6_firewall": ""}, []),
        ({"upnp_router": True}, [Change(Kind.UPNP_TURNED_ON, {})]),
        ({"users": ("admin", "support")}, [Change(Kind.USER_ADDED, {"user": "support"})]),
        ({"users": ()}, []),
        ({"firmware": "1.1"}, [Change(Kind.FIRMWARE_CHANGED, {"before": "1.0", "after": "1.1"})]),
        ({"firmware": ""}, []),
        (
            {"descriptions": {"config_id": "2"}},
            [Change(Kind.DESCRIPTION_CHANGED, {"place": "config_id", "before": "1", "after": "2"})],
        ),
        ({"descriptions": {"metadata_version": "7"}}, []),
    ],
)
def test_changes_of_a_device(changes: dict[str, Any], expected: list[Change]) -> None:
    """Weaker, lost, changed; what is noise gives nothing."""
    assert list(compare(state(), state(**changes))) == expected


def test_a_new_device_is_one_change() -> None:
    """Not one per port."""
    assert list(compare(None, state())) == [Change(Kind.NEW_DEVICE, {"device": "camera"})]


def snapshot(*, resolvers: tuple[str, ...] = ("192.0.2.1",), **devices: DeviceState) -> Snapshot:
    return Snapshot(at_ms=0, gateway_mac="m", prefix="192.0.2.0/24", resolvers=resolvers, devices=devices)


def test_other_name_servers_are_a_change_and_their_order_is_noise() -> None:
    """A changed DNS is how many intruders stay."""
    before = snapshot(resolvers=("192.0.2.1", "192.0.2.2"))
    assert list(compare_network(before, ("192.0.2.2", "192.0.2.1"), [])) == []
    assert list(compare_network(before, (), [])) == []
    (change,) = compare_network(before, ("203.0.113.5",), [])
    assert change == Change(Kind.RESOLVER_CHANGED, {"before": "192.0.2.1, 192.0.2.2", "after": "203.0.113.5"})


def test_a_device_that_is_gone_is_lost_unless_it_only_had_a_random_mac() -> None:
    """A guest's phone comes and goes."""
    before = snapshot(a=state(), b=state(lasting=False), c=state())
    assert list(compare_network(before, (), ["c"])) == [Change(Kind.DEVICE_GONE, {"device": "camera"})]


def test_a_snapshot_of_an_earlier_version_still_reads() -> None:
    """What it does not hold yet is unknown, and an unknown value is no change."""
    row = snapshot(a=state()).to_json()
    for name in ("firmware", "descriptions"):
        del row["devices"]["a"][name]
    assert list(compare(Snapshot.from_json(row).devices["a"], state())) == []
