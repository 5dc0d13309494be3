"""c1.7: who has a user on the device; the list stands on the settings page, behind the owner's login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.text import printable
from sekisho.measures.order import DeviceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: only the owner knows."""
    return ()


_HAVE_USERS = frozenset({DeviceKind.ROUTER, DeviceKind.CAMERA, DeviceKind.RECORDER, DeviceKind.NAS})


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """The stated list, or the question for kinds of device that have users."""
    users = situation.answers.about(device).get("users")
    if users is not None:
        yield Observation(
            "c1.7.users", {"users": ", ".join(printable(str(u), 40) for u in users)}, "stated by the owner"
        )
    elif situation.kind(device) in _HAVE_USERS:
        yield Observation("c1.7.ask", {}, "nobody was asked yet")
