"""Matchers: every row with its example, and which source wins."""

from __future__ import annotations

import pytest

from sekisho.checkup.device import Device, RawFact
from sekisho.checkup.identify.match import Matcher, identify, maker_name, matchers
from sekisho.measures.order import DeviceKind


@pytest.mark.parametrize("matcher", matchers(), ids=lambda m: f"{m.source}.{m.field}.{m.example[:20]}")
def test_every_matcher_matches_its_example(matcher: Matcher) -> None:
    """Each row sets something: a part of the identity, or the kind."""
    parts = matcher.parts(matcher.example)
    assert parts is not None
    assert parts or matcher.kind
    assert 0 < matcher.confidence < 1


def test_the_label_wins_over_what_a_device_says() -> None:
    """The owner reads the unit; a device may lie."""
    identity = identify(
        Device(id="d", addresses=("192.0.2.1",), facts=(RawFact("upnp", "manufacturer", "Other"),)),
        {"maker": "buffalo inc.", "model": "WSR-1800AX4"},
        (),
        gateway=False,
    )
    assert (identity.parts["maker"].value, identity.parts["maker"].source) == ("BUFFALO", "label")
    assert identity.model_known


def test_a_stronger_source_wins_whatever_the_order() -> None:
    """ONVIF's own words before a web server's certificate."""
    weak, strong = (
        RawFact("http", "subject", "CN=x,O=Weak Corp"),
        RawFact("onvif", "Manufacturer", "Axis Communications AB"),
    )
    for facts in ((weak, strong), (strong, weak)):
        identity = identify(Device(id="d", addresses=("192.0.2.1",), facts=facts), {}, (), gateway=False)
        assert identity.parts["maker"].value == "Axis"


def test_the_vendor_of_a_mac_is_not_enough_for_a_model() -> None:
    """It made the network part; no verdict on vulnerabilities rests on it."""
    device = Device(id="d", addresses=("192.0.2.1",), facts=(RawFact("wsd", "scope_hardware", "X-1000"),))
    identity = identify(device, {}, ("Realtek Semiconductor Corp.",), gateway=False)
    assert identity.parts["maker"].value == "Realtek"
    assert not identity.model_known


def test_the_gateway_is_a_router_unless_it_says_so_better() -> None:
    """And a device that describes video is a camera."""
    device = Device(id="d", addresses=("192.0.2.1",), facts=(RawFact("dns_sd", "service", "_smb._tcp.local."),))
    assert identify(device, {}, (), gateway=True).kind is DeviceKind.ROUTER
    assert identify(device, {}, (), gateway=False).kind is DeviceKind.NAS
    assert identify(Device(id="d", addresses=("192.0.2.1",)), {}, (), gateway=False).kind is DeviceKind.OTHER


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BUFFALO INC.", "BUFFALO"),
        ("NEC Platforms, Ltd.", "NEC Platforms"),
        ("I-O DATA DEVICE, INC.", "I-O DATA"),
        ("Synology Inc.", "Synology"),
        ("ELECOM CO., LTD.", "ELECOM"),
        ("Nobody Knows Ltd", "Nobody Knows Ltd"),
    ],
)
def test_makers_have_one_name(text: str, name: str) -> None:
    """Data sets and devices spell them in many ways."""
    assert maker_name(text) == name
