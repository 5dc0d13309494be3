"""c2.7: how the line looks from outside. Neither the LAN side nor the ISP looks from there; the owner can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: a WAN address is never asked."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """Once per network, on its router."""
    if situation.is_gateway(device):
        yield Observation("c2.7.outside", {}, "not looked at from inside")
