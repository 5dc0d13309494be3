"""Manufacturer Usage Descriptions (RFC 8520): which connections from the device its maker says it needs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from sekisho.core.address import SPECIAL_USE
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ACLS = ("ietf-access-control-list:acls", "ietf-access-control-list:access-lists")
"""The name of the final RFC 8519 and the one of the draft that most existing files still use."""


_TYPED = re.compile(r"(?P<destination>[\w.:/-]{1,253})\s+(?P<protocol>tcp|udp)/(?P<port>\d{1,5})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Flow:
    """A connection from a device, as a router's log shows it; ``name`` is the destination's DNS name, if known."""

    destination: str
    protocol: int
    port: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One accepted entry; 0, "" and False mean "any" or "not said"."""

    protocol: int = 0
    port: int = 0
    name: str = ""
    network: str = ""
    local: bool = False

    def admits(self, flow: Flow) -> bool:
        """Whether the entry covers a flow."""
        if self.protocol and self.protocol != flow.protocol:
            return False
        if self.port and self.port != flow.port:
            return False
        return self._destination(flow)

    def _destination(self, flow: Flow) -> bool:
        if self.name:
            return flow.name.lower().rstrip(".") == self.name.lower().rstrip(".")
        if self.network:
            return ip_address(flow.destination) in ip_network(self.network, strict=False)
        address = ip_address(flow.destination)
        return not self.local or address.is_multicast or any(address in prefix for prefix in SPECIAL_USE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MudProfile:
    """A profile: its own description, and what may leave the device."""

    url: str
    system_info: str
    last_update: str
    is_supported: bool
    maker: str
    model: str
    firmware: str
    documentation: str
    allowed: tuple[Allowed, ...]


def beyond(allowed: tuple[Allowed, ...], flows: list[Flow]) -> list[Flow]:
    """Flows that no entry covers."""
    return [flow for flow in flows if not any(entry.admits(flow) for entry in allowed)]


def read(path: Path) -> MudProfile:
    """A profile from its file.

    Raises:
        InputError: not JSON, or no MUD container with its access lists.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        return decode(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(path, f"a MUD profile (RFC 8520) expected: {error!r}") from error


def decode(document: Mapping[str, Any]) -> MudProfile:
    """A profile from its JSON.

    Raises:
        KeyError: a required part is missing.
    """
    mud = document["ietf-mud:mud"]
    return MudProfile(
        url=mud["mud-url"],
        system_info=mud.get("systeminfo", ""),
        last_update=mud["last-update"],
        is_supported=mud["is-supported"],
        maker=mud.get("mfg-name", ""),
        model=mud.get("model-name", ""),
        firmware=mud.get("firmware-rev", ""),
        documentation=mud.get("documentation", ""),
        allowed=tuple(_entries(document, mud["from-device-policy"])),
    )


def typed(entries: list[str]) -> tuple[Allowed, ...]:
    """Needed connections as a person copies them from a manual: ``cloud.example tcp/443`` or ``192.0.2.0/24 udp/123``.

    Raises:
        ValueError: an entry of another form; the sentence holds it.
    """
    return tuple(_typed(entry) for entry in entries)


def _typed(entry: str) -> Allowed:
    found = _TYPED.fullmatch(entry.strip())
    if found is None:
        raise ValueError(f"a destination and tcp/PORT or udp/PORT expected, found {entry!r}")
    protocol = {"tcp": 6, "udp": 17}[found["protocol"].lower()]
    try:
        network = str(ip_network(found["destination"]))
    except ValueError:
        return Allowed(protocol=protocol, port=int(found["port"]), name=found["destination"])
    return Allowed(protocol=protocol, port=int(found["port"]), network=network)


def _entries(document: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[Allowed]:
    wanted = {row["name"] for row in policy["access-lists"]["access-list"]}
    container = next(document[name] for name in _ACLS if name in document)
    for acl in container["acl"]:
        if acl["name"] not in wanted:
            continue
        for ace in acl["aces"]["ace"]:
            if ace.get("actions", {}).get("forwarding") == "accept":
                yield _allowed(ace["matches"])


def _allowed(matches: Mapping[str, Any]) -> Allowed:
    layer3: Mapping[str, Any] = matches.get("ipv4") or matches.get("ipv6") or {}
    layer4: Mapping[str, Any] = matches.get("tcp") or matches.get("udp") or {}
    mud = matches.get("ietf-mud:mud", {})
    return Allowed(
        protocol=int(layer3.get("protocol", 6 if "tcp" in matches else 17 if "udp" in matches else 0)),
        port=int(layer4.get("destination-port", {}).get("port", 0)),
        name=layer3.get("ietf-acldns:dst-dnsname", ""),
        network=layer3.get("destination-ipv4-network", layer3.get("destination-ipv6-network", "")),
        local=bool({"local-networks", "controller", "my-controller", "same-manufacturer"} & set(mud)),
    )
