"""Which devices are there: neighbour table, echo, mDNS, SSDP and WS-Discovery, as sightings to be merged."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass, OutOfScope
from sekisho.checkup.device import RawFact, Sighting, Trait, TraitKind, mac_trait
from sekisho.checkup.jobs import NoAnswer
from sekisho.checkup.limits import SWEEP_LIMIT
from sekisho.checkup.probes import mdns, ssdp, wsd
from sekisho.checkup.spoken import Note, Step
from sekisho.core.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.checkup.gate import Gate
    from sekisho.checkup.system import System

_WAIT_S = 3.0
"""MX 2 spreads SSDP answers over two seconds; the third is for slow devices."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Sightings of one run, and what could not be done (``spoken.Note``)."""

    sightings: tuple[Sighting, ...]
    notes: tuple[str, ...]


async def discover(gate: Gate, system: System, step: Callable[[Step], None] = lambda _: None) -> Discovery:
    """Ask the link who is there.

    Raises:
        OutOfScope: discovery was not consented to, or the computer moved to another network.
    """
    step(Step.ASKING_LINK)
    asked = () if gate.scope.consent.devices else (_mdns(gate), _ssdp(gate), _wsd(gate))
    groups = await asyncio.gather(*asked)
    step(Step.GREETING)
    notes = await _greet(gate)
    sightings = [sighting for group in groups for sighting in group] + _neighbours(gate, system)
    return Discovery(tuple(s for s in sightings if _wanted(gate, s)), tuple(notes))


async def _greet(gate: Gate) -> list[str]:
    network, devices = gate.scope.network, gate.scope.consent.devices
    if network.prefix.num_addresses > SWEEP_LIMIT:
        return [f"{Note.PREFIX_TOO_LARGE} {network.prefix}"]
    hosts = [a for a in network.prefix.hosts() if a != network.address and (not devices or str(a) in devices)]
    permitted = await gate.greet(list(hosts))
    return [] if permitted else [Note.NO_ECHO]


def _neighbours(gate: Gate, system: System) -> list[Sighting]:
    network = gate.scope.network
    return [
        Sighting(str(n.address), frozenset({mac_trait(n.mac)}))
        for n in system.neighbours(network.interface)
        if network.on_link(n.address)
    ]


async def _ssdp(gate: Gate) -> list[Sighting]:
    found = []
    for address, octets in await gate.ask_group(ssdp.GROUP, ssdp.PORT, ssdp.search(), wait_s=_WAIT_S):
        with suppress(NoAnswer):
            found.append(ssdp_sighting(address, ssdp.decode(octets)))
    return found


async def _wsd(gate: Gate) -> list[Sighting]:
    found = []
    for address, octets in await gate.ask_group(wsd.GROUP, wsd.PORT, wsd.question(), wait_s=_WAIT_S):
        with suppress(NoAnswer):
            found.append(wsd_sighting(address, wsd.decode(octets)))
    return found


async def _mdns(gate: Gate) -> list[Sighting]:
    first = await _mdns_answers(gate, mdns.SERVICES)
    types = {name for _, answer in first for name in answer.service_types}
    second = await _mdns_answers(gate, *sorted(types)[:32]) if types else []
    return [mdns_sighting(address, answer) for address, answer in first + second]


async def _mdns_answers(gate: Gate, *names: str) -> list[tuple[str, mdns.MdnsAnswer]]:
    answers = []
    for address, octets in await gate.ask_group(mdns.GROUP, mdns.PORT, mdns.question(*names), wait_s=_WAIT_S):
        with suppress(NoAnswer):
            answers.append((address, mdns.decode(octets)))
    return answers


def ssdp_sighting(address: str, answer: ssdp.SsdpAnswer) -> Sighting:
    """What a search answer says; the device's UDN stands before ``::`` in the USN."""
    udn = answer.usn.partition("::")[0]
    facts = [("location", answer.location), ("server", answer.server), ("target", answer.target)]
    facts += [("usn", answer.usn)]
    facts += [("boot_id", str(answer.boot_id))] if answer.boot_id >= 0 else []
    facts += [("config_id", str(answer.config_id))] if answer.config_id >= 0 else []
    return Sighting(address, _traits(TraitKind.UDN, udn), _facts("ssdp", facts))


def wsd_sighting(address: str, answer: wsd.WsdAnswer) -> Sighting:
    """What a ProbeMatch says; its endpoint is the device's own name."""
    facts = [("types", answer.types), *((f"scope_{category}", value) for category, value in answer.scopes)]
    facts += [("x_addr", url) for url in answer.x_addrs]
    facts += [("instance_id", str(answer.instance_id))] if answer.instance_id >= 0 else []
    facts += [("metadata_version", str(answer.metadata_version))] if answer.metadata_version >= 0 else []
    return Sighting(address, _traits(TraitKind.UDN, answer.endpoint), _facts("wsd", facts))


def mdns_sighting(address: str, answer: mdns.MdnsAnswer) -> Sighting:
    """Services, hosts and TXT facts of one message."""
    facts = [("service", name) for name in answer.service_types]
    facts += [("service", name) for name, _ in answer.pointers if name != mdns.SERVICES]
    facts += [("host", host) for host in answer.hosts] + sorted(answer.facts.items())
    return Sighting(address, frozenset(), _facts("dns_sd", facts))


def _traits(kind: TraitKind, value: str) -> frozenset[Trait]:
    return frozenset({Trait(kind, value.lower())}) if value.lower().startswith(("uuid:", "urn:uuid:")) else frozenset()


def _facts(source: str, rows: list[tuple[str, str]]) -> tuple[RawFact, ...]:
    return tuple(RawFact(source, name, value) for name, value in rows if value)


def _wanted(gate: Gate, sighting: Sighting) -> bool:
    """Devices outside the consent are not even listed."""
    try:
        gate.scope.admit(parse_address(sighting.address), CheckClass.DISCOVER)
    except OutOfScope:
        return False
    return sighting.address != str(gate.scope.network.address)
