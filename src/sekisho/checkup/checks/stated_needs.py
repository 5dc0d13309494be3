"""c2.5: connections that were seen against those that the maker states (MUD, RFC 8520, or typed by the owner).

Flows come from the owner's own router log; nothing is captured here, and no payload is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.data.mud import beyond, typed
from sekisho.checkup.outcomes import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.data.mud import Allowed, Flow
    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

_SHOWN = 10


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: both sides of the comparison are files."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """A question on what the maker does not state."""
    allowed, source = _stated(device, situation)
    flows = [flow for address in device.addresses for flow in situation.flows.get(address, ())]
    offered = device.fact("dhcp", "mud_url")
    if not allowed and offered:
        yield Observation("c2.5.profile_offered", {"url": offered}, "dhcp and router advertisements")
        return
    if not allowed or not flows:
        yield Observation("c2.5.not_seen", {}, "no statement or no record")
        return
    extra = list(dict.fromkeys(map(_text, beyond(allowed, flows))))
    if extra:
        shown = ", ".join(extra[:_SHOWN]) + (f" (+{len(extra) - _SHOWN})" if len(extra) > _SHOWN else "")
        yield Observation("c2.5.extra", {"flows": shown}, source)
    else:
        yield Observation("c2.5.as_stated", {"count": str(len(flows))}, source)


def _stated(device: Device, situation: Situation) -> tuple[tuple[Allowed, ...], str]:
    """The maker's profile, else what the owner copied from the manual."""
    profile = situation.profile_of(device)
    if profile is not None:
        return profile.allowed, profile.url
    return typed(situation.answers.about(device).get("communications", [])), "stated by the owner"


def _text(flow: Flow) -> str:
    protocol = {6: "tcp", 17: "udp"}.get(flow.protocol, str(flow.protocol))
    return f"{flow.name or flow.destination} {protocol}/{flow.port}"
