"""Devices: sightings of addresses, merged by what a device cannot change as easily as its address or its MAC."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RANDOM_BIT = 0x02
_TARGETS = 4


class TraitKind(StrEnum):
    """What a device is recognised by, strongest first."""

    UDN = "udn"
    SERIAL = "serial"
    SSH_KEY = "ssh_key"
    TLS_KEY = "tls_key"
    MAC = "mac"
    RANDOM_MAC = "random_mac"


@dataclass(frozen=True, slots=True)
class Trait:
    """One identifier of a device."""

    kind: TraitKind
    value: str


@dataclass(frozen=True, slots=True)
class RawFact:
    """Something that a device said about itself: where it was read, what it is called there, the value."""

    source: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One address and what was seen there."""

    address: str
    traits: frozenset[Trait] = frozenset()
    facts: tuple[RawFact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device with every address that it was seen at.

    Attributes:
        id: stays the same from run to run while its strongest trait does.
    """

    id: str
    addresses: tuple[str, ...]
    traits: frozenset[Trait] = frozenset()
    facts: tuple[RawFact, ...] = field(default=(), repr=False)

    @property
    def targets(self) -> tuple[str, ...]:
        """Addresses that are checked: the IPv4 ones, or else the first IPv6 one."""
        v4 = tuple(a for a in self.addresses if ip_address(a).version == 4)
        return v4[:_TARGETS] or self.addresses[:1]

    def fact(self, source: str, name: str) -> str:
        """First value of one fact, "" without one."""
        return next((f.value for f in self.facts if (f.source, f.name) == (source, name)), "")


def mac_trait(mac: str) -> Trait:
    """A MAC; one with the "locally administered" bit is made up by the device and changes."""
    random = int(mac[:2], 16) & _RANDOM_BIT
    return Trait(TraitKind.RANDOM_MAC if random else TraitKind.MAC, mac)


def merge(sightings: Iterable[Sighting]) -> list[Device]:
    """One device per group of sightings that share an address, a MAC, or a trait that belongs to one device.

    A UDN or serial joins whatever the MACs say. SSH and TLS keys join only where no two different burnt-in MACs stand
    against it: cheap cameras of one model come with one key, and two cameras must not become one.
    """
    groups: list[_Group] = []
    for sighting in sightings:
        joined = _Group({sighting.address}, set(sighting.traits), list(sighting.facts))
        apart = []
        for group in groups:
            if group.same_as(joined):
                joined = joined.with_(group)
            else:
                apart.append(group)
        groups = [*apart, joined]
    return sorted((group.device() for group in groups), key=lambda d: _order(d.addresses[0]))


@dataclass(slots=True)
class _Group:
    addresses: set[str]
    traits: set[Trait]
    facts: list[RawFact]

    def same_as(self, other: _Group) -> bool:
        if self.addresses & other.addresses:
            return True
        kinds = {trait.kind for trait in self.traits & other.traits}
        if kinds & {TraitKind.UDN, TraitKind.SERIAL, TraitKind.MAC, TraitKind.RANDOM_MAC}:
            return True
        return bool(kinds) and not (self._macs() and other._macs())

    def with_(self, other: _Group) -> _Group:
        facts = list(dict.fromkeys(other.facts + self.facts))
        return _Group(self.addresses | other.addresses, self.traits | other.traits, facts)

    def device(self) -> Device:
        return Device(
            id=_id(self.traits, self.addresses),
            addresses=tuple(sorted(self.addresses, key=_order)),
            traits=frozenset(self.traits),
            facts=tuple(self.facts),
        )

    def _macs(self) -> set[Trait]:
        return {trait for trait in self.traits if trait.kind is TraitKind.MAC}


def _id(traits: set[Trait], addresses: set[str]) -> str:
    """Twelve hexadecimal digits of the strongest trait; an address where there is none at all."""
    strength = list(TraitKind)
    best = min(traits, key=lambda t: (strength.index(t.kind), t.value), default=None)
    text = f"{best.kind}:{best.value}" if best else f"address:{min(addresses)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _order(address: str) -> tuple[int, int]:
    parsed = ip_address(address)
    return parsed.version, int(parsed)
