"""c4: what changed since the baseline, by meaning; and which name servers this network uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.drift import Kind, compare, compare_network
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.snapshot import state_of
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.drift import Change
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

_OUTCOMES = {
    Kind.PORT_OPENED: "c4.port_opened",
    Kind.OPENING_ADDED: "c4.opening_added",
    Kind.FIREWALL_OFF: "c4.firewall_off",
    Kind.UPNP_TURNED_ON: "c4.upnp_turned_on",
    Kind.RESOLVER_CHANGED: "c4.resolver_changed",
    Kind.PORT_CLOSED: "c4.port_closed",
    Kind.DEVICE_GONE: "c4.device_gone",
    Kind.GREETING_CHANGED: "c4.greeting_changed",
    Kind.KEY_CHANGED: "c4.key_changed",
    Kind.USER_ADDED: "c4.user_added",
    Kind.FIRMWARE_CHANGED: "c4.firmware_changed",
    Kind.DESCRIPTION_CHANGED: "c4.description_changed",
    Kind.NEW_DEVICE: "c4.new_device",
}


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: the state is what the other checks saw."""
    return ()


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """Changes of the device; on the router also those of the network."""
    if situation.is_gateway(device):
        yield _resolvers(device, situation)
        for other in situation.heard.others(situation.network, device.addresses):
            yield Observation("c4.second_server", {"place": other}, "dhcp and router advertisements")
    if situation.baseline is None:
        yield Observation("c4.no_baseline", {}, "baseline")
        return
    if not any(seen.of(device.addresses)):
        return  # A device that was only listed has no state to compare.
    changes = list(_changes(device, seen, situation))
    intended = situation.answers.about(device).get("expected_change", False)
    for change in changes:
        outcome = "c4.expected" if intended else _OUTCOMES[change.kind]
        yield Observation(outcome, change.evidence, "stated by the owner" if intended else "baseline")
    if not changes:
        yield Observation("c4.unchanged", {"date": iso(situation.baseline.at_ms)[:10]}, "baseline")


def _changes(device: Device, seen: Seen, situation: Situation) -> Iterator[Change]:
    assert situation.baseline is not None
    before = situation.baseline.devices.get(device.id)
    yield from compare(before, state_of(device, seen, situation))
    if situation.is_gateway(device):
        yield from compare_network(situation.baseline, situation.resolvers, [d.id for d in situation.devices])


def _resolvers(router: Device, situation: Situation) -> Observation:
    """The router itself, or the provider's published resolvers; any other is a question.

    What this computer was given counts, and what routers advertise to all (RFC 8106).
    """
    published = {str(resolver) for resolver in situation.answers.network.get("resolvers", [])} | set(router.addresses)
    advertised = (resolver for heard in situation.heard.advertisements for resolver in heard.resolvers)
    used = tuple(dict.fromkeys([*situation.resolvers, *advertised]))
    if not used:
        return Observation("c4.resolver_unknown", {}, "this computer's settings")
    outcome = "c4.resolver_ok" if set(used) <= published else "c4.resolver_other"
    return Observation(outcome, {"resolvers": ", ".join(used)}, "this computer's settings")
