"""Consent and scope: who, which network, which devices, which classes, until when."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from sekisho.checkup.consent import CheckClass, Consent, ConsentBook, OutOfScope, Scope
from sekisho.checkup.network import LocalNetwork, NetworkIdentity

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000
ELSEWHERE = NetworkIdentity("00:00:5e:00:53:99", "127.0.0.0/24")


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "127.0.1.5", "10.0.0.1", "127.0.0.0", "127.0.0.255", "2001:db8:1::1", "255.255.255.255", "239.1.2.3"],
)
def test_addresses_off_the_link_are_refused(network: LocalNetwork, consent: Consent, address: str) -> None:
    """WAN targets, other networks, the network's own and broadcast address."""
    with pytest.raises(OutOfScope):
        Scope(network, consent).admit(ip_address(address), CheckClass.SERVICES)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.254", "2001:db8::5", "fe80::1"])
def test_addresses_on_the_link_are_admitted(network: LocalNetwork, consent: Consent, address: str) -> None:
    """Hosts of the interface's prefixes, and link-local ones."""
    Scope(network, consent).admit(ip_address(address), CheckClass.SERVICES)


def test_a_consent_for_some_devices_covers_no_other(network: LocalNetwork, consent: Consent) -> None:
    """Other tenants' devices stay out, and nobody shouts into the whole link."""
    scope = Scope(network, replace(consent, devices=frozenset({"127.0.0.20"})))
    scope.admit(ip_address("127.0.0.20"), CheckClass.SERVICES)
    with pytest.raises(OutOfScope):
        scope.admit(ip_address("127.0.0.21"), CheckClass.SERVICES)
    with pytest.raises(OutOfScope):
        scope.admit_group(CheckClass.DISCOVER)


def test_a_class_that_was_not_consented_to_is_refused(network: LocalNetwork, consent: Consent) -> None:
    """Trying a default pair is a class of its own."""
    scope = Scope(network, replace(consent, classes=frozenset({CheckClass.DISCOVER})))
    with pytest.raises(OutOfScope):
        scope.admit(ip_address("127.0.0.20"), CheckClass.DEFAULT_PAIRS)


@pytest.mark.parametrize(
    ("identity", "at_ms"),
    [
        (ELSEWHERE, NOW_MS),
        (NetworkIdentity("00:00:5e:00:53:01", "10.0.0.0/24"), NOW_MS),
        (NetworkIdentity("", "127.0.0.0/24"), NOW_MS),
        (None, NOW_MS + 86_400_000),
        (None, NOW_MS - 1),
    ],
)
def test_a_consent_holds_here_and_now_only(consent: Consent, identity: NetworkIdentity | None, at_ms: int) -> None:
    """Another gateway, another prefix, an unknown gateway, too late, too early."""
    with pytest.raises(OutOfScope):
        consent.check(identity or consent.network, at_ms)


def test_a_consent_is_found_again_until_it_expires(consent: Consent, tmp_path: Path) -> None:
    """The book is on disk; the last consent for a network counts."""
    path = tmp_path / "consents.jsonl"
    ConsentBook(path).record(replace(consent, classes=frozenset({CheckClass.DISCOVER})))
    ConsentBook(path).record(consent)
    ConsentBook(path).record(replace(consent, network=ELSEWHERE))
    assert ConsentBook(path).valid(consent.network, NOW_MS) == consent
    assert ConsentBook(path).valid(consent.network, NOW_MS + 86_400_000) is None
    assert ConsentBook(path).valid(NetworkIdentity("x", "y"), NOW_MS) is None


def test_a_torn_last_line_does_not_lose_the_book(consent: Consent, tmp_path: Path) -> None:
    """A crash while writing costs that line only."""
    path = tmp_path / "consents.jsonl"
    ConsentBook(path).record(consent)
    with path.open("a") as file:
        file.write('{"person": "hal')
    assert ConsentBook(path).valid(consent.network, NOW_MS) == consent
