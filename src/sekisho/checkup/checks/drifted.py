"""c4: what changed since the baseline, by meaning; and which name servers this network uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.checkup.drift import Drift, compare, compare_network
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.snapshot import state_of
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.checkup.device import Device
    from sekisho.checkup.drift import Change
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

_OUTCOMES = {
    Drift.WEAKER: "c4.weaker",
    Drift.LOST: "c4.lost",
    Drift.CHANGED: "c4.changed",
    Drift.NEW_DEVICE: "c4.new_device",
}


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: the state is what the other checks saw."""
    return ()


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """Changes of the device; on the router also those of the network."""
    if situation.is_gateway(device):
        yield from _resolvers(situation)
        for other in situation.heard.others(situation.network):
            yield Observation("c4.second_server", {"place": other}, "dhcp and router advertisements")
    if situation.baseline is None:
        yield Observation("c4.no_baseline", {}, "baseline")
        return
    if not any(seen.of(device.addresses)):
        return  # A device that was only listed has no state to compare.
    changes = list(_changes(device, seen, situation))
    yield from (_observation(change, situation.answers.about(device)) for change in changes)
    if not changes:
        yield Observation("c4.unchanged", {"date": iso(situation.baseline.at_ms)[:10]}, "baseline")


def _changes(device: Device, seen: Seen, situation: Situation) -> Iterator[Change]:
    assert situation.baseline is not None
    before = situation.baseline.devices.get(device.id)
    yield from compare(before, state_of(device, seen, situation.answers.about(device)))
    if situation.is_gateway(device):
        yield from compare_network(situation.baseline, situation.resolvers, [d.id for d in situation.devices])


def _observation(change: Change, stated: Mapping[str, Any]) -> Observation:
    evidence = {"change": change.what, "before": change.before or "-", "after": change.after or "-"}
    if stated.get("expected_change", False):
        return Observation("c4.expected", evidence, "stated by the owner")
    return Observation(_OUTCOMES[change.drift], evidence, "baseline")


def _resolvers(situation: Situation) -> Iterator[Observation]:
    """The router itself, or the provider's published resolvers; any other is a question."""
    published = {str(r) for r in situation.answers.network.get("resolvers", [])} | {str(situation.network.gateway)}
    if not situation.resolvers:
        return
    outcome = "c4.resolver_ok" if set(situation.resolvers) <= published else "c4.resolver_other"
    yield Observation(outcome, {"resolvers": ", ".join(situation.resolvers)}, "this computer's settings")
