"""The state of a network at one moment, as far as it tells an intended setting from another: the baseline's content."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sekisho.checkup.checks.igd import answers, is_router
from sekisho.checkup.checks.router_openings import opening
from sekisho.checkup.device import TraitKind
from sekisho.checkup.jobs import Status
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.owned import OwnedAnswer
from sekisho.checkup.probes.ssh import SshAnswer
from sekisho.checkup.probes.tcp import Open

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Seen
    from sekisho.checkup.situation import Situation

_NUMBERED = (("ssdp", "config_id"), ("wsd", "metadata_version"))
_LASTING = (TraitKind.UDN, TraitKind.SERIAL, TraitKind.SSH_KEY, TraitKind.TLS_KEY, TraitKind.MAC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """One device.

    Attributes:
        name: how the report called it.
        lasting: it has a trait that it will be recognised by next time (a random MAC alone is none).
        services: open TCP port -> digest of what it greets with ("" where it waits for the client).
        keys: SSH and TLS key fingerprints by port.
        openings: router mappings, as text.
        ipv6_firewall: "1", "0", or "" where it does not tell.
        firmware: as identified, "" where it is not known.
        descriptions: what the device says its own set-up is numbered: UPnP's CONFIGID, WS-Discovery's MetadataVersion.
    """

    name: str
    lasting: bool
    services: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    openings: tuple[str, ...] = ()
    ipv6_firewall: str = ""
    upnp_router: bool = False
    users: tuple[str, ...] = ()
    firmware: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One network with its devices by id."""

    at_ms: int
    gateway_mac: str
    prefix: str
    resolvers: tuple[str, ...]
    devices: Mapping[str, DeviceState]

    def to_json(self) -> dict[str, Any]:
        """Plain values, the same for the same state."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Snapshot:
        """From what ``to_json`` gave.

        Raises:
            KeyError, TypeError: the row was not written by this program.
        """
        devices = {
            name: DeviceState(**state | {"openings": tuple(state["openings"]), "users": tuple(state["users"])})
            for name, state in row["devices"].items()
        }
        return cls(**dict(row) | {"devices": devices, "resolvers": tuple(row["resolvers"])})


def take(situation: Situation, seen: Seen) -> Snapshot:
    """The state that a run saw."""
    return Snapshot(
        at_ms=situation.now_ms,
        gateway_mac=situation.network.gateway_mac,
        prefix=str(situation.network.prefix),
        resolvers=situation.resolvers,
        devices={device.id: state_of(device, seen, situation) for device in situation.devices},
    )


def state_of(device: Device, seen: Seen, situation: Situation) -> DeviceState:
    """The state of one device."""
    flags = next((a.fields for a in answers(device, seen, "GetFirewallStatus") if a.fields), {})
    mappings = [opening(a.fields) for a in answers(device, seen, "GetGenericPortMappingEntry") if a.fields]
    firmware = situation.identities.get(device.id, {}).get("firmware")
    return DeviceState(
        name=situation.name_of(device),
        lasting=any(trait.kind in _LASTING for trait in device.traits),
        services=_services(device, seen),
        keys=_keys(device, seen),
        openings=tuple(sorted(mappings)),
        ipv6_firewall=flags.get("FirewallEnabled", ""),
        upnp_router=is_router(device, seen),
        users=_users(device, seen, situation.answers.about(device)),
        firmware=firmware.value if firmware else "",
        descriptions={f.name: f.value for f in device.facts if (f.source, f.name) in _NUMBERED},
    )


def _users(device: Device, seen: Seen, stated: Mapping[str, Any]) -> tuple[str, ...]:
    told = {name for _, answer in seen.answers(device.targets, OwnedAnswer) for name, _ in answer.users}
    return tuple(sorted(told or {str(user) for user in stated.get("users", [])}))


def _services(device: Device, seen: Seen) -> dict[str, str]:
    answered = [a for a in seen.of(device.targets) if a.job.probe == "tcp" and a.status is Status.ANSWERED]
    return {str(a.job.port): _digest(a.answer.banner) for a in answered if isinstance(a.answer, Open)}


def _keys(device: Device, seen: Seen) -> dict[str, str]:
    ssh = {str(job.port): a.key_fingerprint for job, a in seen.answers(device.targets, SshAnswer)}
    tls = {str(job.port): a.tls.key_fingerprint for job, a in seen.answers(device.targets, HttpAnswer) if a.tls}
    return {port: key for port, key in (ssh | tls).items() if key}


def _digest(banner: str) -> str:
    return hashlib.sha256(banner.encode()).hexdigest()[:16] if banner else ""
