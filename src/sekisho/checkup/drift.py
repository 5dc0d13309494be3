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


class Drift(StrEnum):
    """Classes of change that are reported."""

    WEAKER = "weaker"
    LOST = "lost"
    CHANGED = "changed"
    NEW_DEVICE = "new_device"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what, and both values ("" = not there)."""

    drift: Drift
    what: str
    before: str
    after: str


def compare(before: DeviceState | None, after: DeviceState) -> Iterator[Change]:
    """Changes of one device; a device that was not there is one change."""
    if before is None:
        yield Change(Drift.NEW_DEVICE, "device", "", after.name)
        return
    yield from _services(before.services, after.services)
    yield from _values("key", before.keys, after.keys)
    yield from (Change(Drift.WEAKER, "port opening", "", text) for text in _added(before.openings, after.openings))
    yield from (Change(Drift.CHANGED, "user", "", user) for user in _added(before.users, after.users) if before.users)
    if before.ipv6_firewall == "1" and after.ipv6_firewall == "0":
        yield Change(Drift.WEAKER, "IPv6 firewall", "on", "off")
    if after.upnp_router and not before.upnp_router:
        yield Change(Drift.WEAKER, "UPnP", "off", "on")


def compare_network(before: Snapshot, resolvers: Iterable[str], present: Iterable[str]) -> Iterator[Change]:
    """Changes of the network: other name servers, and devices that are gone."""
    now = tuple(resolvers)
    if before.resolvers and now and set(now) != set(before.resolvers):
        yield Change(Drift.WEAKER, "DNS", ", ".join(before.resolvers), ", ".join(now))
    here = set(present)
    for device_id, state in before.devices.items():
        if device_id not in here and state.lasting:
            yield Change(Drift.LOST, "device", state.name, "")


def _services(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    yield from (Change(Drift.WEAKER, f"port {port}", "closed", "open") for port in _added(before, after))
    # Some bots close telnet behind them, so a port that vanished is a question and not good news.
    yield from (Change(Drift.LOST, f"port {port}", "open", "closed") for port in _added(after, before))
    yield from _values("greeting of port", before, after)


def _values(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() & after.keys()):
        if before[name] and after[name] and before[name] != after[name]:
            yield Change(Drift.CHANGED, f"{what} {name}", before[name][:16], after[name][:16])


def _added(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return sorted(set(after) - set(before))
