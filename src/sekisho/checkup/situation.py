"""What a check may look at besides the device's answers: network, clock, the owner's answers, data sets, baseline."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sekisho.checkup.data.models import from_reply
from sekisho.checkup.data.mud import typed
from sekisho.checkup.overheard import Overheard
from sekisho.core.errors import ConfigError, InputError
from sekisho.measures.order import DeviceKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sekisho.checkup.credentials.pairs import PairResult
    from sekisho.checkup.data.knowledge import Knowledge
    from sekisho.checkup.data.models import ModelRecord
    from sekisho.checkup.data.mud import Flow, MudProfile
    from sekisho.checkup.device import Device
    from sekisho.checkup.network import LocalNetwork
    from sekisho.checkup.restart import Proof
    from sekisho.checkup.snapshot import Snapshot
    from sekisho.measures.report import Fact

_DEVICE_KEYS: Mapping[str, type] = {
    "maker": str,
    "model": str,
    "hardware": str,
    "firmware": str,
    "password_changed": bool,
    "password_shared": bool,
    "password_score": int,
    "in_use": bool,
    "users": list,
    "auto_update": bool,
    "communications": list,
    "expected_change": bool,
    "restarted": bool,
    "reply": dict,
}
_REPLY_KEYS: Mapping[str, type] = {
    "date": str,
    "source": str,
    "latest_firmware": str,
    "support_until": str,
    "contact": str,
    "settings": bool,
}
_NETWORK_KEYS: Mapping[str, type] = {"resolvers": list, "upnp_needed": bool}


@dataclass(frozen=True, slots=True)
class OwnerAnswers:
    """What the owner stated, by device id or address; a statement is a source like any other and is named as such."""

    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)

    def about(self, device: Device) -> Mapping[str, Any]:
        """Statements on one device."""
        for name in (device.id, *device.addresses):
            if name in self.devices:
                return self.devices[name]
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The surroundings of one run.

    Attributes:
        resolvers: the DNS servers that this network hands out.
        devices: every device of the run.
        kinds: what each device is, by its id.
        identities: maker, model, hardware, firmware of each device, by its id.
        baseline: the last accepted snapshot of this network.
        pairs: results of the opt-in check of documented default pairs, by device id.
        restarts: proofs of the restart assistant, by device id.
        first_seen: when a check-up first saw each device, by its id.
        profiles: what a maker states, by device id or address.
        flows: what the owner's log shows, by address.
        heard: what the link said by itself.
        login_at, community_at: addresses that the owner gave a login or an SNMP community for; never the secret.
    """

    network: LocalNetwork
    now_ms: int
    resolvers: tuple[str, ...] = ()
    answers: OwnerAnswers = field(default_factory=OwnerAnswers)
    knowledge: Knowledge
    devices: tuple[Device, ...] = ()
    kinds: Mapping[str, DeviceKind] = field(default_factory=dict)
    identities: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict)
    baseline: Snapshot | None = None
    pairs: Mapping[str, PairResult] = field(default_factory=dict)
    restarts: Mapping[str, Proof] = field(default_factory=dict)
    first_seen: Mapping[str, int] = field(default_factory=dict)
    profiles: Mapping[str, MudProfile] = field(default_factory=dict)
    flows: Mapping[str, tuple[Flow, ...]] = field(default_factory=dict)
    heard: Overheard = field(default_factory=Overheard)
    login_at: frozenset[str] = frozenset()
    community_at: frozenset[str] = frozenset()

    def is_gateway(self, device: Device) -> bool:
        """Whether the device is the network's default gateway."""
        return str(self.network.gateway) in device.addresses

    def kind(self, device: Device) -> DeviceKind:
        """What the device is, as far as it could be identified."""
        return self.kinds.get(device.id, DeviceKind.OTHER)

    def device_at(self, address: str) -> Device | None:
        """The device that holds an address."""
        return next((device for device in self.devices if address in device.addresses), None)

    def record_of(self, device: Device) -> ModelRecord | None:
        """What is known of the device's model: the table's row, and over it what the maker replied to its owner."""
        parts = self.identities.get(device.id, {})
        if "maker" not in parts or "model" not in parts:
            return None
        maker, model = parts["maker"].value, parts["model"].value
        row = self.knowledge.models.of(maker, model)
        reply = self.answers.about(device).get("reply")
        return row if reply is None else from_reply(maker, model, reply, row)

    def profile_of(self, device: Device) -> MudProfile | None:
        """The maker's profile that was given for the device."""
        names = (device.id, *device.addresses)
        return next((self.profiles[name] for name in names if name in self.profiles), None)

    def name_of(self, device: Device) -> str:
        """How texts call a device: maker and model where known, else its own name; always with an address."""
        parts = self.identities.get(device.id, {})
        words = [parts[part].value for part in ("maker", "model") if part in parts]
        own = device.fact("upnp", "friendlyName") or device.fact("dns_sd", "host").removesuffix(".local.")
        name = " ".join(words) or own
        return f"{name} ({device.addresses[0]})" if name else device.addresses[0]


def read_answers(path: Path) -> OwnerAnswers:
    """The owner's answers from TOML: ``[network]`` and ``[device."ID"]`` tables.

    Raises:
        InputError: the file cannot be read as TOML.
        ConfigError: a key that means nothing, or a value of another type.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, f"answers in TOML expected: {error}") from error
    _check(path, "network", tables.get("network", {}), _NETWORK_KEYS)
    for name, table in tables.get("device", {}).items():
        _check(path, f"device.{name}", table, _DEVICE_KEYS)
        _check_communications(path, f"device.{name}", table.get("communications", []))
        if "reply" in table:
            _check_reply(path, f"device.{name}.reply", table["reply"])
    return OwnerAnswers(tables.get("device", {}), tables.get("network", {}))


def _check_communications(path: Path, where: str, entries: list[str]) -> None:
    try:
        typed(entries)
    except ValueError as error:
        expected = "destination and tcp/PORT or udp/PORT"
        raise ConfigError(path, f"{where}.communications", expected=expected, found=entries) from error


def _check_reply(path: Path, where: str, reply: Mapping[str, Any]) -> None:
    _check(path, where, reply, _REPLY_KEYS)
    try:
        from_reply("", "", reply, None)
    except (KeyError, ValueError) as error:
        expected = "date and source, each day as 2028-03-31 (an end also as 2028-03)"
        raise ConfigError(path, where, expected=expected, found=dict(reply)) from error


def _check(path: Path, where: str, table: Mapping[str, Any], keys: Mapping[str, type]) -> None:
    for key, value in table.items():
        if key not in keys:
            raise ConfigError(path, f"{where}.{key}", expected=f"one of {', '.join(keys)}", found=key)
        if not isinstance(value, keys[key]):
            raise ConfigError(path, f"{where}.{key}", expected=keys[key].__name__, found=value)
