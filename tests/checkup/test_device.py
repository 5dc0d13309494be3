"""Merging sightings into devices."""

from __future__ import annotations

import itertools

import pytest

from sekisho.checkup.device import Device, RawFact, Sighting, Trait, TraitKind, mac_trait, merge

BURNT = "00:00:5e:00:53:01"
OTHER = "00:00:5e:00:53:02"
RANDOM = "02:00:00:00:00:01"
KEY = Trait(TraitKind.SSH_KEY, "k")
UDN = Trait(TraitKind.UDN, "uuid:1")


def sighting(address: str, *traits: Trait) -> Sighting:
    return Sighting(address, frozenset(traits))


def addresses(devices: list[Device]) -> list[tuple[str, ...]]:
    return [device.addresses for device in devices]


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ((), (), False),
        ((mac_trait(BURNT),), (mac_trait(BURNT),), True),
        ((mac_trait(BURNT),), (mac_trait(OTHER),), False),
        ((mac_trait(BURNT), UDN), (mac_trait(OTHER), UDN), True),
        ((mac_trait(BURNT), KEY), (mac_trait(OTHER), KEY), False),
        ((mac_trait(RANDOM), KEY), (mac_trait(OTHER), KEY), True),
        ((KEY,), (KEY,), True),
        ((mac_trait(RANDOM),), (mac_trait(RANDOM),), True),
    ],
)
def test_two_addresses_are_one_device_or_two(first: tuple[Trait, ...], second: tuple[Trait, ...], one: bool) -> None:
    """UDN joins whatever the MACs say; a shared key does not join two burnt-in MACs, since models share keys."""
    devices = merge([sighting("192.0.2.1", *first), sighting("192.0.2.2", *second)])
    assert len(devices) == (1 if one else 2)


def test_a_chain_of_shared_traits_is_one_device_in_any_order() -> None:
    """IPv4 by MAC, IPv6 by the same MAC, another address by UDN."""
    rows = [
        sighting("192.0.2.1", mac_trait(BURNT)),
        sighting("fe80::1", mac_trait(BURNT)),
        sighting("192.0.2.1", UDN),
        sighting("192.0.2.9", UDN),
    ]
    for order in itertools.permutations(rows):
        assert addresses(merge(order)) == [("192.0.2.1", "192.0.2.9", "fe80::1")]


def test_the_id_follows_the_strongest_trait_and_not_the_address() -> None:
    """A device with a UDN keeps its id when address and MAC change."""
    before = merge([sighting("192.0.2.1", mac_trait(RANDOM), UDN)])[0]
    after = merge([sighting("192.0.2.77", mac_trait("02:00:00:00:00:99"), UDN)])[0]
    assert before.id == after.id
    assert before.id != merge([sighting("192.0.2.1", mac_trait(RANDOM))])[0].id


def test_random_macs_are_told_by_their_bit() -> None:
    """The "locally administered" bit."""
    assert mac_trait(RANDOM).kind is TraitKind.RANDOM_MAC
    assert mac_trait(BURNT).kind is TraitKind.MAC


def test_targets_are_ipv4_or_else_one_ipv6_address() -> None:
    """Each IPv4 address may offer other services; at most four are asked."""
    assert Device(id="d", addresses=("192.0.2.1", "fe80::1")).targets == ("192.0.2.1",)
    assert Device(id="d", addresses=("fe80::1", "fe80::2")).targets == ("fe80::1",)
    assert len(Device(id="d", addresses=tuple(f"192.0.2.{n}" for n in range(1, 9))).targets) == 4


def test_facts_of_all_sightings_are_kept_once() -> None:
    """The matchers see everything that was said at any address."""
    fact = RawFact("ssdp", "server", "x")
    device = merge([Sighting("192.0.2.1", facts=(fact,)), Sighting("192.0.2.1", facts=(fact,))])[0]
    assert device.facts == (fact,)
    assert device.fact("ssdp", "server") == "x"
    assert device.fact("ssdp", "nothing") == ""
