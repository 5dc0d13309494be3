"""Drift by meaning."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.checkup.drift import Change, Drift, compare, compare_network
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
}


def state(**changes: Any) -> DeviceState:
    return DeviceState(**BASE | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"name": "renamed", "lasting": False}, []),
        ({"services": {"80": "", "22": "aa", "23": ""}}, [Change(Drift.WEAKER, "port 23", "closed", "open")]),
        ({"services": {"80": ""}}, [Change(Drift.LOST, "port 22", "open", "closed")]),
        ({"services": {"80": "", "22": "bb"}}, [Change(Drift.CHANGED, "greeting of port 22", "aa", "bb")]),
        ({"services": {"80": "x", "22": "aa"}}, []),
        ({"keys": {"22": "k2"}}, [Change(Drift.CHANGED, "key 22", "k1", "k2")]),
        ({"openings": ()}, []),
        (
            {"openings": (*BASE["openings"], "TCP 23 → 192.0.2.9:23")},
            [Change(Drift.WEAKER, "port opening", "", "TCP 23 → 192.0.2.9:23")],
        ),
        ({"ipv6_firewall": "0"}, [Change(Drift.WEAKER, "IPv6 firewall", "on", "off")]),
        ({"ipv6_firewall": ""}, []),
        ({"upnp_router": True}, [Change(Drift.WEAKER, "UPnP", "off", "on")]),
        ({"users": ("admin", "support")}, [Change(Drift.CHANGED, "user", "", "support")]),
        ({"users": ()}, []),
    ],
)
def test_changes_of_a_device(changes: dict[str, Any], expected: list[Change]) -> None:
    """Weaker, lost, changed; what is noise gives nothing."""
    assert list(compare(state(), state(**changes))) == expected


def test_a_new_device_is_one_change() -> None:
    """Not one per port."""
    assert list(compare(None, state())) == [Change(Drift.NEW_DEVICE, "device", "", "camera")]


def snapshot(*, resolvers: tuple[str, ...] = ("192.0.2.1",), **devices: DeviceState) -> Snapshot:
    return Snapshot(at_ms=0, gateway_mac="m", prefix="192.0.2.0/24", resolvers=resolvers, devices=devices)


def test_other_name_servers_are_weaker_and_their_order_is_noise() -> None:
    """A changed DNS is how many intruders stay."""
    before = snapshot(resolvers=("192.0.2.1", "192.0.2.2"))
    assert list(compare_network(before, ("192.0.2.2", "192.0.2.1"), [])) == []
    assert list(compare_network(before, (), [])) == []
    (change,) = compare_network(before, ("203.0.113.5",), [])
    assert (change.drift, change.what) == (Drift.WEAKER, "DNS")


def test_a_device_that_is_gone_is_lost_unless_it_only_had_a_random_mac() -> None:
    """A guest's phone comes and goes."""
    before = snapshot(a=state(), b=state(lasting=False), c=state())
    assert [c.before for c in compare_network(before, (), ["c"])] == ["camera"]
