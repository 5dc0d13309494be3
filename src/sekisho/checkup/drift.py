"""What changed between two snapshots, by what it means and not by how many octets differ.

New addresses and random MACs are noise and give nothing; so does a mapping that is gone, since fewer ways in is what
the measures ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.checkup.snapshot import DeviceState, Snapshot


class Kind(StrEnum):
    """Kinds of change that are reported."""

    PORT_OPENED = "port_opened"
    OPENING_ADDED = "opening_added"
    FIREWALL_OFF = "firewall_off"
    UPNP_TURNED_ON = "upnp_turned_on"
    RESOLVER_CHANGED = "resolver_changed"
    PORT_CLOSED = "port_closed"
    DEVICE_GONE = "device_gone"
    GREETING_CHANGED = "greeting_changed"
    KEY_CHANGED = "key_changed"
    USER_ADDED = "user_added"
    FIRMWARE_CHANGED = "firmware_changed"
    DESCRIPTION_CHANGED = "description_changed"
    NEW_DEVICE = "new_device"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, by what names it and both values where it has any: keys of the report's evidence."""

    kind: Kind
    evidence: Mapping[str, str]


def compare(before: DeviceState | None, after: DeviceState) -> Iterator[Change]:
    """Changes of one device; a device that was not there is one change."""
    if before is None:
        yield Change(Kind.NEW_DEVICE, {"device": after.name})
        return
    yield from (Change(Kind.PORT_OPENED, {"port": port}) for port in _added(before.services, after.services))
    # Some bots close telnet behind them, so a port that vanished is a question and not good news.
    yield from (Change(Kind.PORT_CLOSED, {"port": port}) for port in _added(after.services, before.services))
    yield from _values(Kind.GREETING_CHANGED, "port", before.services, after.services)
    yield from _values(Kind.KEY_CHANGED, "port", before.keys, after.keys)
    yield from (Change(Kind.OPENING_ADDED, {"opening": text}) for text in _added(before.openings, after.openings))
    if before.users:
        yield from (Change(Kind.USER_ADDED, {"user": user}) for user in _added(before.users, after.users))
    if before.ipv6_firewall == "1" and after.ipv6_firewall == "0":
        yield Change(Kind.FIREWALL_OFF, {})
    if after.upnp_router and not before.upnp_router:
        yield Change(Kind.UPNP_TURNED_ON, {})
    yield from _described(before, after)


def compare_network(before: Snapshot, resolvers: Iterable[str], present: Iterable[str]) -> Iterator[Change]:
    """Changes of the network: other name servers, and devices that are gone."""
    now = tuple(resolvers)
    if before.resolvers and now and set(now) != set(before.resolvers):
        yield Change(Kind.RESOLVER_CHANGED, {"before": ", ".join(before.resolvers), "after": ", ".join(now)})
    here = set(present)
    for device_id, state in before.devices.items():
        if device_id not in here and state.lasting:
            yield Change(Kind.DEVICE_GONE, {"device": state.name})


def _described(before: DeviceState, after: DeviceState) -> Iterator[Change]:
    if before.firmware and after.firmware and before.firmware != after.firmware:
        yield Change(Kind.FIRMWARE_CHANGED, {"before": before.firmware, "after": after.firmware})
    yield from _values(Kind.DESCRIPTION_CHANGED, "place", before.descriptions, after.descriptions)


def _values(kind: Kind, named: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() & after.keys()):
        if before[name] and after[name] and before[name] != after[name]:
            yield Change(kind, {named: name, "before": before[name][:16], "after": after[name][:16]})


def _added(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return sorted(set(after) - set(before))
