"""The vendor of a MAC, and the MACs that have none."""

from __future__ import annotations

import asyncio

import pytest

from sekisho.checkup.device import Device, mac_trait
from sekisho.checkup.identify.vendors import vendors_of


def vendors(*macs: str) -> dict[str, str]:
    device = Device(id="d", addresses=("192.0.2.9",), traits=frozenset(map(mac_trait, macs)))
    return asyncio.run(vendors_of([device]))


@pytest.mark.parametrize(
    "mac",
    [
        pytest.param("00:00:5e:00:53:20", id="documentation"),
        pytest.param("00:00:5e:00:01:01", id="vrrp"),
        pytest.param("02:00:5e:10:00:01", id="locally-administered"),
        pytest.param("a6:1b:2c:00:00:01", id="random"),
    ],
)
def test_a_mac_that_names_no_maker_has_no_vendor(mac: str) -> None:
    """Reserved for documentation and protocols (RFC 9542), or made up by the device."""
    assert vendors(mac) == {}


def test_a_burnt_in_mac_names_its_vendor() -> None:
    """As the IEEE registered it."""
    assert "BUFFALO" in vendors("00:0d:0b:00:00:01")["00:0d:0b:00:00:01"].upper()
